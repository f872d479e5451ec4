"""What the benchmarks beside PyTorch share: its environment, the tokens, our examples, turns."""

import argparse
import glob
import json
import os
import pathlib
import resource
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
# How `bellman` calls what PyTorch multiplies in.
COMPUTE = {"float32": "f32", "bfloat16": "bf16"}


def parser(description):
    """The options that all benchmarks have. PyTorch's side is the same script with `--torch FOLDER`."""
    options = argparse.ArgumentParser(description=description.split("\n")[0])
    options.add_argument("--model", required=True, help="a Hugging Face folder with a tokenizer")
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--rounds", type=int, default=3, help="both take turns this often")
    options.add_argument("--torch", type=pathlib.Path, help=argparse.SUPPRESS)
    return options


def dtype(options):
    options.add_argument("--dtype", default="float32", choices=COMPUTE,
                         help="of products: PyTorch's by autocast, `bellman`'s by its kernels")


def python():
    """The Python of an environment with PyTorch, made on the first run in cargo's target folder."""
    folder = TARGET / "bench-pytorch"
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"installing PyTorch into {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True)
        install = [python, "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"]
        subprocess.run(install, check=True)
    return str(python)


def example(name):
    """The program of an example of the crate `llm`, built."""
    build = ["cargo", "build", "--release", "--quiet", "--workspace", "--example", name]
    subprocess.run(build, cwd=ROOT, check=True)
    return str(TARGET / "release" / "examples" / name)


def sequences(model, count, length):
    """So many sequences of so many tokens: the text of the book. In PyTorch's environment."""
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    pages = sorted(glob.glob(str(ROOT / "docs" / "src" / "**" / "*.md"), recursive=True))
    text = "\n".join(pathlib.Path(page).read_text(encoding="utf-8") for page in pages)
    ids = tokenizer(text)["input_ids"][: count * length]
    return [ids[start : start + length] for start in range(0, len(ids), length)]


def write_sequences(path, model, count, length):
    """The same as JSON, made by PyTorch's environment."""
    code = "import sys, json, beside; m, c, l = sys.argv[1:]; print(json.dumps(beside.sequences(m, int(c), int(l))))"
    path.write_text(json.dumps(run([python(), "-c", code, model, count, length], 1, HERE)[0]))


def peak_bytes():
    """The peak of this process's resident memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def run(command, threads, folder=ROOT):
    """The lines of JSON that the command prints."""
    variables = {**os.environ, "RAYON_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    output = subprocess.run([str(part) for part in command], cwd=folder, env=variables, check=True,
                            stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in output.stdout.splitlines()]


def turns(commands, options):
    """What the commands print in their turns, without the first line of each turn: that one warms up."""
    results = {name: [] for name in commands}
    for turn in range(options.rounds):
        for name, command in commands.items():
            results[name] += run(command, options.threads)[1:]
            rates = " ".join(f"{r['tokens_per_second']:.0f}" for r in results[name])
            print(f"turn {turn + 1}: {name}: {rates}", file=sys.stderr)
    return results
