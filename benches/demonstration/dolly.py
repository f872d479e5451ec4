#!/usr/bin/env python3
"""Distil SmolLM2-135M-Instruct into twenty of its layers on Dolly prompts, by every objective.

    python3 benches/demonstration/dolly.py --model GGUF --data DIR --work DIR --hours 2
    python3 benches/demonstration/dolly.py --against start --model GGUF --data DIR --work DIR
    python3 benches/demonstration/dolly.py --table

DIR of --data holds dolly/{train,dev,test}.jsonl, self-instruct/test.jsonl, vicuna/test.jsonl and
plain-text/train.jsonl. The protocol is README.md beside this file. What is done is not done again: stop it whenever you like
(Ctrl-C, a kill, the end of --hours), and start it again. Each row and seed that is done is a JSON
file in dolly/. As many runs share the machine as --jobs says, with an equal part of its cores each.
--rehearse goes through all of it in minutes, at sizes that say nothing, and leaves the results in
the work folder. Needs Python 3.11 and the release binary; nothing else.
"""

import argparse
import hashlib
import json
import os
import platform
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "dolly"
AGAINST = HERE / "dolly-against"
MASS = "student_mass"

PROMPTS = ["--prompt", "chat", "--max-prompt-tokens", "128"]
NEW_TOKENS = ["--max-new-tokens", "96"]
SEEDS = [1, 2, 3]
TESTS = {"dolly": 130, "self-instruct": 130, "vicuna": 80}
NUCLEI = [1.0, 0.8]

# What is the same for every row.
COMMON = {
    "batch": 16, "micro-batch": 8, "epochs": 1, "max-tokens": 224, "score-every": 10,
    "dev-limit": 72, "top-p": 0.8, "learning-rate": 5e-5, "save-every": 25, "compute": "bf16",
}
START = COMMON | {"limit": 5000, "learning-rate": 2e-4, "score-every": 75}
ANSWERED = 560
RECORDS = 1120

# Rows: the phase, the p that the teacher was sampled at, and what differs from COMMON.
BD = {"gamma": 0.99, "alpha": 0.1, "p": 0.8}
ROWS = {
    "sft": ("sft", None, {}),
    "kd": ("kd", 0.8, {}),
    "seqkd": ("seqkd", 0.8, {}),
    # It answers each prompt once where the others have two responses: two passes are as many steps.
    "minillm": ("minillm", 0.8, {"epochs": 2}),
    "bd-p0.8": ("bd", 0.8, BD),
    "bd-p0.5": ("bd", 0.5, BD | {"p": 0.5}),
    "bd-p1.0": ("bd", 1.0, BD | {"p": 1.0}),
    "bd-identity": ("bd", 0.8, BD | {"phi": "identity"}),
    "bd-alpha1": ("bd", 0.8, BD | {"alpha": 1.0}),
    "bd-alpha10": ("bd", 0.8, BD | {"alpha": 10.0}),
    "bd-mass": ("bd", 0.8, BD | {"alpha": 10.0, "mass-weight": 1.0}),
    "bd-mass-softmax": ("bd", 0.8, BD | {"alpha": 10.0, "mass-weight": 1.0, "shift": "log-softmax"}),
    "bd-text": ("bd", 0.8, BD | {"alpha": 10.0, "text-weight": 1.0}),
}
# Settings that are only looked at on dev, with one seed, to see where BD does what it is meant to do.
HELD = BD | {"alpha": 10.0, "mass-weight": 1.0}
SEARCH = {
    "bd-rate-5e-6": ("bd", 0.8, BD | {"learning-rate": 5e-6}),
    "bd-text-paper": ("bd", 0.8, BD | {"text-weight": 1.0}),
    "bd-text-softmax": ("bd", 0.8, BD | {"alpha": 10.0, "text-weight": 1.0, "shift": "log-softmax"}),
    "bd-mass-identity": ("bd", 0.8, HELD | {"phi": "identity"}),
    "bd-mass-rate-2e-4": ("bd", 0.8, HELD | {"learning-rate": 2e-4}),
    "bd-mass-rate-1e-5": ("bd", 0.8, HELD | {"learning-rate": 1e-5}),
}
# What no row trains: the model as it comes, which responds with the first seed only, and both after SFT.
REFERENCES = ["shipped", "teacher", "start"]
NEEDS_TEACHER = {"kd", "minillm"}


class OutOfTime(Exception):
    """The budget is spent; what was begun goes on next time. Holds the peak memory so far."""

    def __init__(self, peak_mib=0.0):
        super().__init__()
        self.peak_mib = peak_mib


class Driver:
    def __init__(self, arguments):
        self.bellman = str(Path(arguments.bellman).resolve())
        self.model = str(Path(arguments.model).resolve())
        self.data = Path(arguments.data).resolve()
        self.work = Path(arguments.work).resolve()
        self.results = self.work / "rows" if arguments.rehearse else RESULTS
        self.rehearsing = arguments.rehearse
        self.teacher = self.work / "teacher/student"
        self.work.mkdir(parents=True, exist_ok=True)
        self.jobs = arguments.jobs
        self.children = set()
        self.evaluating = defaultdict(threading.Lock)
        self.end = time.monotonic() + 3600 * arguments.hours

    def sized(self, settings):
        """The settings, or next to none of their steps in a rehearsal."""
        small = {"steps": 3, "dev-limit": 4, "score-every": 2}
        return {k: v for k, v in settings.items() if k != "epochs"} | small if self.rehearsing else settings

    def count(self, number):
        return min(number, 12) if self.rehearsing else number

    def run(self, arguments, quiet=False):
        """Runs the command; its wall time, peak memory and standard output."""
        command = [self.bellman, *map(str, arguments)]
        left = self.end - time.monotonic()
        if left < 1:
            raise OutOfTime
        if not quiet:
            print(f"[{time.strftime('%H:%M:%S')}]", shlex.join(["bellman", *command[1:]]), file=sys.stderr)
        threads = max(1, (os.cpu_count() or 1) // self.jobs)
        environment = os.environ | {"RAYON_NUM_THREADS": str(threads)}
        start = time.monotonic()
        child = subprocess.Popen(command, cwd=self.work, env=environment, stdout=subprocess.PIPE, text=True)
        alarm = threading.Timer(left, child.send_signal, [signal.SIGINT])
        alarm.start()
        self.children.add(child)
        output = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        self.children.discard(child)
        alarm.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        peak = usage.ru_maxrss / 1024
        if child.returncode in (130, -signal.SIGINT):
            raise OutOfTime(peak)
        if child.returncode != 0:
            raise RuntimeError(f"exit code {child.returncode}: {shlex.join(command)}")
        return time.monotonic() - start, peak, output

    def together(self, tasks):
        """Does the tasks, as many at once as there are jobs; the first failure ends it."""
        with ThreadPoolExecutor(self.jobs) as pool:
            futures = [pool.submit(task) for task in tasks]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                # Nothing new begins, and what runs saves where it is.
                self.end = 0.0
                for child in list(self.children):
                    child.send_signal(signal.SIGINT)
                pool.shutdown(cancel_futures=True)
                raise

    def shown(self, arguments):
        """The command, with names for the places that differ from machine to machine."""
        command = shlex.join(["bellman", *map(str, arguments)])
        for place, name in ((self.work, "WORK"), (self.data, "DATA"), (self.model, "MODEL")):
            command = command.replace(str(place), name)
        return command

    def once(self, name, arguments, done):
        """Runs a stage unless its result is there, and keeps what it took."""
        note = self.work / f"{name}.json"
        if note.exists() and done.exists():
            return
        seconds, peak, _ = self.run(arguments)
        note.write_text(json.dumps({"command": self.shown(arguments), "seconds": seconds, "peak_mib": peak}))

    def prepare(self):
        """Teacher and student, both after SFT on the same records, and the teacher's responses."""
        calibrate = ["--calibrate", self.data / "dolly/dev.jsonl", "--limit", self.count(16), *PROMPTS]
        self.together([
            lambda: self.tuned("teacher", "whole", ["--keep", "0-29"]),
            lambda: self.tuned("start", "student", ["--drop", "10", *calibrate]),
        ])
        self.together([
            *[lambda p=p: self.generate(p) for p in (0.8, 0.5, 1.0)],
            *[lambda name=name: self.row(name, 1) for name in REFERENCES],
        ])

    def tuned(self, name, layers, choice):
        """Layers of the model after SFT."""
        out = self.work / layers
        self.once(layers, ["prune", "--model", self.model, *choice, "--out", out], out / "config.json")
        self.train(name, "sft", None, START, out, 1)

    def generate(self, p):
        # Sets at p = 1 would be the whole vocabulary; they need not be stored.
        sets, out = min(p, 0.8), self.work / f"answers-{p}"
        self.once(f"generate-{p}", ["generate", "--teacher", self.teacher, "--prompts",
                  self.data / "dolly/train.jsonl", *PROMPTS, "--limit", self.count(ANSWERED), "--responses", "2",
                  *NEW_TOKENS, "--p", sets, "--top-p", p, "--seed", "1", "--batch", "64", "--out", out],
                  out / "teacher.parquet")

    def train(self, name, phase, p, settings, student, seed):
        """Trains in the folder `name`, from where it was; what that took, all sittings together."""
        out, note = self.work / name, self.work / f"{name}.json"
        if note.exists():
            return json.loads(note.read_text())
        resumes = (out / "config.toml").exists()
        settings = self.sized(settings)
        first = ["distill", "--student", student, "--phases", phase, "--seed", seed,
                 "--dev", self.data / "dolly/dev.jsonl", *PROMPTS, *NEW_TOKENS, *flags(settings)]
        first += ["--train", self.data / "dolly/train.jsonl"] if p is None else []
        first += ["--cache", self.work / f"answers-{p}/teacher.parquet"] if p is not None else []
        first += ["--teacher", self.teacher] if phase in NEEDS_TEACHER else []
        first += ["--text", self.data / "plain-text/train.jsonl"] if "text-weight" in settings else []
        took = self.work / f"{name}.took"
        before = json.loads(took.read_text()) if took.exists() else {"seconds": 0.0, "peak_mib": 0.0}
        start = time.monotonic()
        try:
            _, peak, _ = self.run(["distill", "--out", out, "--resume"] if resumes else [*first, "--out", out])
        except OutOfTime as stopped:
            before["seconds"] += time.monotonic() - start
            before["peak_mib"] = max(before["peak_mib"], stopped.peak_mib)
            took.write_text(json.dumps(before))
            raise
        result = {"command": self.shown(first), "seconds": before["seconds"] + time.monotonic() - start,
                  "peak_mib": max(peak, before["peak_mib"])}
        note.write_text(json.dumps(result))
        # Gigabytes a run that nobody goes on with: moments, and the best student, which is the student.
        for folder in ("states", "best"):
            shutil.rmtree(out / folder, ignore_errors=True)
        return result

    def row(self, name, seed):
        """One row of the table for one seed, as JSON in RESULTS."""
        target = self.results / f"{name}-seed{seed}.json"
        if target.exists():
            return
        if name in REFERENCES:
            student = {"shipped": self.model, "teacher": self.teacher}.get(name, self.work / "start/student")
            result = {"row": name, "seed": seed}
        else:
            phase, p, changes = (ROWS | SEARCH)[name]
            settings = COMMON | changes | ({"limit": RECORDS} if p is None else {})
            run = f"{name}-seed{seed}"
            took = self.train(run, phase, p, settings, self.work / "start/student", seed)
            student = self.work / run / "student"
            result = {"row": name, "seed": seed, **took, **history(self.work / run / "log.jsonl")}
        result["weights"] = weights(student)
        if name not in SEARCH:
            result["test"] = [self.evaluate(result, student, test, top_p) for test in TESTS for top_p in NUCLEI]
        result |= {"date": date.today().isoformat(), "machine": machine()}
        write(target, result)

    def responses(self, row, test, top_p):
        """Where the responses of a row's student are: the same weights and seed respond the same."""
        return self.work / f"responses/{row['weights']}-seed{row['seed']}-{test}-{top_p}"

    def evaluate(self, row, student, test, top_p):
        """Rouge-L on a test set; the responses stay in the work folder."""
        out = self.responses(row, test, top_p)
        note = out.with_suffix(f"{out.suffix}.json")
        with self.evaluating[out]:
            if not note.exists():
                _, _, output = self.run(["eval", "--model", student, "--test", self.data / test / "test.jsonl",
                                         *PROMPTS, *NEW_TOKENS, "--limit", self.count(TESTS[test]), "--top-p", top_p,
                                         "--batch", "64", "--seeds", 10 * row["seed"], "--predictions", out, "--json"])
                note.parent.mkdir(parents=True, exist_ok=True)
                note.write_text(output)
        found = json.loads(note.read_text())
        kept = ["rouge_l", "prompts", "too_long"]
        return {"set": test, "top_p": top_p} | {key: found[key] for key in kept}

    def against(self, other):
        """Writes the differences of every row to `other`, paired by prompt, to AGAINST."""
        differences = {}
        for row in [*REFERENCES, *ROWS]:
            cells = [self.compare(row, other, test, top_p) for test in TESTS for top_p in NUCLEI]
            if row != other and all(cells):
                differences[row] = cells
        write(AGAINST / f"{other}.json", differences)

    def compare(self, row, other, test, top_p):
        """Difference of two rows on a test set: each prompt's mean over the seeds of either."""
        with tempfile.TemporaryDirectory() as aside:
            folders = [Path(aside) / name for name in "ab"]
            for name, folder in zip((row, other), folders):
                folder.mkdir()
                for file in self.results.glob(f"{name}-seed*.json"):
                    responses = self.responses(json.loads(file.read_text()), test, top_p)
                    shutil.copytree(responses, folder, dirs_exist_ok=True)
                if not (folder / "references.jsonl").exists():
                    return None
            _, _, output = self.run(["compare", "--a", folders[0], "--b", folders[1], "--references",
                                     folders[0] / "references.jsonl", "--json"], quiet=True)
        found = json.loads(output)
        kept = {key: found[key] for key in ("n", "seeds_a", "seeds_b")}
        return {"set": test, "top_p": top_p, **kept, "difference": found["rouge_l"]["difference"]}


def write(target, value):
    """Writes JSON aside and renames it."""
    target.parent.mkdir(exist_ok=True)
    aside = target.with_suffix(".part")
    aside.write_text(json.dumps(value, indent=1) + "\n")
    aside.rename(target)


def weights(student):
    """The hash of a model's weights."""
    file = Path(student)
    with open(file / "model.safetensors" if file.is_dir() else file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()[:16]


def flags(settings):
    return [part for key, value in settings.items() for part in (f"--{key}", str(value))]


def history(log):
    """What the log says of the way there: scores on dev, and what Bellman Distill counts."""
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    clock, scores = 0.0, []
    for entry in entries:
        clock += entry["seconds"] if entry["event"] == "step" else 0.0
        if entry["event"] == "score":
            scores.append({"step": entry["step"], "training_seconds": clock, "rouge_l": entry["rouge_l"]})
    steps = [entry for entry in entries if entry["event"] == "step"]
    last = steps[-16:]
    means = {}
    for key in ("loss", "outside", "floored", "teacher_mass", "student_mass", "best_outside", "residual"):
        values = [entry[key] for entry in last if entry.get(key) is not None]
        if values:
            means[key] = sum(values) / len(values)
    best = max(scores, key=lambda score: score["rouge_l"])
    return {"steps": len(steps), "dev": scores, "best_dev": best, "last_16_steps": means,
            "training_seconds": clock}


def machine():
    info = Path("/proc/cpuinfo")
    models = [line.split(":")[1].strip() for line in info.read_text().splitlines()
              if line.startswith("model name")] if info.exists() else [platform.processor()]
    return f"{len(models)} × {models[0]}"


def table():
    """The rows that are there, as Markdown: means over seeds with the standard error."""
    found = {}
    for file in sorted(RESULTS.glob("*.json")):
        result = json.loads(file.read_text())
        found.setdefault(result["row"], []).append(result)
    found = {name: found[name] for name in [*REFERENCES, *ROWS, *SEARCH] if name in found}
    cells = [(test, top_p) for test in TESTS for top_p in NUCLEI]
    heads = [f"{test}, top-p {top_p}" for test, top_p in cells]

    def tested(results, cell):
        return [entry["rouge_l"]["value"] for result in results for entry in result["test"]
                if (entry["set"], entry["top_p"]) == cell]

    markdown(["row", "seeds", *heads], [
        [name, str(len(results)), *[spread(tested(results, cell)) for cell in cells]]
        for name, results in found.items() if name not in SEARCH])
    print("\nTraining:\n")
    markdown(["row", "seeds", "best on dev", "last on dev", "training, min", "to the best on dev, min",
              "peak, GiB", "student's mass in the sets"], [
        [name, str(len(results)),
         spread([r["best_dev"]["rouge_l"] for r in results]),
         spread([r["dev"][-1]["rouge_l"] for r in results]),
         f"{pace(results) * results[0]['steps'] / 60:.1f}",
         f"{pace(results) * sum(r['best_dev']['step'] for r in results) / len(results) / 60:.1f}",
         f"{max(r['peak_mib'] for r in results) / 1024:.1f}",
         spread([r["last_16_steps"][MASS] for r in results if MASS in r["last_16_steps"]], digits=3)]
        for name, results in found.items() if name not in REFERENCES])
    for file in sorted(AGAINST.glob("*.json")):
        print(f"\nDifferences to {file.stem}, with 95 % intervals:\n")
        differences = json.loads(file.read_text())
        markdown(["row", *heads], [[row, *map(interval, of)] for row, of in differences.items()])


def markdown(heads, rows):
    for row in [heads, ["---"] * len(heads), *rows]:
        print("|", " | ".join(row), "|")


def pace(results):
    """Seconds a step, the least of all seeds: what else the machine does only adds to it."""
    return min(r["training_seconds"] / r["steps"] for r in results)


def interval(entry):
    found = entry["difference"]
    return f"{found['value']:+.1f} ({found['lower']:+.1f} to {found['upper']:+.1f})"


def spread(values, digits=2):
    if not values:
        return "–"
    mean = sum(values) / len(values)
    if len(values) == 1:
        return f"{mean:.{digits}f}"
    error = (sum((v - mean) ** 2 for v in values) / (len(values) - 1) / len(values)) ** 0.5
    return f"{mean:.{digits}f} ± {error:.{digits}f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="SmolLM2-135M-Instruct, a .gguf file or a folder")
    parser.add_argument("--data", help="the folder of the data sets")
    parser.add_argument("--work", help="where models, teacher data and responses go; outside the repository")
    parser.add_argument("--bellman", default=HERE.parents[1] / "target/release/bellman")
    parser.add_argument("--hours", type=float, default=1e6, help="stop after this time, and go on the next time")
    parser.add_argument("--jobs", type=int, default=2, help="runs that share the machine")
    parser.add_argument("--rehearse", action="store_true", help="go through all of it at small sizes")
    parser.add_argument("--search", action="store_true", help="the settings that are only looked at on dev")
    parser.add_argument("--rows", help="names of rows, with commas between them; all of them by default")
    parser.add_argument("--against", metavar="ROW", help="write the differences of all rows to this one")
    parser.add_argument("--table", action="store_true", help="print the rows that are there")
    arguments = parser.parse_args()
    if arguments.table:
        return table()
    if not (arguments.model and arguments.data and arguments.work):
        parser.error("--model, --data and --work are needed")
    # In the background of a script Ctrl-C would be ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    driver = Driver(arguments)
    if arguments.against:
        return driver.against(arguments.against)
    rows = arguments.rows.split(",") if arguments.rows else list(SEARCH if arguments.search else ROWS)
    try:
        driver.prepare()
        seeds = SEEDS[:1] if arguments.rehearse or arguments.search else SEEDS
        driver.together([lambda n=name, s=seed: driver.row(n, s) for seed in seeds for name in rows])
        # Rows that select the start have its responses by now.
        driver.together([lambda n=name, s=seed: driver.row(n, s) for name in REFERENCES[1:] for seed in seeds])
    except RuntimeError as failure:
        sys.exit(str(failure))
    except (OutOfTime, KeyboardInterrupt):
        print("out of time; the same command goes on from here", file=sys.stderr)
    return None


if __name__ == "__main__":
    main()
