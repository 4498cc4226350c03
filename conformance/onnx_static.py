"""Holds static QDQ of real ONNX files against ONNX Runtime: uint8 activations with ranges from samples, int8 weights per channel.

usage: onnx_static.py PARE MODELS WORK

Of the convolutional files of MODELS (filled by conformance/onnx_real) those are taken whose one input is an image that a data set can
be, and whose operators pare runs itself; REFUSED are those with one that it does not. Samples are sheets of the Fashion-MNIST images
that the recipes use: CALIBRATION of them give the ranges, others are compared.

What must hold: pare and ONNX Runtime, without its optimizations, compute the same from the artefact, at most the share of the norm apart
that stands in FILES: a value between two codes may fall either way, and the next layers carry it on. With optimizations they may be
OPTIMIZED apart. What the codes did to the original's outputs is shown, and held to LOST: the report's SQNR are those of weights, and
predict nothing of activations.
"""

import gzip
import json
import math
import os
import struct
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime as ort

OPTIMIZED, LOST = 0.25, 1.0
CALIBRATION, COMPARED = 8, 8

# File, the height, width and channels of its input, and how far apart the two may be. The embedding takes 76 windows as channels. The
# recognition amplifies: in ONNX Runtime alone, scales that differ by 1e-7 of their size give outputs 0.6 of the norm apart.
FILES = [
    ("ocr/cls-opset9", 48, 192, 3, 0.03),
    ("ocr/cls-opset11", 48, 192, 3, 0.03),
    ("ocr/cls-v5", 80, 160, 3, 0.03),
    ("ocr/rec-opset9", 48, 320, 3, 0.2),
    ("ocr/rec-opset12", 48, 320, 3, 0.2),
    ("wakeword/embedding_model", 32, 1, 76, 0.03),
]
REFUSED = {"ocr/det-opset11": "Resize"}

RECIPE = """version: 1
model: {path: in.onnx}
data:
  calibration: {images: images.idx, samples: %d, mean: [0.5], std: [0.5]}
  compared: {images: images.idx, skip: %d, mean: [0.5], std: [0.5]}
passes:
  - fold: {}
  - quantize: {scheme: W8A8, data: calibration, batch: 4}
outputs: [{path: model.onnx}]
""" % (CALIBRATION, CALIBRATION)


def sheets(count, height, width, channels):
    """Images of this size, put together from those of the recipes."""
    path = os.path.join(os.path.dirname(__file__), "../recipes/data/fashion/test-images.idx.gz")
    data = gzip.open(path).read()
    n, h, w = struct.unpack(">III", data[4:16])
    images = np.frombuffer(data[16:], np.uint8).reshape(n, h, w)
    rows, columns = -(-height // h), -(-width // w)
    wanted = np.arange(count * channels * rows * columns) % n
    big = images[wanted].reshape(count, channels, rows, columns, h, w).transpose(0, 2, 4, 3, 5, 1)
    return np.ascontiguousarray(big.reshape(count, rows * h, columns * w, channels)[:, :height, :width])


def write_idx(path, a):
    with open(path, "wb") as f:
        f.write(bytes([0, 0, 8, a.ndim]) + struct.pack(f">{a.ndim}I", *a.shape) + a.tobytes())


def run(path, x, optimize):
    options = ort.SessionOptions()
    options.log_severity_level = 3
    if not optimize:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {name: x[i : i + 1]})[0] for i in range(len(x))]).astype(np.float64)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def apart(a, b):
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def main():
    pare, models, work = os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3]
    rows, failed = [], []
    for name, height, width, channels, agree in FILES + [(name, 320, 320, 3, 0) for name in REFUSED]:
        at = os.path.join(work, name)
        os.makedirs(at, exist_ok=True)
        images = sheets(CALIBRATION + COMPARED, height, width, channels)
        write_idx(f"{at}/images.idx", images)
        with open(f"{models}/{name}.onnx", "rb") as f, open(f"{at}/in.onnx", "wb") as g:
            g.write(f.read())
        with open(f"{at}/recipe.yaml", "w") as f:
            f.write(RECIPE)
        done = subprocess.run([pare, "build", f"{at}/recipe.yaml", "--out", f"{at}/out"], capture_output=True, text=True)
        if name in REFUSED:
            why = f"operator {REFUSED[name]} "
            if done.returncode != 3 or why not in done.stderr:
                failed.append(f"{name}: exit {done.returncode} instead of a refusal of {why}: {done.stderr[-500:]}")
            continue
        if done.returncode:
            sys.exit(f"{name}: exit {done.returncode}\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
        path = f"{at}/out/model.onnx"
        onnx.checker.check_model(path)
        nodes = onnx.load(path).graph.node
        x = ((images[CALIBRATION:].astype(np.float64) / 255 - 0.5) / 0.5).astype(np.float32).transpose(0, 3, 1, 2).copy()
        theirs, plain, fast = run(f"{at}/in.onnx", x, True), run(path, x, False), run(path, x, True)
        subprocess.run([pare, "eval", path, "--data", f"{at}/recipe.yaml:compared", "--logits", f"{at}/ours.npy"], check=True, capture_output=True)
        ours = np.load(f"{at}/ours.npy").astype(np.float64).reshape(plain.shape)
        if nodes[-1].op_type == "Softmax":  # of which pare gives the argument
            ours = softmax(ours)
        same, optimized, lost = apart(ours, plain), apart(fast, plain), apart(fast, theirs)
        best = float((fast.argmax(-1) == theirs.argmax(-1)).mean())
        held = math.isfinite(lost) and same <= agree and optimized <= OPTIMIZED and lost <= LOST
        if not held:
            failed.append(f"{name}: pare and ONNX Runtime {same:.1e} apart, {optimized:.1e} with optimizations, {lost:.1e} from the original")
        layers = len(json.load(open(f"{at}/out/report.json"))["layers"])
        rows.append((name, sum(n.op_type == "QuantizeLinear" for n in nodes), layers, os.path.getsize(f"{at}/in.onnx"), os.path.getsize(path), same, optimized, lost, best))
        print(f"{'ok  ' if held else 'FAIL'} {name}: pare and ONNX Runtime {same:.1e} apart, {optimized:.1e} with optimizations; {lost:.1e} from the original, "
              f"same largest value in {best:.0%}", flush=True)
    print("\n| file | layers | QuantizeLinear | bytes | after | pare and ONNX Runtime | with optimizations | from the original | same largest value |")
    print("|---|--:|--:|--:|--:|---|---|---|---|")
    for name, quantized, layers, before, after, same, optimized, lost, best in rows:
        print(f"| {name}.onnx | {layers} | {quantized} | {before:,} | {after:,} | {same:.1e} | {optimized:.1e} | {lost:.1e} | {best:.0%} |")
    if failed:
        sys.exit("\n".join(["", *failed]))


main()
