"""Records replies of a real server, with the sets that they hold.

    python -m llama_cpp.server --model MODEL.gguf --model_alias NAME --logits_all true
    python record.py http://localhost:8000 tokenizer.json

Sets are computed here in plain Python, from the reply alone.
"""

import json
import math
import pathlib
import sys
import urllib.request

P = 0.8
RECORDS = {
    # name: prompt, seed, most tokens, log-probabilities
    "letters": ("a b c d e f g h i j k", 3, 12, 20),
    "ended": ("<|im_start|>user\nSay yes.<|im_end|>\n<|im_start|>assistant\nYes", 1, 12, 20),
    "short": ("Once upon a time", 2, 6, 3),
}


def letters():
    """How byte-level tokenizers write each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {byte: chr(256 + i) for i, byte in enumerate(others)}


def ask(url, path, body=None):
    data = body and json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)


def shortest_prefix(top):
    mass, tokens = 0.0, []
    for token, log in sorted(top.items(), key=lambda pair: -pair[1]):
        mass += math.exp(log)
        tokens.append(token)
        if mass >= P:
            return {"tokens": tokens, "mass": mass}
    return None


def main(url, tokenizer):
    tokenizer = json.loads(pathlib.Path(tokenizer).read_text())
    known = tokenizer["model"]["vocab"] | {t["content"]: t["id"] for t in tokenizer["added_tokens"]}
    letter = letters()
    models = ask(url, "/v1/models")
    for name, (prompt, seed, most, count) in RECORDS.items():
        body = {
            "model": models["data"][0]["id"], "prompt": prompt, "n": 1, "max_tokens": most,
            "temperature": 1.0, "top_p": P, "seed": seed, "logprobs": count,
            "return_tokens_as_token_ids": True, "add_special_tokens": False, "top_k": 0, "min_p": 0.0,
            "repeat_penalty": 1.0, "repetition_penalty": 1.0,
        }
        reply = ask(url, "/v1/completions", body)
        logs = reply["choices"][0]["logprobs"]
        # A reply lists at most `count` tokens, and the chosen one.
        top = [
            dict(sorted(top.items(), key=lambda pair: -pair[1])[:count]) for top in logs["top_logprobs"]
        ]
        texts = set(logs["tokens"]).union(*logs["top_logprobs"])
        contents = {text: "".join(letter[byte] for byte in text.encode()) for text in texts if text}
        record = {
            "models": models,
            "request": body,
            "reply": reply,
            "vocabulary": {c: known[c] for c in sorted(contents.values())},
            "p": P,
            "sets": [shortest_prefix(top) for top in top],
        }
        path = pathlib.Path(__file__).parent / f"{name}.json"
        path.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n")


main(*sys.argv[1:])
