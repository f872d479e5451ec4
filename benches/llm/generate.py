"""Sampling at batch 16 beside PyTorch: tokens a second and peak memory, in one run.

    python3 benches/llm/generate.py --model FOLDER

FOLDER is a Hugging Face folder with a tokenizer; `--gguf FILE` is the same model for the side of `bellman`. README.md beside this
file says what is compared.
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
    options.add_argument("--gguf", type=pathlib.Path, help="the same model as a .gguf file, for the side of `bellman`")
    options.add_argument("--batch", type=int, default=16)
    options.add_argument("--prompt", type=int, default=32, help="tokens of a prompt")
    options.add_argument("--tokens", type=int, default=128, help="new tokens of a response")
    options.add_argument("--passes", type=int, default=2, help="of each turn; the first warms up")
    return options.parse_args()


def sample(options):
    """PyTorch's side: `generate` of transformers, at temperature 1 from the whole vocabulary."""
    import torch
    import transformers

    torch.set_num_threads(options.threads)
    model = transformers.AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
    ids = torch.tensor(json.loads((options.torch / "ids.json").read_text()))
    for seed in range(options.passes):
        torch.manual_seed(seed)
        start, busy = time.perf_counter(), time.process_time()
        with torch.no_grad():
            made = model.generate(
                ids, attention_mask=torch.ones_like(ids), do_sample=True, temperature=1.0, top_k=0, top_p=1.0,
                min_new_tokens=options.tokens, max_new_tokens=options.tokens, pad_token_id=0,
            )
        seconds, busy = time.perf_counter() - start, time.process_time() - busy
        count = made.numel() - ids.numel()
        print(json.dumps({"tokens_per_second": count / seconds, "core_seconds": busy,
                          "peak_bytes": beside.peak_bytes(), "tokens": count}), flush=True)


def main():
    options = arguments()
    if options.torch:
        return sample(options)
    model = pathlib.Path(options.model).resolve()
    ours = options.gguf.resolve() if options.gguf else model
    with tempfile.TemporaryDirectory() as folder:
        ids = pathlib.Path(folder) / "ids.json"
        beside.write_sequences(ids, model, options.batch, options.prompt)
        table(beside.turns({
            "PyTorch, generate": [beside.python(), __file__, "--model", model, "--torch", folder, "--threads",
                                  options.threads, "--tokens", options.tokens, "--passes", options.passes],
            "bellman, generate": [beside.example("generate"), ours, ids, options.tokens, options.passes],
        }, options))


def table(results):
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
