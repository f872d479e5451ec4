"""The demonstration of `bellman distill` over many seeds: a table in which differences can be told from noise.

    cargo build --release
    python3 benches/demonstration/exercises.py --seeds 1-10

Each seed is another set of exercises, other responses of the teacher and another order of training. What came out for
a seed is a file beside this one, exercises/seed-NN.json; seeds that are there are not run again, and a seed that was stopped goes
on where it was. Without --seeds the table of the files is printed, and nothing is run. The intervals are Student's t over seeds of
the differences within each seed: they speak of other seeds, and so of other exercises too.
"""

import argparse
import json
import math
import os
import pathlib
import platform
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve()
ROOT = HERE.parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
ROWS = HERE.parent / "exercises"

# The 97.5 % quantiles of Student's t for 1, 2, … degrees of freedom; beyond them that of 30 is a little too wide.
T = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101,
     2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042]  # fmt: skip


def seeds(text):
    """The seeds of `1-3,7`."""
    found = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return sorted(found)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=seeds, default=[], help="which to run, as 1-10 or 1,4,7")
    parser.add_argument("--program", type=pathlib.Path, default=TARGET / "release" / "bellman")
    parser.add_argument("--demonstration", type=pathlib.Path, help="settings other than those that are built in")
    parser.add_argument("--rows", type=pathlib.Path, default=ROWS, help="where the files lie")
    parser.add_argument("--against", metavar="ROW", help="the row that differences are to [the demonstration's control]")
    parser.add_argument("--runs", type=pathlib.Path, default=TARGET / "demonstration", help="where the runs go")
    return parser.parse_args()


def run(seed, options):
    """Runs a seed, or goes on with it, and keeps what came out."""
    file = options.rows / f"seed-{seed:02}.json"
    if file.exists():
        return
    command = [options.program, "distill", "--json", "--seed", str(seed), "--out", options.runs / f"seed-{seed:02}"]
    if options.demonstration:
        command += ["--demonstration", options.demonstration]
    print(f"seed {seed}", file=sys.stderr)
    result = subprocess.run(command, stdout=subprocess.PIPE)
    if result.returncode:
        sys.exit(result.returncode)
    outcome = json.loads(result.stdout)
    del outcome["out"]
    outcome["machine"] = f"{platform.machine()}, {os.cpu_count()} processors, {platform.system()}"
    options.rows.mkdir(parents=True, exist_ok=True)
    aside = file.with_suffix(".part")
    aside.write_text(json.dumps(outcome, indent=1) + "\n")
    aside.rename(file)


def interval(values):
    """A mean, and half the width of its 95 % interval."""
    n, mean = len(values), statistics.fmean(values)
    if n < 2:
        return mean, math.nan
    return mean, T[min(n - 2, len(T) - 1)] * statistics.stdev(values) / math.sqrt(n)


def table(outcomes, control):
    """The table in Markdown, a part for each way of sampling, with differences to the row `control`."""
    rows = [row["name"] for row in outcomes[0]["rows"]]
    lines = []
    for way, scores in enumerate(outcomes[0]["rows"][0]["scores"]):
        lines += ["", f"Responses drawn at top-p {scores['top_p']}, {len(outcomes)} seeds:", ""]
        lines += [f"| | exact match | − {control} | Rouge-L | − {control} | seconds |", "|---|---|---|---|---|---|"]
        for number, name in enumerate(rows):
            found = [outcome["rows"][number] for outcome in outcomes]
            others = [outcome["rows"][rows.index(control)] for outcome in outcomes]
            cells = [name]
            for score in ("exact_match", "rouge_l"):
                values, beside = ([row["scores"][way][score]["value"] for row in side] for side in (found, others))
                cells.append(f"{statistics.fmean(values):.1f}")
                mean, half = interval([value - other for value, other in zip(values, beside)])
                cells.append("–" if name == control else f"{mean:+.1f} ({mean - half:+.1f} to {mean + half:+.1f})")
            seconds = [row["seconds"] for row in found if row["seconds"] is not None]
            cells.append(f"{statistics.fmean(seconds):.0f}" if seconds else "–")
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main():
    options = arguments()
    for seed in options.seeds:
        run(seed, options)
    files = sorted(options.rows.glob("seed-*.json"))
    outcomes = [json.loads(file.read_text()) for file in files]
    if not outcomes:
        sys.exit("no seed was run yet: --seeds 1-10")
    names = {(outcome["control"], *(row["name"] for row in outcome["rows"])) for outcome in outcomes}
    if len(names) > 1:
        sys.exit(f"{options.rows} holds outcomes of different demonstrations: {names}")
    control = options.against or outcomes[0]["control"]
    if control not in [row["name"] for row in outcomes[0]["rows"]]:
        sys.exit(f"there is no row {control}")
    print(table(outcomes, control))


if __name__ == "__main__":
    main()
