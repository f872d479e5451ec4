#!/usr/bin/env python3
"""Solves the same two models with `bellman` and with its peers, and prints a table.

See README.md in this folder. Nothing is written outside a temporary folder, but for what cargo
builds in its target folder.
"""

import argparse
import importlib.util
import itertools
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

HERE = Path(__file__).resolve()
REPOSITORY = HERE.parents[2]
GAMMA = 0.99
# Each value is to be known to lie in an interval so wide.
WIDTH = 1e-8
# What rounding may add where errors are bounded in plain floats.
ROUNDING = 1e-10
MODELS = {"garnet": "Garnet 100,000 × 4 × 5", "grid": "grid 316 × 316"}
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


class Model:
    """A model whose states all offer the same number of actions."""

    FIELDS = ("actions", "rewards", "offsets", "successors", "probabilities")

    def __init__(self, actions, rewards, offsets, successors, probabilities):
        self.actions = int(actions)
        self.rewards = rewards
        self.offsets = offsets
        self.successors = successors
        self.probabilities = probabilities
        self.states = len(rewards) // self.actions

    @classmethod
    def from_json(cls, path):
        document = json.loads(path.read_text())
        actions = {len(offered) for offered in document["available"]}
        assert len(actions) == 1, "every state offers the same actions"
        rows = [row for state in document["transition"] for row in state]
        offsets = np.cumsum([0] + [len(row) for row in rows])
        successors = np.array([s for row in rows for s, _ in row], dtype=np.int32)
        weights = np.array([w for row in rows for _, w in row])
        totals = np.add.reduceat(weights, offsets[:-1])
        probabilities = weights / np.repeat(totals, np.diff(offsets))
        rewards = np.array([r for state in document["reward"] for r in state])
        return cls(actions.pop(), rewards, offsets, successors, probabilities)

    @classmethod
    def load(cls, path):
        with np.load(path) as arrays:
            return cls(*(arrays[field] for field in cls.FIELDS))

    def save(self, path):
        np.savez(path, **{field: getattr(self, field) for field in self.FIELDS})

    def matrix(self):
        """One row for each pair of state and action."""
        parts = (self.probabilities, self.successors, self.offsets)
        return csr_matrix(parts, shape=(len(self.rewards), self.states))

    def hard_error(self, v):
        """|v − V*| is at most this for the hard maximum, up to rounding."""
        q = self.rewards + GAMMA * (self.matrix() @ v)
        image = q.reshape(self.states, self.actions).max(axis=1)
        return np.abs(image - v).max() / (1 - GAMMA)


# Each peer takes the folder and the name of a model, and gives an endless iterator: whatever is
# done before the clock starts, then a function to be timed. That one gives the values, or a
# function for them.


def quantecon(folder, name):
    from quantecon.markov import DiscreteDP

    model = Model.load(folder / f"{name}.npz")
    states = np.repeat(np.arange(model.states), model.actions)
    actions = np.tile(np.arange(model.actions), model.states)
    problem = DiscreteDP(model.rewards, model.matrix(), GAMMA, states, actions)
    while True:
        # It stops at span(Tv − v) < ε (1 − γ)/γ; then |v − V*| < ε/2.
        yield lambda: problem.solve(method="mpi", epsilon=WIDTH, max_iter=100_000).v


def mdpsolver(folder, name):
    import mdpsolver as package

    model = Model.load(folder / f"{name}.npz")

    def by_state(entries):
        entries = entries.tolist()
        cuts = model.offsets.tolist()
        rows = [entries[i:j] for i, j in zip(cuts, cuts[1:])]
        return [rows[i : i + model.actions] for i in range(0, len(rows), model.actions)]

    arrays = {
        "rewards": model.rewards.reshape(model.states, model.actions).tolist(),
        "tranMatProbs": by_state(model.probabilities),
        "tranMatColumns": by_state(model.successors),
    }

    def solve(problem):
        # It stops at span(Tv − v) < ε (1 − γ)/γ; then v ≤ V* < v + ε.
        # Twenty sweeps between improvements, as QuantEcon.py does: faster here than its own 100.
        problem.solve(algorithm="mpi", tolerance=WIDTH, parIterLim=20, makeFinalCheck=False)
        return lambda: np.array(problem.getValueVector())

    while True:
        # A new one each time: solved again it would start from its solution.
        problem = package.model()
        problem.mdp(discount=GAMMA, **arrays)
        yield lambda: solve(problem)


def storm(folder, name):
    import stormpy
    from stormpy import environments

    model = stormpy.build_model_from_drn(str(folder / f"{name}.drn"))
    formula = stormpy.parse_properties(f'R{{"reward"}}max=? [Cdiscount={GAMMA}]')[0]
    environment = environments.default(model)
    # It stops at |Tv − v| < ε (1 − γ)/γ; then |v − V*| < ε.
    stopping = environment.solver().min_max()
    stopping.precision = stormpy.Rational(WIDTH / 2)
    stopping.relative_termination_criterion = False

    def solve():
        result = stormpy.model_checking(model, formula, environment=environment)
        return lambda: np.array(result.get_value_vector())

    while True:
        yield solve


# What the table calls each, the package that it needs, threads, and how to run it.
PEERS = {
    "quantecon": ("QuantEcon.py, MPI", "quantecon", 1, quantecon),
    "mdpsolver": ("mdpsolver, MPI", "mdpsolver", CORES, mdpsolver),
    "storm": ("Storm, VI", "stormpy", 1, storm),
}


def resident():
    """The most memory held since the last call, and what is held now; in bytes, Linux only."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return math.nan, math.nan
    fields = dict(line.split(":", 1) for line in lines)
    return tuple(1024 * int(fields[field].split()[0]) for field in ("VmHWM", "VmRSS"))


def time_peer(folder, name, peer, runs, limit):
    """Prints a line of JSON; for a process that does nothing else."""
    seconds, memory = [], []
    solves = PEERS[peer][3](folder, name)
    # The first run warms up: compilers, caches.
    while len(seconds) < 2 or (len(seconds) <= runs and sum(seconds) < limit):
        solve = next(solves)
        _, before = resident()
        begin = time.perf_counter()
        values = solve()
        seconds.append(time.perf_counter() - begin)
        memory.append(resident()[0] - before)
    values = values() if callable(values) else values
    np.save(folder / f"{name}.{peer}.npy", values)
    print(json.dumps({"solve": seconds[1:], "beyond_model": max(memory)}))


def call(command, threads):
    environment = {
        **os.environ,
        "RAYON_NUM_THREADS": str(threads),
        "OMP_NUM_THREADS": str(threads),
        # Threads that spin while they wait take the cores from whoever has work.
        "OMP_WAIT_POLICY": "passive",
    }
    done = subprocess.run(
        command, env=environment, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def bench(threads, *arguments):
    command = ["cargo", "bench", "--quiet", "--bench", "large", "--", *arguments]
    return {line["name"]: line for line in call(command, threads)}


class Times:
    """Seconds of one way to solve one model, over all rounds."""

    def __init__(self, label, threads):
        self.label, self.threads = label, threads
        self.seconds, self.memory = [], math.nan
        self.error = math.nan

    def add(self, seconds, memory):
        self.seconds += seconds
        # NaN gives way to a number.
        self.memory = memory if math.isnan(self.memory) else max(self.memory, memory)

    def best(self):
        return min(self.seconds)


def measure(folder, peers, runs, rounds, limit):
    """All times of each model, and the values that each found."""
    times = {name: {} for name in MODELS}
    values = {name: {} for name in MODELS}

    def add(name, key, label, threads, seconds, memory):
        entry = times[name].setdefault(key, Times(label, threads))
        entry.add(seconds, memory)
        return entry

    for round_ in range(rounds):
        for threads in sorted({CORES, 1}, reverse=True):
            progress(f"round {round_ + 1}: bellman, {threads} thread(s)")
            for name, line in bench(threads, "json", str(runs)).items():
                both = [s + c for s, c in zip(line["solve"], line["certify"])]
                for key, seconds in (("solve", line["solve"]), ("solve + certify", both)):
                    label = f"**bellman**, {key}"
                    entry = add(
                        name, (key, threads), label, threads, seconds, line["beyond_model"]
                    )
                    entry.error = line["width"] / 2
                values[name]["bellman"] = np.array(line["v"])
        for name in MODELS:
            for peer in peers:
                label, _, threads, _ = PEERS[peer]
                progress(f"round {round_ + 1}: {label}, {threads} thread(s), {name}")
                one = [sys.executable, str(HERE), "--one", peer, name, str(folder)]
                (line,) = call([*one, f"--runs={runs}", f"--limit={limit}"], threads)
                add(name, peer, label, threads, line["solve"], line["beyond_model"])
                values[name][peer] = np.load(folder / f"{name}.{peer}.npy")
    return times, values


def check(name, model, values, times):
    """That all have solved this model: hard maxima agree, and the soft one lies where it must."""
    for peer in values.keys() & PEERS.keys():
        times[peer].error = model.hard_error(values[peer])
    allowed = {peer: times[peer].error + ROUNDING for peer in values.keys() & PEERS.keys()}
    worst = 0.0
    for a, b in itertools.combinations(sorted(allowed), 2):
        apart = np.abs(values[a] - values[b]).max()
        worst = max(worst, apart)
        if not apart <= allowed[a] + allowed[b]:
            raise SystemExit(f"{name}: {a} and {b} are {apart:.1e} apart: not the same model?")
    most = math.log(model.actions) / (1 - GAMMA)
    for peer, error in allowed.items():
        above = values["bellman"] - values[peer]
        slack = error + WIDTH
        if not (-slack <= above.min() and above.max() <= most + slack):
            raise SystemExit(f"{name}: the soft value is not in [V, V + {most:.1f}] of {peer}")
    progress(f"{name}: peers are at most {worst:.1e} apart; V ≤ V_soft ≤ V + log A/(1−γ) holds")


def table(name, times):
    solve, certify = times["solve", CORES].best(), times["solve + certify", CORES].best()
    lines = [
        f"### {MODELS[name]}",
        "",
        "| what | threads | runs | best | median | best / our solve | best / our solve + certify "
        "| error at most | memory beyond the model |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for entry in times.values():
        best = entry.best()
        lines.append(
            f"| {entry.label} | {entry.threads} | {len(entry.seconds)} | {best:.3f} s "
            f"| {statistics.median(entry.seconds):.3f} s | {best / solve:.2f} "
            f"| {best / certify:.2f} | {entry.error:.1e} | {entry.memory / 2**20:.1f} MiB |"
        )
    return "\n".join(lines)


def progress(text):
    print(text, file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="timed runs after a warm-up")
    parser.add_argument("--rounds", type=int, default=1, help="go round all tools so many times")
    parser.add_argument(
        "--limit", type=float, default=60, help="no new run of a peer after so many seconds"
    )
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        peer, name, folder = options.one
        return time_peer(Path(folder), name, peer, options.runs, options.limit)
    peers = []
    for peer in options.peers:
        if importlib.util.find_spec(PEERS[peer][1]) is None:
            progress(f"{PEERS[peer][1]} is not installed: left out")
        else:
            peers.append(peer)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        progress("building bellman and writing the models")
        bench(CORES, "export", str(folder))
        models = {}
        for name in MODELS:
            models[name] = Model.from_json(folder / f"{name}.json")
            models[name].save(folder / f"{name}.npz")
        times, values = measure(folder, peers, options.runs, options.rounds, options.limit)
    for name, model in models.items():
        check(name, model, values[name], times[name])
        print(f"\n{table(name, times[name])}")


if __name__ == "__main__":
    main()
