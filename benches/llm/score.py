"""Scoring by a teacher beside PyTorch's plain forward pass: tokens a second and peak memory, in one run.

    python3 benches/llm/score.py --model FOLDER

FOLDER is a Hugging Face folder with a tokenizer. README.md beside this file says what is compared.
"""

import json
import pathlib
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import beside


def arguments():
    options = beside.parser(__doc__)
    options.add_argument("--batch", type=int, default=8)
    options.add_argument("--time", type=int, default=256, help="tokens of a sequence")
    options.add_argument("--p", default="0.8")
    options.add_argument("--passes", type=int, default=3, help="of each turn; the first warms up")
    beside.dtype(options)
    return options.parse_args()


def forward(options):
    """PyTorch's side: logits of the whole batch."""
    import torch
    import transformers

    torch.set_num_threads(options.threads)
    model = transformers.AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
    ids = torch.tensor(json.loads((options.torch / "ids.json").read_text()))
    for _ in range(options.passes):
        start, busy = time.perf_counter(), time.process_time()
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=options.dtype == "bfloat16"):
            logits = model(ids, use_cache=False).logits
        seconds, busy = time.perf_counter() - start, time.process_time() - busy
        peak = beside.peak_bytes()
        # The same mean as the other side prints, so that it can be seen that both compute the same.
        losses = [torch.nn.functional.cross_entropy(z[:-1].float(), x[1:]) for z, x in zip(logits, ids)]
        loss = torch.stack(losses).mean().item()
        del logits
        rate = ids.numel() / seconds
        print(json.dumps({"tokens_per_second": rate, "core_seconds": busy, "peak_bytes": peak, "mean_nll": loss}))


def main():
    options = arguments()
    if options.torch:
        return forward(options)
    model = pathlib.Path(options.model).resolve()
    with tempfile.TemporaryDirectory() as folder:
        ids = pathlib.Path(folder) / "ids.json"
        beside.write_sequences(ids, model, options.batch, options.time)
        table(beside.turns({
            "PyTorch, forward": [beside.python(), __file__, "--model", model, "--torch", folder, "--threads",
                                 options.threads, "--passes", options.passes, "--dtype", options.dtype],
            "bellman, scoring": [beside.example("score"), model, ids, options.p, options.passes,
                                 beside.COMPUTE[options.dtype], f"{folder}/rows.parquet"],
        }, options))


def table(results):
    print("| what | tokens/s, best | median | core-seconds a pass, best | median | peak memory | mean loss |")
    print("|---|---|---|---|---|---|---|")
    summary = []
    for name, passes in results.items():
        rates = [r["tokens_per_second"] for r in passes]
        peak = max(r["peak_bytes"] for r in passes)
        cores = [r["core_seconds"] for r in passes]
        summary.append((max(rates), statistics.median(rates), min(cores), statistics.median(cores), peak))
        print(f"| {name} | {max(rates):.0f} | {statistics.median(rates):.0f} | {min(cores):.2f} "
              f"| {statistics.median(cores):.2f} | {peak / 2**20:.0f} MiB "
              f"| {passes[-1]['mean_nll']:.4f} |")
    theirs, ours = summary
    print("| ratio | " + " | ".join(f"{b / a:.2f}" for a, b in zip(theirs, ours)) + " | |")
    sets = results["bellman, scoring"][-1]["mean_set_size"]
    print(f"\nA set has {sets:.1f} tokens on average.")


if __name__ == "__main__":
    main()
