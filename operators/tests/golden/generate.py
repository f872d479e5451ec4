#!/usr/bin/env python3
"""Golden rows for the operators, against mpmath at 1000 digits (so that e^-2000 beside 1 is not lost).

    pip install mpmath && python3 generate.py      # writes rows.json beside this file

Inputs are doubles, given by their bits: Q-values, the logits of a second policy, flags of the
candidate set. An expected number is `nearest side`: the bits of the double nearest to the real
value, and on which side of it the real value lies (-, 0, +), so that a test can decide exactly
whether an enclosure holds it.
"""

import json
import random
import struct
from fractions import Fraction
from pathlib import Path

from mpmath import exp, log, log1p, mp, mpf

mp.dps = 1000
GAMMA = 0.99
HORIZON = 5


def bits(x):
    return f"{struct.unpack('<Q', struct.pack('<d', x))[0]:016x}"


def number(v):
    sign, man, e, _ = mpf(v)._mpf_
    real = (-1) ** sign * int(man) * Fraction(2) ** e
    nearest = float(real)
    difference = real - Fraction(nearest)
    return f"{bits(nearest)} {'0' if difference == 0 else '+' if difference > 0 else '-'}"


def soft_value(q):
    """With the maximum taken out: exact for one action."""
    return max(q) + log(sum(exp(x - max(q)) for x in q))


def row(q, teacher, kept):
    actions = range(len(q))
    inside = [a for a in actions if kept[a]]
    q, teacher = [mpf(x) for x in q], [mpf(x) for x in teacher]
    value = soft_value([q[a] for a in inside])
    # log(1 + odds): exactly 0 for a full set.
    outside = sum((exp(q[a]) for a in actions if not kept[a]), mpf(0))
    leak = log1p(outside / sum(exp(q[a]) for a in inside))
    teacher_value = soft_value([teacher[a] for a in inside])
    pi = {a: exp(teacher[a] - teacher_value) for a in inside}
    gamma = mpf(GAMMA)
    return {
        "q": [bits(float(x)) for x in q],
        "teacher": [bits(float(x)) for x in teacher],
        "kept": kept,
        "soft_value": number(value),
        "log_policy": [number(q[a] - value) if kept[a] else None for a in actions],
        "projection": [number(exp(q[a] - value)) if kept[a] else number(0) for a in actions],
        "leak": number(leak),
        "policy_value": number(sum(pi[a] * (q[a] - (teacher[a] - teacher_value)) for a in inside)),
        "kappa": number(gamma * leak / (1 - gamma)),
        "horizon_bound": number(leak * sum(gamma**t for t in range(1, HORIZON))),
        "chi2": [number(x - x * x / (4 * mpf(0.1))) for x in q],
    }


def rows(rng):
    yield row([0.5], [-3.0], [True])
    yield row([2.0, 2.0], [0.0, 0.0], [True, True])
    yield row([1.0, 1.0, 1.0, 1.0], [0.0, 1.0, 2.0, 3.0], [True, True, False, False])
    yield row([1000.0, -1000.0, 999.5], [-1000.0, 0.25, 3.0], [True, False, True])
    yield row([-1000.0, -1000.25], [-0.5, -700.0], [True, True])
    yield row([1e-300, -1e-300, 5e-324], [0.0, -0.0, 1e-200], [True, True, True])
    for spread in (1, 4, 30):
        for _ in range(15):
            size = rng.randrange(1, 7)
            kept = [rng.random() < 0.7 for _ in range(size)]
            kept[rng.randrange(size)] = True
            yield row(
                [rng.uniform(-spread, spread) for _ in range(size)],
                [rng.uniform(-spread, spread) for _ in range(size)],
                kept,
            )


here = Path(__file__).parent
rng = random.Random(505)
content = {"gamma": bits(GAMMA), "horizon": HORIZON, "alpha": bits(0.1), "rows": list(rows(rng))}
here.joinpath("rows.json").write_text(json.dumps(content, indent=1) + "\n")
print(len(content["rows"]))
