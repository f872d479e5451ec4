#!/usr/bin/env python3
"""Runs every ```console block of the README and the book and writes the output in.

    cargo build --release
    python3 docs/console.py [FILE.md ...]

Blocks of a file share a scratch folder, in which `docs` is this folder and `proofs` the one beside it. Blocks that use
Gymnasium need a `python` that has it, those that use Coq need `make -C proofs` first. Look at the difference before you commit it.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

DOCS = pathlib.Path(__file__).resolve().parent
ROOT = DOCS.parent
PROGRAM = pathlib.Path(os.environ.get("BELLMAN", ROOT / "target" / "release" / "bellman")).resolve()
BLOCK = re.compile(r"(```console\n)(.*?)\n```", re.S)
MARK = "\001"
MISSING = re.compile(r"ModuleNotFoundError.*|.*command not found")


def commands(block):
    """The lines after `$ `."""
    return [line[2:] for line in block.split("\n") if line.startswith("$ ")]


def outputs(lines, folder, path):
    """What each command prints, in one shell, so that `$?` is that of the command before."""
    script = "".join(f"s=$?; printf '\\001'; (exit $s)\n{{ {line}\n}} 2>&1\n" for line in lines)
    environment = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}"}
    result = subprocess.run(["bash", "-c", script], cwd=folder, env=environment, stdout=subprocess.PIPE)
    return result.stdout.decode().split(MARK)[1:]


def rerun(match, folder, path):
    text = []
    lines = commands(match.group(2))
    for line, output in zip(lines, outputs(lines, folder, path)):
        text.append("$ " + line)
        output = "\n".join(row.rstrip() for row in output.split("\n")).strip("\n")
        text += [output] if output else []
    return match.group(1) + "\n".join(text) + "\n```"


def main():
    pages = [pathlib.Path(name) for name in sys.argv[1:]]
    pages = pages or [ROOT / "README.md", *sorted((DOCS / "src").rglob("*.md"))]
    for page in pages:
        with tempfile.TemporaryDirectory() as folder:
            for name in ("docs", "proofs"):
                pathlib.Path(folder, name).symlink_to(ROOT / name)
            path = pathlib.Path(folder, ".bin")
            path.mkdir()
            (path / "bellman").symlink_to(PROGRAM)
            before = page.read_text()
            after = BLOCK.sub(lambda match: rerun(match, folder, path), before)
        if missing := MISSING.search(after):
            sys.exit(f"{page}: left as it is, for a command lacks something: {missing.group()}")
        if after != before:
            page.write_text(after)
            print(page)


if __name__ == "__main__":
    main()
