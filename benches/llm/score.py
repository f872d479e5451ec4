"""Scoring by a teacher beside PyTorch's plain forward pass: tokens a second and peak memory, in one run.

    python benches/llm/score.py --model FOLDER

FOLDER is a Hugging Face folder with a tokenizer. README.md beside this file says what is compared.
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

ROOT = pathlib.Path(__file__).resolve().parents[2]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True, help="a Hugging Face folder with a tokenizer")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--time", type=int, default=256, help="tokens of a sequence")
    parser.add_argument("--p", default="0.8")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="both take turns this often")
    parser.add_argument("--passes", type=int, default=3, help="of each turn; the first warms up")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"],
                        help="of products: PyTorch's by autocast, `bellman`'s by its kernels")
    parser.add_argument("--forward", metavar="IDS", help=argparse.SUPPRESS)
    return parser.parse_args()


def tokens(options):
    """Sequences of tokens: the text of the book."""
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(options.model)
    pages = sorted(glob.glob(str(ROOT / "docs" / "src" / "**" / "*.md"), recursive=True))
    text = "\n".join(pathlib.Path(page).read_text(encoding="utf-8") for page in pages)
    ids = tokenizer(text)["input_ids"][: options.batch * options.time]
    return [ids[start : start + options.time] for start in range(0, len(ids), options.time)]


def forward(options):
    """PyTorch's side: logits of the whole batch."""
    import torch
    import transformers

    torch.set_num_threads(options.threads)
    model = transformers.AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
    ids = torch.tensor(json.loads(pathlib.Path(options.forward).read_text()))
    for _ in range(options.passes):
        start, busy = time.perf_counter(), time.process_time()
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=options.dtype == "bfloat16"):
            logits = model(ids, use_cache=False).logits
        seconds, busy = time.perf_counter() - start, time.process_time() - busy
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        # The same mean as the other side prints, so that it can be seen that both compute the same.
        losses = [torch.nn.functional.cross_entropy(z[:-1].float(), x[1:]) for z, x in zip(logits, ids)]
        loss = torch.stack(losses).mean().item()
        del logits
        rate = ids.numel() / seconds
        print(json.dumps({"tokens_per_second": rate, "core_seconds": busy, "peak_bytes": peak, "mean_nll": loss}))


def run(command, threads):
    environment = {**os.environ, "RAYON_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    output = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in output.stdout.splitlines()][1:]


def main():
    options = arguments()
    if options.forward:
        return forward(options)
    example = ["cargo", "build", "--release", "--quiet", "--workspace", "--example", "score"]
    subprocess.run(example, cwd=ROOT, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    with tempfile.TemporaryDirectory() as folder:
        ids = pathlib.Path(folder) / "ids.json"
        ids.write_text(json.dumps(tokens(options)))
        model = str(pathlib.Path(options.model).resolve())
        commands = {
            "PyTorch, forward": [sys.executable, __file__, "--model", model, "--forward", str(ids),
                                 "--passes", str(options.passes), "--threads", str(options.threads),
                                 "--dtype", options.dtype],
            "bellman, scoring": [str(target / "release" / "examples" / "score"), model, str(ids), options.p,
                                 str(options.passes), {"float32": "f32", "bfloat16": "bf16"}[options.dtype],
                                 f"{folder}/rows.parquet"],
        }
        results = {name: [] for name in commands}
        for turn in range(options.rounds):
            for name, command in commands.items():
                results[name] += run(command, options.threads)
                rates = " ".join(f"{r['tokens_per_second']:.0f}" for r in results[name])
                print(f"turn {turn + 1}: {name}: {rates}", file=sys.stderr)
    table(results)


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
