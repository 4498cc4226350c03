"""Checks a model with the ONNX checker, runs it in ONNX Runtime and compares the logits with pare's.

usage: onnxruntime_agrees.py MODEL IMAGES.idx.gz OURS.npy

IMAGES are scaled as recipes/fashion.yaml says; OURS are the logits that `pare eval --logits` wrote for them.

Demands the same top-1 on at least 99.9 % of the samples, and logits within one quantization step. Both hold with the
runtime's graph optimizations on, where it computes in integers, and with them off.
"""

import gzip
import sys

import numpy as np
import onnx
import onnxruntime as ort


def step_of(model, logits):
    """One quantization step of the logits: their range over the 255 steps of 8 bits; they are float outputs, so no step
    is written in the model. 1e-3 for a model that is not quantized."""
    if any(n.op_type == "QuantizeLinear" for n in model.graph.node):
        return float(logits.max() - logits.min()) / 255
    return 1e-3


def images(path):
    data = gzip.open(path).read()
    n, h, w = np.frombuffer(data, ">u4", 3, 4)
    pixels = np.frombuffer(data, np.uint8, offset=16).reshape(n, 1, h, w)
    return ((pixels / 255.0 - 0.2860) / 0.3530).astype(np.float32)


def main():
    path, inputs, ours = sys.argv[1], images(sys.argv[2]), np.load(sys.argv[3])
    onnx.checker.check_model(path, full_check=True)
    step = step_of(onnx.load(path), ours)
    failed = False
    for level in (ort.GraphOptimizationLevel.ORT_ENABLE_ALL, ort.GraphOptimizationLevel.ORT_DISABLE_ALL):
        options = ort.SessionOptions()
        options.graph_optimization_level = level
        options.log_severity_level = 3
        session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        theirs = np.concatenate([session.run(None, {name: x})[0] for x in np.array_split(inputs, len(inputs) // 250 or 1)])
        same = float(np.mean(theirs.argmax(1) == ours.argmax(1)))
        diff = np.abs(theirs - ours)
        within = float(np.mean(diff <= step * 1.001))
        ok = same >= 0.999 and diff.max() <= step * 1.001
        failed |= not ok
        print(f"{'ok  ' if ok else 'FAIL'} {path.split('/')[-1]} onnxruntime {ort.__version__} {level.name}: "
              f"{len(ours)} samples, same top-1 {same:.2%}, largest difference {diff.max():.6f} of a step of {step:.6f}, "
              f"within one step {within:.3%}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
