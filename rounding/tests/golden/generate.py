#!/usr/bin/env python3
"""Golden vectors of exp and ln, against mpmath at 80 digits.

    pip install mpmath && python3 generate.py      # writes exp.txt and ln.txt beside this file

A line is `x nearest side`: the bits of a double x, the bits of the double nearest to the real
f(x) (ties to even; the infinity where IEEE 754 overflows to it), and on which side of that double
the real value lies: - below it, 0 equal, + above it. 80 digits (265 bits) decide this, and the
script checks that they do.

The hard cases are arguments where the real value lies extremely close to a double or to the
midpoint of two (Lefevre and Muller, "Worst cases for correct rounding of the elementary functions
in double precision", 2001); the results are computed here. The random arguments come from a fixed
seed, so the files are reproducible.
"""

import math
import random
import struct
from fractions import Fraction
from pathlib import Path

import mpmath

mpmath.mp.dps = 80
MAX = Fraction(2**53 - 1) * 2**971
OVERFLOW = MAX + 2**970

HARD_EXP = """
-0x1.e8bdbfcd9144ep3 -0x1.71e0b869b5e79p2 -0x1.02393d5976769p1 -0x1.2a9cad9998262p0
-0x1.cc37ef7de7501p0 -0x1.22e24fa3d5cf9p-1 -0x1.dc2b5df1f7d3dp-1 -0x1.290ea09e36479p-3
-0x1.a2fefefd580dfp-13 -0x1.ed318efb627eap-27 -0x1.4bd46601ae1efp-31 -0x1.1000000000242p-42
-0x1.2000000000288p-42 -0x1.8000000000012p-48 -0x1.0000000000001p-51 0x1.fffffffffffffp-53
0x1.fffffffffffe0p-48 0x1.ffffffffffffep-52 0x1.1ffffffffff5ep-44 0x1.03fffffffef7fp-39
0x1.836b2fff6d6cbp-33 0x1.7ffe7ffee0024p-32 0x1.80017ffedffdcp-32 0x1.9e9cbbfd6080bp-31
0x1.d7a7d893609e5p-26 0x1.ba07d73250de7p-14 0x1.d77fd13d27fffp-11 0x1.6a4d1af9cc989p-8
0x1.8ae823850230bp-5 0x1.46370d915991bp-4 0x1.f6e4c3ced7c72p-3 0x1.accfbe46b4ef0p-1
0x1.aca7ae8da5a7bp0 0x1.d6336a88077aap0 0x1.42ee3c7dc4946p1 0x1.83d4bcdebb3f4p2
0x1.76e7e5d7b6eacp3 0x1.a8ead058bc6b8p3 0x1.1d5c2daebe367p4 0x1.c44ce0d716a1ap4
0x1.c089fcf166171p4 0x1.e07e71bfcf06fp5 0x1.54cd1fea7663ap7 0x1.d6479eba7c971p8
0x1.6474c604cc0d7p6 0x1.2da9e5e6af0bp8 0x1.9e7b643238a14p8 0x1.0bc04af1b09f5p9
0x1.26ee1a46d8c8bp9 -0x1.54c9218baa581p3 0x1.d83e8bdd4f7e4p-12 -0x1.6ff486dc6f81ap-24
"""

HARD_LN = """
0x1.0000000000001p0 0x1.000967659c1cep1 0x1.91a8dff540ff7p2 0x1.de37fb31fd5fcp2
0x1.2b1199e497739p3 0x1.55f0eaa1b2fc8p3 0x1.8ede492d96072p3 0x1.118676e7cbd03p4
0x1.3d9d7d597a9ddp4 0x1.7f3825778aaafp4 0x1.ac50b409c8aeep8 0x1.de7cd6751029ap16
0x1.ea71d85cee020p-509 0x1.9476e304cd7c7p-384 0x1.26e9c4d327960p-232
0x1.613955dc802f8p-35 0x1.62a88613629b6p678
"""


def bits(x):
    return struct.unpack("<Q", struct.pack("<d", x))[0]


def from_bits(b):
    return struct.unpack("<d", struct.pack("<Q", b))[0]


def exact(v):
    """An mpf as a fraction, without rounding."""
    sign, man, exp, _ = v._mpf_
    return (-1) ** sign * int(man) * Fraction(2) ** exp


def line(f, x):
    with mpmath.workdps(80):
        real = f(mpmath.mpf(x))
    real = exact(real)
    if real >= OVERFLOW:
        nearest, side = math.inf, "-"
    else:
        nearest = float(real)  # int / int rounds correctly, subnormal results included
        difference = real - Fraction(nearest)
        side = "0" if difference == 0 else "+" if difference > 0 else "-"
        # The working precision must decide: the value is not within 2^-250 of a switch.
        if difference != 0:
            neighbour = math.nextafter(nearest, math.inf if difference > 0 else -math.inf)
            middle = OVERFLOW if math.isinf(neighbour) else (Fraction(nearest) + Fraction(neighbour)) / 2
            margin = min(abs(difference), abs(real - middle))
            assert margin > abs(real) * Fraction(1, 2**250), x
    return f"{bits(x):016x} {bits(nearest):016x} {side}"


def neighbours(x):
    return [math.nextafter(x, -math.inf), x, math.nextafter(x, math.inf)]


def exp_arguments(rng):
    yield from [0.0, -0.0]
    for x in map(float.fromhex, HARD_EXP.split()):
        yield from [x, *([-x] if abs(x) < 700 else [])]
    yield from (rng.uniform(-745.2, 709.8) for _ in range(340))
    yield from (rng.uniform(-30, 3) for _ in range(150))
    # Near zero, down to where exp(x) is nearest to 1 whatever x is.
    yield from (rng.choice([-1, 1]) * math.ldexp(1 + rng.random(), -rng.randrange(1, 60)) for _ in range(160))
    yield from (rng.choice([-1, 1]) * math.ldexp(1 + rng.random(), -rng.randrange(60, 200)) for _ in range(20))
    # exp(m 2^-53) lies at m²·2^-107 from a double (m even) or from a midpoint (m odd).
    for m in range(1, 31):
        yield from [m * 2.0**-53, -m * 2.0**-54]
    # Subnormal results, and where they end.
    yield from (rng.uniform(-745.13, -708.4) for _ in range(130))
    yield from neighbours(-745.1332191019412)
    yield from neighbours(-744.4400719213812)
    yield from neighbours(-708.3964185322641)
    yield from (-x for x in (746.0, 750.0, 1000.0))
    # The end of the range.
    yield from neighbours(709.782712893384)
    yield from (rng.uniform(709.7, 709.8) for _ in range(20))
    yield from [710.0, 1000.0]


def ln_arguments(rng):
    yield 1.0
    for x in map(float.fromhex, HARD_LN.split()):
        yield x
    # Where exp(x) comes close to a double y, ln(y) comes close to x.
    for x in map(float.fromhex, HARD_EXP.split()):
        yield from neighbours(math.exp(x))
    yield from (from_bits(rng.randrange(1, bits(math.inf))) for _ in range(370))
    yield from (rng.uniform(0.05, 50) for _ in range(150))
    # Near 1, from both sides.
    yield from (1 + rng.choice([-1, 1]) * math.ldexp(1 + rng.random(), -rng.randrange(1, 53)) for _ in range(160))
    for m in range(1, 21):
        yield from [1 + m * 2.0**-52, 1 - m * 2.0**-53]
    # Subnormal arguments, powers of two, the ends.
    yield from (from_bits(rng.randrange(1, 2**52)) for _ in range(60))
    yield from (from_bits(1 << rng.randrange(52)) for _ in range(20))
    yield from (2.0**k for k in range(-1022, 1024, 37))
    yield from [5e-324, 1e-323, 2.2250738585072014e-308, float(MAX), math.e, 10.0]


def write(name, f, arguments):
    here = Path(__file__).parent
    seen = dict.fromkeys(bits(x) for x in arguments)
    here.joinpath(f"{name}.txt").write_text("".join(line(f, from_bits(b)) + "\n" for b in seen))
    print(name, len(seen))


write("exp", mpmath.exp, list(exp_arguments(random.Random(2505))))
write("ln", mpmath.log, [x for x in ln_arguments(random.Random(20335)) if x > 0])
