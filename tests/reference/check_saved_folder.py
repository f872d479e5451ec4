"""Whether transformers loads what Model::save writes, and computes the same from it.

    python tests/reference/check_saved_folder.py

needs Rust, torch and transformers. For each of the tiny models beside this file: Rust reads it and writes it again;
transformers loads both folders, may miss no tensor of the saved one and find none too many, and has to give the same logits
from both to 1e-5. Run by hand; ends with 1 when a model fails.
"""

import pathlib
import subprocess
import sys
import tempfile

import torch
import transformers

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODELS = ROOT / "tests" / "reference" / "models"
LIMIT = 1e-5


def load(folder):
    return transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True, output_loading_info=True
    )


def problems(source, saved):
    """What is wrong with the saved folder, and how far its logits are from those of its source."""
    (before, _), (after, information) = load(source), load(saved)
    found = [f"{what}: {sorted(names)}" for what, names in information.items() if names]
    if type(before) is not type(after):
        found.append(f"{type(after).__name__} in place of {type(before).__name__}")
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(before.config.vocab_size, (2, 12), generator=generator)
    with torch.no_grad():
        distance = (before(ids).logits - after(ids).logits).abs().max().item()
    if not distance <= LIMIT:
        found.append(f"logits differ by {distance}")
    return found, distance


def main():
    failed = False
    print(f"transformers {transformers.__version__}, torch {torch.__version__}")
    for source in sorted(path for path in MODELS.iterdir() if path.is_dir()):
        with tempfile.TemporaryDirectory() as saved:
            command = ["cargo", "run", "--quiet", "-p", "bellman-llm", "--example", "save", "--", source, saved]
            subprocess.run(command, cwd=ROOT, check=True)
            found, distance = problems(source, saved)
        failed = failed or bool(found)
        print(f"{source.name}: logits within {distance:.1e}; {'; '.join(found) or 'nothing missing, nothing too many'}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
