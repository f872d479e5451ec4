"""Rounds the f32 tensors of a folder's model.safetensors to bf16, and copies the files beside it.

    python3 round.py FROM TO
"""

import json
import pathlib
import shutil
import struct
import sys


def rounded(data):
    """f32 to bf16, to the nearest, ties to even."""
    words = struct.unpack(f"<{len(data) // 4}I", data)
    return struct.pack(f"<{len(words)}H", *((word + 0x7FFF + (word >> 16 & 1)) >> 16 for word in words))


def main():
    source, target = map(pathlib.Path, sys.argv[1:3])
    raw = (source / "model.safetensors").read_bytes()
    (size,) = struct.unpack("<Q", raw[:8])
    header, tensors, at, parts = json.loads(raw[8 : 8 + size]), {}, 0, []
    if metadata := header.pop("__metadata__", None):
        tensors["__metadata__"] = metadata
    for name in sorted(header):
        first, last = header[name]["data_offsets"]
        if header[name]["dtype"] != "F32":
            sys.exit(f"{name} is {header[name]['dtype']}, and not F32")
        parts.append(rounded(raw[8 + size + first : 8 + size + last]))
        tensors[name] = {"dtype": "BF16", "shape": header[name]["shape"], "data_offsets": [at, at + len(parts[-1])]}
        at += len(parts[-1])
    text = json.dumps(tensors, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    (target / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))
    config = json.loads((source / "config.json").read_text())
    config["dtype"] = config["torch_dtype"] = "bfloat16"
    (target / "config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(source / name, target / name)


if __name__ == "__main__":
    main()
