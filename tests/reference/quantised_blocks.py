#!/usr/bin/env python3
"""Writes quantised_blocks.json: random blocks of every quantised type of GGUF, with the numbers that the package `gguf`
(0.17 or later) makes of them. Bytes are random but for the half-precision factors, which are made finite.

    pip install gguf && python3 tests/reference/quantised_blocks.py > tests/reference/quantised_blocks.json
"""

import json

import numpy
from gguf import GGMLQuantizationType as Kind
from gguf import GGML_QUANT_SIZES, quants

# Where a block has its half-precision numbers.
HALVES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
          "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}

random = numpy.random.default_rng(0)
blocks = []
for name, places in HALVES.items():
    kind = Kind[name]
    width, size = GGML_QUANT_SIZES[kind]
    data = random.integers(0, 256, size=(2, size), dtype=numpy.uint8)
    for block in data:
        for place in places:
            half = numpy.float16(random.normal()).tobytes()
            block[place:place + 2] = numpy.frombuffer(half, dtype=numpy.uint8)
    values = quants.dequantize(data, kind).astype(numpy.float32)
    assert values.shape == (2, width) and numpy.isfinite(values).all()
    blocks.append({"kind": name, "id": int(kind), "bytes": data.tobytes().hex(), "values": [float(x) for x in values.ravel()]})
print(json.dumps({"blocks": blocks}))
