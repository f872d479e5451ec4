"""One training step beside PyTorch's: tokens a second and peak memory, in one run.

    python3 benches/train/train.py --model FOLDER

FOLDER is the Hugging Face folder of SmolLM2-135M or of another Llama. README.md beside this file says what is compared.
"""

import argparse
import glob
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import venv

HERE = pathlib.Path(__file__).resolve()
ROOT = HERE.parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))

# What each side computes in a step, and the ratio of tokens a second and of peak memory that is asked of `bellman`.
PAIRS = [
    ("bd", "PyTorch, all logits", "bd", 2.0, None),
    ("bd-candidates", "PyTorch, candidates' logits", "bd-candidates", 1.2, None),
    ("sft", "PyTorch", "sft", 1.1, 0.6),
    ("kd", "PyTorch", "kd", 1.1, 0.6),
]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True, help="a Hugging Face folder with a tokenizer")
    parser.add_argument("--layers", type=int, default=10, help="the student's: the first of the model")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--time", type=int, default=256, help="tokens of a sequence")
    parser.add_argument("--p", type=float, default=0.8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="both take turns this often")
    parser.add_argument("--steps", type=int, default=4, help="of each turn; the first warms up")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"], help="of products: PyTorch's by autocast, `bellman`'s by its kernels")
    parser.add_argument("--only", choices=["bd", "bd-candidates", "sft", "kd"], action="append")
    parser.add_argument("--prepare", metavar="FOLDER", help=argparse.SUPPRESS)
    parser.add_argument("--step", metavar="OBJECTIVE", help=argparse.SUPPRESS)
    return parser.parse_args()


def environment():
    """The Python of an environment of this benchmark's own, made on the first run."""
    folder = TARGET / "bench-train"
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"installing PyTorch into {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True)
        install = [python, "-m", "pip", "install", "--quiet", "-r", HERE.parent / "requirements.txt"]
        subprocess.run(install, check=True)
    return str(python)


def prepare(options):
    """The student, the tokens, and the teacher's candidate sets."""
    import torch
    import transformers

    folder = pathlib.Path(options.prepare)
    model = transformers.AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(options.model)
    pages = sorted(glob.glob(str(ROOT / "docs" / "src" / "**" / "*.md"), recursive=True))
    text = "\n".join(pathlib.Path(page).read_text(encoding="utf-8") for page in pages)
    ids = torch.tensor(tokenizer(text)["input_ids"][: options.batch * options.time])
    ids = ids.reshape(options.batch, options.time)
    sets = []
    with torch.no_grad():
        for sequence in ids:
            logits = model(sequence[None]).logits[0, :-1]
            share, order = torch.sort(logits.softmax(-1), dim=-1, descending=True, stable=True)
            sizes = (share.cumsum(-1) < options.p).sum(-1) + 1
            sets.append([row[:size].tolist() for row, size in zip(order, sizes)])
    (folder / "batch.json").write_text(json.dumps({"ids": ids.tolist(), "sets": sets}))
    model.model.layers = model.model.layers[: options.layers]
    model.config.num_hidden_layers = options.layers
    model.save_pretrained(folder / "student")
    sizes = [len(row) for rows in sets for row in rows]
    distinct = len({token for rows in sets for row in rows for token in row})
    print(json.dumps({"mean": statistics.mean(sizes), "median": statistics.median(sizes), "largest": max(sizes),
                      "distinct": distinct, "positions": len(sizes)}))


class Batch:
    """Positions as rows: every token but the last of each sequence has a set and a token that follows."""

    def __init__(self, path):
        import torch

        document = json.loads(path.read_text())
        self.ids = torch.tensor(document["ids"])
        rows = [row for rows in document["sets"] for row in rows]
        self.rows = len(rows)
        self.row = torch.tensor([i for i, row in enumerate(rows) for _ in row])
        self.token = torch.tensor([token for row in rows for token in row])
        self.chosen = self.ids[:, 1:].flatten()
        self.inside = torch.tensor([int(y) in set(row) for y, row in zip(self.chosen, rows)])
        # The last position of a sequence that was cut off has no next value: it does not count.
        last = torch.zeros(self.ids.shape[0], self.ids.shape[1] - 1, dtype=torch.bool)
        last[:, -1] = True
        self.counts = ~last.flatten()
        # Which of all tokens are multiplied, and where each is among them.
        self.distinct, where = torch.cat([self.token, self.chosen]).unique(return_inverse=True)
        self.token_slot, self.chosen_slot = where[: len(self.token)], where[len(self.token):]

    def bellman(self, logits, token, chosen, whole, gamma=0.99, alpha=0.1, floor=-10.0):
        """−J over rows of logits in which `token` and `chosen` are columns; shifted by the largest of the `whole`
        vocabulary or of the set."""
        import torch

        cells = logits[self.row, token]
        lowest = torch.full((self.rows,), -torch.inf, dtype=cells.dtype)
        shift = logits.amax(-1) if whole else lowest.scatter_reduce(0, self.row, cells, "amax")
        q = (cells - shift[self.row]).clamp(min=floor)
        # Between e^−10 and 1: no maximum need be taken out.
        value = torch.zeros(self.rows).index_add(0, self.row, q.float().exp()).log()
        taken = (logits[torch.arange(self.rows), chosen] - shift).clamp(min=floor).float()
        taken = torch.where(self.inside, taken, torch.tensor(floor))
        following = gamma * torch.cat([value[1:], value[:1]])
        reward = taken - following
        objective = reward - reward.square() / (4 * alpha) - (value - following)
        return -objective[self.counts].mean()


def loss_of(objective, model, batch, teacher):
    import torch

    body = model.model(batch.ids, use_cache=False).last_hidden_state[:, :-1].flatten(0, 1)
    if objective == "bd-candidates":
        logits = body @ model.lm_head.weight[batch.distinct].T
        return batch.bellman(logits, batch.token_slot, batch.chosen_slot, False)
    logits = model.lm_head(body)
    if objective == "bd":
        return batch.bellman(logits, batch.token, batch.chosen, True)
    if objective == "kd":
        with torch.no_grad():
            target = teacher(batch.ids, use_cache=False).logits[:, :-1].flatten(0, 1).float().log_softmax(-1)
        return torch.nn.functional.kl_div(logits.float().log_softmax(-1), target, reduction="batchmean", log_target=True)
    return torch.nn.functional.cross_entropy(logits.float(), batch.chosen)


def step(options):
    """PyTorch's side."""
    import torch
    import transformers

    torch.set_num_threads(options.threads)
    folder = pathlib.Path(options.prepare)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder / "student", dtype=torch.float32).train()
    batch, teacher = Batch(folder / "batch.json"), None
    if options.step == "kd":
        teacher = transformers.AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5, betas=(0.9, 0.95), eps=1e-8, weight_decay=1e-6, fused=True)
    for _ in range(options.steps):
        start, busy = time.perf_counter(), time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=options.dtype == "bfloat16"):
            loss = loss_of(options.step, model, batch, teacher)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        seconds, busy = time.perf_counter() - start, time.process_time() - busy
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        rate = batch.ids.numel() / seconds
        print(json.dumps({"tokens_per_second": rate, "core_seconds": busy, "peak_bytes": peak, "loss": loss.item()}),
              flush=True)


def run(command, threads):
    variables = {**os.environ, "RAYON_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    output = subprocess.run(command, cwd=ROOT, env=variables, check=True, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in output.stdout.splitlines()]


def main():
    options = arguments()
    if options.step:
        return step(options)
    if options.prepare:
        return prepare(options)
    example = ["cargo", "build", "--release", "--quiet", "--workspace", "--example", "train"]
    subprocess.run(example, cwd=ROOT, check=True)
    python, ours = environment(), str(TARGET / "release" / "examples" / "train")
    with tempfile.TemporaryDirectory() as folder:
        same = [python, str(HERE), "--model", str(pathlib.Path(options.model).resolve()), "--prepare", folder,
                "--threads", str(options.threads)]
        sizes = run(same + ["--layers", str(options.layers), "--batch", str(options.batch), "--time", str(options.time),
                            "--p", str(options.p)], options.threads)[0]
        pairs = [pair for pair in PAIRS if not options.only or pair[0] in options.only]
        commands = {}
        for theirs, _, objective, _, _ in pairs:
            commands["theirs", theirs] = same + ["--step", theirs, "--steps", str(options.steps), "--dtype", options.dtype]
            compute = {"float32": "f32", "bfloat16": "bf16"}[options.dtype]
            teacher = [str(pathlib.Path(options.model).resolve())] if objective == "kd" else []
            commands["ours", objective] = [ours, f"{folder}/student", f"{folder}/batch.json", objective, str(options.steps),
                                           compute] + teacher
        results = {name: [] for name in commands}
        for turn in range(options.rounds):
            for name, command in commands.items():
                results[name] += run(command, options.threads)[1:]
                rates = " ".join(f"{r['tokens_per_second']:.0f}" for r in results[name])
                print(f"turn {turn + 1}: {' '.join(name)}: {rates}", file=sys.stderr)
    table(pairs, results, sizes)


def cells(steps):
    rates = [r["tokens_per_second"] for r in steps]
    cores = [r["core_seconds"] for r in steps]
    return max(rates), statistics.median(rates), min(cores), max(r["peak_bytes"] for r in steps)


def table(pairs, results, sizes):
    print("| step | by | tokens/s, best | median | core-seconds, best | peak memory | loss at the last step |")
    print("|---|---|---|---|---|---|---|")
    for theirs, label, objective, faster, smaller in pairs:
        both = [cells(results["theirs", theirs]), cells(results["ours", objective])]
        for name, steps, (best, median, core, peak) in zip([label, "`bellman`"],
                                                           [results["theirs", theirs], results["ours", objective]], both):
            print(f"| {objective} | {name} | {best:.0f} | {median:.0f} | {core:.2f} | {peak / 1e9:.2f} GB "
                  f"| {steps[-1]['loss']:.4f} |")
        a, b = both
        asked = f"{faster} asked"
        memory = f"{b[3] / a[3]:.2f}" + (f" (at most {smaller} asked)" if smaller else "")
        print(f"| {objective} | ratio | {b[0] / a[0]:.2f} ({asked}) | {b[1] / a[1]:.2f} | {b[2] / a[2]:.2f} | {memory} | |")
    print(f"\nSets: {sizes['positions']} positions with {sizes['mean']:.1f} tokens on average, {sizes['median']:.0f} in the middle, "
          f"{sizes['largest']} at most; {sizes['distinct']} different tokens.")


if __name__ == "__main__":
    main()
