"""Writes an ONNX model of more than 2 GB by pare and runs it in ONNX Runtime: onnx_large.py PARE FOLDER.

protobuf ends at 2 GB, so the weights go to a file beside the model. By hand: it takes 8 GB of disk and 5 GB of memory.
"""
import os
import shutil
import subprocess
import sys
import time

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper

pare, folder = sys.argv[1:]
WIDTH, LAYERS = 11000, 5
os.makedirs(folder, exist_ok=True)
source = os.path.join(folder, "large.onnx")
row = numpy.random.default_rng(1).standard_normal(WIDTH, dtype=numpy.float32) / WIDTH**0.5
nodes, tensors, at = [], [], 0
with open(os.path.join(folder, "large.bin"), "wb") as f:
    for i in range(LAYERS):
        for r in range(WIDTH):
            f.write(numpy.roll(row, 7 * r + i).tobytes())
        t = TensorProto(name=f"w{i}", data_type=TensorProto.FLOAT, dims=[WIDTH, WIDTH], data_location=TensorProto.EXTERNAL)
        for key, value in (("location", "large.bin"), ("offset", at), ("length", 4 * WIDTH * WIDTH)):
            t.external_data.add(key=key, value=str(value))
        tensors.append(t)
        at += 4 * WIDTH * WIDTH
        nodes.append(helper.make_node("MatMul", [f"x{i}", f"w{i}"], [f"x{i + 1}"], name=f"fc{i}"))
value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", WIDTH])
graph = helper.make_graph(nodes, "large", [value("x0")], [value(f"x{LAYERS}")], tensors)
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), source)


def run(path):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {"x0": numpy.linspace(-1, 1, WIDTH, dtype=numpy.float32)[None]})[0]


want, failed = run(source), False
for name, passes, near in (("copy", "[]", 0), ("sparse", "[{prune: {sparsity: 0.5, structure: n_m}}]", None),
                           ("int8", "[{quantize: {weights: {type: int8}}}]", 0.1)):
    recipe, out = os.path.join(folder, "r.yaml"), os.path.join(folder, "out")
    with open(recipe, "w") as f:
        f.write(f"version: 1\nname: large\nmodel: {{path: large.onnx}}\npasses: {passes}\noutputs:\n  - {{path: m.onnx}}\n")
    shutil.rmtree(out, ignore_errors=True)
    start = time.time()
    subprocess.run([pare, "build", recipe, "--out", out, "--no-cache", "--no-lock", "--quiet"], check=True, stderr=subprocess.DEVNULL)
    took = time.time() - start
    size = sum(os.path.getsize(os.path.join(out, n)) for n in os.listdir(out))
    got = run(os.path.join(out, "m.onnx"))
    error = float(numpy.abs(got - want).max() / numpy.abs(want).max())
    wrong = not numpy.isfinite(got).all() or near is not None and error > near
    failed |= wrong
    print(f"{name}: {size / 1e9:.2f} GB in {took:.1f} s, ONNX Runtime runs it, {error:.2g} of the largest output away{' WRONG' if wrong else ''}", flush=True)
shutil.rmtree(folder)
sys.exit(failed)
