#!/usr/bin/env python3
"""The 32 prompts of databricks-dolly-15k that the figures of "From proposition to practice" are about.

    curl -LO https://huggingface.co/datasets/databricks/databricks-dolly-15k/resolve/main/databricks-dolly-15k.jsonl
    python3 docs/dolly.py databricks-dolly-15k.jsonl dolly.jsonl

They are the first 32 of 1,000 records that were drawn once, outside the 500 test prompts of MiniLLM, and
are known here by the SHA-256 of instruction and context, white space collapsed. The data set is by
Databricks, CC BY-SA 3.0.
"""

import hashlib
import json
import sys

# Twelve digits for the instruction, four for the context.
PROMPTS = """
d0738e76c07a94aa e1e4d70d233961d4 ba2a1523d745e3b0 6d7a1dc8d5d1e3b0 b938d3e520a9e3b0
5119cd0bc133e3b0 c4db0baaab27e3b0 1d5c6ae8d6c0e3b0 2c075084236e10e2 b4ef5be14f82e3b0
4fc0e82964cee3b0 8c2d4b882af38265 eab4a05919097146 6890bfd4c632e3b0 e26a775f05da4570
302e3f13e3a6e3b0 41efec1c5b14e3b0 779b8dedc116e3b0 f9546d39af00e3b0 69282c7ccfc2c1ab
d90deb2c11877200 14c68d4682ed6289 773ffe9d5f72e3b0 6bf7710a7919e56d 550dd45290f3381d
27375c7c51afe3b0 58980e0623f1e3b0 d649bbe1528fe3b0 7fa481b04835e3b0 15a72019e587e3b0
debeeb1557bfe3b0 c3d9e421c4a3e3b0
""".split()


def digest(text):
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()


def main(source, target):
    found = {}
    with open(source, encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            context = row.get("context", row.get("input", ""))
            output = row.get("response", row.get("output", ""))
            record = {"instruction": row["instruction"], "input": context, "output": output}
            name, other = digest(row["instruction"])[:12], digest(context)[:4]
            # An instruction may occur with several contexts.
            if (name, "exact") not in found:
                found.setdefault((name, "first"), record)
            if name + other in PROMPTS:
                found[(name, "exact")] = record
    with open(target, "w", encoding="utf-8") as file:
        for prompt in PROMPTS:
            name = prompt[:12]
            record = found.get((name, "exact")) or found.get((name, "first"))
            if record is None:
                sys.exit(f"{source} has no record {name}: is it databricks-dolly-15k?")
            if (name, "exact") not in found:
                print(f"the context of {record['instruction']!r} is another one", file=sys.stderr)
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
