"""Sampling at batch 16 beside PyTorch: tokens a second and peak memory, in one run.

    python benches/llm/generate.py --model FOLDER

FOLDER is a Hugging Face folder with a tokenizer, or, for the side of `bellman`, `--gguf FILE` besides. README.md beside this
file says what is compared.
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
    parser.add_argument("--gguf", help="the same model as a .gguf file, for the side of `bellman`")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--prompt", type=int, default=32, help="tokens of a prompt")
    parser.add_argument("--tokens", type=int, default=128, help="new tokens of a response")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="both take turns this often")
    parser.add_argument("--passes", type=int, default=2, help="of each turn; the first warms up")
    parser.add_argument("--sample", metavar="IDS", help=argparse.SUPPRESS)
    return parser.parse_args()


def prompts(options):
    """Pieces of the text of the book."""
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(options.model)
    pages = sorted(glob.glob(str(ROOT / "docs" / "src" / "**" / "*.md"), recursive=True))
    text = "\n".join(pathlib.Path(page).read_text(encoding="utf-8") for page in pages)
    ids = tokenizer(text)["input_ids"][: options.batch * options.prompt]
    return [ids[start : start + options.prompt] for start in range(0, len(ids), options.prompt)]


def sample(options):
    """PyTorch's side: `generate` of transformers, at temperature 1 from the whole vocabulary."""
    import torch
    import transformers

    torch.set_num_threads(options.threads)
    model = transformers.AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
    ids = torch.tensor(json.loads(pathlib.Path(options.sample).read_text()))
    for seed in range(options.passes):
        torch.manual_seed(seed)
        start = time.perf_counter()
        with torch.no_grad():
            made = model.generate(
                ids, attention_mask=torch.ones_like(ids), do_sample=True, temperature=1.0, top_k=0, top_p=1.0,
                min_new_tokens=options.tokens, max_new_tokens=options.tokens, pad_token_id=0,
            )
        seconds = time.perf_counter() - start
        count = made.numel() - ids.numel()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"tokens_per_second": count / seconds, "peak_bytes": peak, "tokens": count}), flush=True)


def run(command, threads):
    environment = {**os.environ, "RAYON_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    output = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in output.stdout.splitlines()][1:]


def main():
    options = arguments()
    if options.sample:
        return sample(options)
    example = ["cargo", "build", "--release", "--quiet", "--workspace", "--example", "generate"]
    subprocess.run(example, cwd=ROOT, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    with tempfile.TemporaryDirectory() as folder:
        ids = pathlib.Path(folder) / "ids.json"
        ids.write_text(json.dumps(prompts(options)))
        model = str(pathlib.Path(options.model).resolve())
        ours = str(pathlib.Path(options.gguf).resolve()) if options.gguf else model
        commands = {
            "PyTorch, generate": [sys.executable, __file__, "--model", model, "--sample", str(ids), "--passes",
                                  str(options.passes), "--tokens", str(options.tokens), "--threads", str(options.threads)],
            "bellman, generate": [str(target / "release" / "examples" / "generate"), ours, str(ids), str(options.tokens),
                                  str(options.passes)],
        }
        results = {name: [] for name in commands}
        for turn in range(options.rounds):
            for name, command in commands.items():
                results[name] += run(command, options.threads)
                rates = " ".join(f"{r['tokens_per_second']:.0f}" for r in results[name])
                print(f"turn {turn + 1}: {name}: {rates}", file=sys.stderr)
    print("| what | tokens/s, best | median | peak memory |\n|---|---|---|---|")
    summary = []
    for name, passes in results.items():
        rates = [r["tokens_per_second"] for r in passes]
        summary.append((max(rates), statistics.median(rates), max(r["peak_bytes"] for r in passes)))
        best, median, peak = summary[-1]
        print(f"| {name} | {best:.0f} | {median:.0f} | {peak / 2**20:.0f} MiB |")
    print("| ratio | " + " | ".join(f"{b / a:.2f}" for a, b in zip(*summary)) + " |")


if __name__ == "__main__":
    main()
