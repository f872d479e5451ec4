#!/usr/bin/env python3
"""Writes adamw.json: a matrix and a vector moved by four steps of PyTorch's AdamW in float64, with given gradients and a
learning rate that changes. The vector does not decay.

    python3 tests/reference/training/adamw.py > tests/reference/training/adamw.json
"""

import json

import torch

RATES = [0.1, 0.05, 0.02, 0.01]
SETTINGS = {"beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8, "weight_decay": 0.25}
SHAPES = {"matrix": (3, 4), "vector": (5,)}


def random(shape):
    # Numbers that float32 holds exactly.
    return torch.randn(shape, dtype=torch.float32).to(torch.float64)


def numbers(tensors):
    return {name: tensor.flatten().tolist() for name, tensor in tensors.items()}


torch.manual_seed(0)
weights = {name: torch.nn.Parameter(random(shape)) for name, shape in SHAPES.items()}
start = numbers({name: weight.detach() for name, weight in weights.items()})
groups = [{"params": [weights["matrix"]], "weight_decay": SETTINGS["weight_decay"]},
          {"params": [weights["vector"]], "weight_decay": 0.0}]
optimiser = torch.optim.AdamW(groups, betas=(SETTINGS["beta1"], SETTINGS["beta2"]), eps=SETTINGS["epsilon"])
steps = []
for rate in RATES:
    for group in optimiser.param_groups:
        group["lr"] = rate
    for name, weight in weights.items():
        weight.grad = random(SHAPES[name])
    optimiser.step()
    state = {name: optimiser.state[weight] for name, weight in weights.items()}
    steps.append({
        "learning_rate": rate,
        "gradients": numbers({name: weight.grad for name, weight in weights.items()}),
        "weights": numbers({name: weight.detach() for name, weight in weights.items()}),
        "first_moments": numbers({name: s["exp_avg"] for name, s in state.items()}),
        "second_moments": numbers({name: s["exp_avg_sq"] for name, s in state.items()}),
    })
print(json.dumps({"torch": torch.__version__, "settings": SETTINGS, "shapes": SHAPES, "start": start, "steps": steps}))
