#!/usr/bin/env python3
"""The objective of the authors' released code on the batch of losses.json, by PyTorch in float64.

    pip install torch && python3 bd_released.py      # writes bd_released.json beside this file

Written from the formulas, token by token, without any code of this project. Means run over the positions that count: all of a
response that ended, all but the last of one that was cut off. Padding has gradient 0 and no soft value (null).
"""

import json
from pathlib import Path

import torch

HERE = Path(__file__).parent
GAMMA, ALPHA, FLOOR = 0.99, 0.1, -10.0


def nucleus(logits, p):
    """The smallest set of most likely tokens whose mass is at least p."""
    weight = torch.exp(logits - logits.max())
    mask, mass = torch.zeros_like(logits, dtype=torch.bool), 0.0
    for token in sorted(range(len(logits)), key=lambda a: (-logits[a].item(), a)):
        mask[token] = True
        mass += weight[token].item()
        if mass >= p * weight.sum().item():
            return mask
    return mask


def soft_value(q, mask, p, epsilon):
    policy = torch.softmax(q, 0) * mask / p + epsilon
    policy = policy / policy.sum()
    return (policy * (q - torch.log(policy))).sum()


def evaluate(batch, p, epsilon):
    z = torch.tensor(batch["student_logits"], dtype=torch.float64, requires_grad=True)
    teacher = torch.tensor(batch["teacher_logits"], dtype=torch.float64)
    values = [[None] * z.shape[1] for _ in range(z.shape[0])]
    linear, quadratic = [], []
    for b, length in enumerate(batch["lengths"]):
        q = torch.clamp(z[b] - z[b].max(dim=-1, keepdim=True).values, min=FLOOR)
        masks = [nucleus(teacher[b, t], p) for t in range(length)]
        v = [soft_value(q[t], masks[t], p, epsilon) for t in range(length)] + [torch.tensor(0.0, dtype=torch.float64)]
        for t in range(length):
            values[b][t] = v[t].item()
            if t + 1 == length and not batch["ends_with_eos"][b]:
                continue
            x = masks[t] * q[t] - GAMMA * v[t + 1]
            linear.append(x.mean() - (v[t] - GAMMA * v[t + 1]))
            quadratic.append((x * x).mean())
    loss = -torch.stack(linear).mean() + torch.stack(quadratic).mean() / (4 * ALPHA)
    loss.backward()
    setting = {"p": p, "gamma": GAMMA, "phi": "chi2", "alpha": ALPHA, "shift": "vocab_max", "q_min": FLOOR, "epsilon": epsilon}
    return {**setting, "loss": loss.item(), "grad_student_logits": z.grad.tolist(), "soft_value": values}


def main():
    batch = json.loads((HERE / "losses.json").read_text())
    found = [evaluate(batch, p, epsilon) for p in (0.8, 0.5, 1.0) for epsilon in (1e-8, 1e-3)]
    (HERE / "bd_released.json").write_text(json.dumps({"bd_released": found}) + "\n")


if __name__ == "__main__":
    main()
