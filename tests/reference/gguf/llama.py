#!/usr/bin/env python3
"""Writes llama.gguf: the first layer of ../models/llama, as llama.cpp would have it, by the package `gguf` (0.19).

    pip install gguf safetensors && python3 tests/reference/gguf/llama.py

Rows of queries and keys are permuted as `LlamaModel.permute` of llama.cpp's convert_hf_to_gguf.py does it.
"""

import json
import pathlib

import gguf
import numpy
from safetensors.numpy import load_file

HERE = pathlib.Path(__file__).parent
MODEL = HERE.parent / "models" / "llama"


def permute(weights, heads):
    rows = weights.shape[0]
    return weights.reshape(heads, 2, rows // heads // 2, *weights.shape[1:]).swapaxes(1, 2).reshape(weights.shape)


config = json.loads((MODEL / "config.json").read_text())
heads, key_value_heads = config["num_attention_heads"], config["num_key_value_heads"]
writer = gguf.GGUFWriter(HERE / "llama.gguf", "llama")
writer.add_block_count(1)
writer.add_context_length(config["max_position_embeddings"])
writer.add_embedding_length(config["hidden_size"])
writer.add_feed_forward_length(config["intermediate_size"])
writer.add_head_count(heads)
writer.add_head_count_kv(key_value_heads)
writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
writer.add_rope_dimension_count(config["hidden_size"] // heads)
writer.add_eos_token_id(config["eos_token_id"])
names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 1)
for name, tensor in sorted(load_file(MODEL / "model.safetensors").items()):
    if ".layers." in name and ".layers.0." not in name:
        continue
    if name.endswith("q_proj.weight"):
        tensor = permute(tensor, heads)
    if name.endswith("k_proj.weight"):
        tensor = permute(tensor, key_value_heads)
    writer.add_tensor(names.get_name(name, try_suffixes=(".weight",)), numpy.ascontiguousarray(tensor))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
