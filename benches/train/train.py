"""One training step beside PyTorch's: tokens a second and peak memory, in one run.

    python3 benches/train/train.py --model FOLDER

FOLDER is the Hugging Face folder of SmolLM2-135M or of another Llama. README.md beside this file says what is compared.
"""

import argparse
import json
import pathlib
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import beside

# What each side computes in a step, and the ratio of tokens a second (in f32) and of peak memory that is asked of `bellman`.
# The ratio that is asked in bf16.
FASTER_IN_BF16 = 1.0
PAIRS = [
    ("bd", "PyTorch, all logits", 2.0, None),
    ("bd-candidates", "PyTorch, candidates' logits", 1.2, None),
    ("sft", "PyTorch", 1.1, 0.6),
    ("kd", "PyTorch", 1.1, 0.6),
]


def arguments():
    options = beside.parser(__doc__)
    options.add_argument("--layers", type=int, default=10, help="the student's: the first of the model")
    options.add_argument("--batch", type=int, default=8)
    options.add_argument("--time", type=int, default=256, help="tokens of a sequence")
    options.add_argument("--p", type=float, default=0.8)
    options.add_argument("--steps", type=int, default=4, help="of each turn; the first warms up")
    beside.dtype(options)
    options.add_argument("--only", choices=[objective for objective, *_ in PAIRS], action="append")
    options.add_argument("--step", metavar="OBJECTIVE", help=argparse.SUPPRESS)
    return options.parse_args()


def prepare(options):
    """The student, the tokens, and the teacher's candidate sets."""
    import torch
    import transformers

    folder = options.torch
    model = transformers.AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
    ids = torch.tensor(beside.sequences(options.model, options.batch, options.time))
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
    folder = options.torch
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
        peak = beside.peak_bytes()
        rate = batch.ids.numel() / seconds
        print(json.dumps({"tokens_per_second": rate, "core_seconds": busy, "peak_bytes": peak, "loss": loss.item()}),
              flush=True)


def main():
    options = arguments()
    if options.torch:
        return step(options) if options.step else prepare(options)
    ours, model = beside.example("train"), pathlib.Path(options.model).resolve()
    pairs = [pair for pair in PAIRS if not options.only or pair[0] in options.only]
    with tempfile.TemporaryDirectory() as folder:
        theirs = [beside.python(), __file__, "--model", model, "--torch", folder, "--threads", options.threads]
        sizes = beside.run([*theirs, "--layers", options.layers, "--batch", options.batch, "--time", options.time,
                            "--p", options.p], options.threads)[0]
        commands = {}
        for objective, *_ in pairs:
            commands[f"{objective}, PyTorch"] = [*theirs, "--step", objective, "--steps", options.steps, "--dtype", options.dtype]
            teacher = [model] if objective == "kd" else []
            commands[f"{objective}, bellman"] = [ours, f"{folder}/student", f"{folder}/batch.json", objective, options.steps,
                                            beside.COMPUTE[options.dtype], *teacher]
        table(pairs, beside.turns(commands, options), sizes, options.dtype)


def cells(steps):
    rates = [r["tokens_per_second"] for r in steps]
    cores = [r["core_seconds"] for r in steps]
    return max(rates), statistics.median(rates), min(cores), max(r["peak_bytes"] for r in steps)


def table(pairs, results, sizes, dtype):
    print("| step | by | tokens/s, best | median | core-seconds, best | peak memory | loss at the last step |")
    print("|---|---|---|---|---|---|---|")
    for objective, label, faster, smaller in pairs:
        both = []
        for name, side in ((label, "PyTorch"), ("`bellman`", "bellman")):
            steps = results[f"{objective}, {side}"]
            both.append(cells(steps))
            best, median, core, peak = both[-1]
            print(f"| {objective} | {name} | {best:.0f} | {median:.0f} | {core:.2f} | {peak / 1e9:.2f} GB "
                  f"| {steps[-1]['loss']:.4f} |")
        a, b = both
        asked = f"{faster if dtype == 'float32' else FASTER_IN_BF16} asked"
        memory = f"{b[3] / a[3]:.2f}" + (f" (at most {smaller} asked)" if smaller else "")
        print(f"| {objective} | ratio | {b[0] / a[0]:.2f} ({asked}) | {b[1] / a[1]:.2f} | {b[2] / a[2]:.2f} | {memory} | |")
    print(f"\nSets: {sizes['positions']} positions with {sizes['mean']:.1f} tokens on average, {sizes['median']:.0f} in the middle, "
          f"{sizes['largest']} at most; {sizes['distinct']} different tokens.")


if __name__ == "__main__":
    main()
