"""Holds pare against real ONNX files: reads, quantizes and writes each, loads it in ONNX Runtime and compares outputs.

usage: onnx_real.py PARE MODELS WORK [FILTER]

MODELS is the folder that conformance/onnx_real has filled. Of each file a recipe without passes must give the file's own
bytes, and metadata behind them. The other recipes quantize weights alone; original and result run on the same inputs.

What must hold: the relative error of each output, |ours - original| / |original| over all its elements, is at most TIMES the
one that the report predicts. It predicts sqrt(sum over layers of 10^(-SQNR/10)): the noise of each layer's weight, as a share
of the weight, arrives at the output once, and the noises of different layers have nothing to do with each other. Of an output
that a Sigmoid gives, its argument is compared: of probabilities near 0 the relative error says nothing. Where the prediction is 1
or more, noise as large as what it lies on, the report has said that the result is of no use, and nothing more is asked of it.
"""

import hashlib
import json
import math
import os
import subprocess
import sys
import time

import numpy as np
import onnx
import onnxruntime as ort

TIMES = 3.0
TIMES_VAD = 4.0  # Silero VAD's 16 kHz network passes on 2 to 3.3 times the noise, whatever the type: int8 2.7, fp8 2.2, bfloat16 3.3
FLOOR = 2e-3  # of kernels that add in another order

RECIPES = {
    "int8": "quantize: {weights: {type: int8, granularity: channel}}",
    "int4": "quantize: {weights: {type: int4, granularity: group, group_size: 32}, on_indivisible: fallback}",
    "float16": "quantize: {weights: {type: float16}}",
    "bfloat16": "quantize: {weights: {type: bfloat16}}",
    "fp8": "quantize: {weights: {type: fp8_e4m3, granularity: channel}}",
    "nbits": "quantize: {weights: {type: uint4, granularity: group, group_size: 32, symmetric: false, form: matmul_nbits}, on_indivisible: fallback}\n"
             "    targets: [\"type:linear\"]",
}

TITLES = {"nbits": "MatMulNBits", "fp8": "fp8_e4m3"}

# Forms that cost minutes on the largest files and show nothing there that smaller ones do not.
LEFT_OUT = {"bfloat16": ("isnet", "kokoro"), "fp8": ("isnet", "kokoro")}

# Sizes of inputs that a file leaves open, by what its name begins with; the first that fits counts.
SIZES = [
    ("ocr/det", {"x": [1, 3, 320, 320]}),
    ("ocr/rec", {"x": [1, 3, 48, 320]}),
    ("ocr/cls-v5", {"x": [1, 3, 80, 160]}),
    ("ocr/cls", {"x": [1, 3, 48, 192]}),
    ("vad/legacy", {"input": [1, 1536], "h": [2, 1, 64], "c": [2, 1, 64]}),
    ("vad/sequence", {"input": [4, 576]}),
    ("vad", {"input": [1, 576], "state": [2, 1, 128]}),
    ("wakeword/melspectrogram", {"input": [1, 16000]}),
    ("wakeword/embedding", {"input_1": [1, 76, 32, 1]}),
    ("kokoro", {"tokens": [1, 24], "style": [1, 256], "speed": [1]}),
    ("magika", {"bytes": [1, 2048]}),
    ("minilm", {"input_ids": [1, 32], "attention_mask": [1, 32], "token_type_ids": [1, 32]}),
]

# ONNX Runtime 1.31 refuses the file itself once it says opset 21, which int4 needs: its fusion of ConvInteger makes a QuantizeLinear
# whose output_dtype is not the type of its zero point. Without that fusion it loads.
BASIC = "kokoro"

# What is left as it is. Kokoro takes the phase of a spectrum that ten weights give: change them by 1e-7 of their size, and its output
# is another by 30 %. Its other weights are int8 already, but for one convolution.
IGNORE = [("kokoro", "/decoder/decoder/generator/m_source/l_linear/MatMul")]


def feeds(name, session):
    rng = np.random.default_rng(7)
    sizes = next((s for start, s in SIZES if name.startswith(start)), {})
    out = {}
    for i in session.get_inputs():
        shape = sizes.get(i.name, i.shape)
        if i.name == "sr":
            out[i.name] = np.array(16000, np.int64)
        elif i.name == "attention_mask":
            out[i.name] = np.ones(shape, np.int64)
        elif i.name == "token_type_ids":
            out[i.name] = np.zeros(shape, np.int64)
        elif i.name == "tokens":
            out[i.name] = rng.integers(1, 170, shape, np.int64)
        elif i.name == "speed":
            out[i.name] = np.ones(shape, np.float32)
        elif i.type == "tensor(int64)":
            out[i.name] = rng.integers(1000, 30000, shape, np.int64)
        elif i.type == "tensor(int32)":
            out[i.name] = rng.integers(0, 256, shape, np.int32)
        elif name.startswith("isnet"):
            out[i.name] = rng.random(shape, np.float32)
        else:
            out[i.name] = (0.5 * rng.standard_normal(shape)).astype(np.float32)
    return out


def outputs(name, path, seen):
    options = ort.SessionOptions()
    options.log_severity_level = 3
    if name.startswith(BASIC):
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    if not seen:
        seen.update(feeds(name, session))
    return session.run(None, seen)


def pare(*args, fail=False):
    done = subprocess.run([PARE, *args], capture_output=True, text=True)
    if done.returncode and not fail:
        sys.exit(f"pare {' '.join(args)} fails with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done


def build(work, model, step, to, ignore=None):
    recipe = f"{work}/{to}.yaml"
    with open(recipe, "w") as f:
        f.write(f"version: 1\nmodel: {{path: {model}}}\n")
        if step:
            f.write(f"passes:\n  - {step}\n")
        if step and ignore:
            f.write(f"    ignore: [{json.dumps(ignore)}]\n")
        f.write("outputs: [{path: model.onnx}]\n")
    return pare("build", recipe, "--out", f"{work}/{to}", fail=True)


def reason(done):
    """The line of a refusal that says why."""
    lines = [x for x in (done.stderr + done.stdout).splitlines() if "cannot be raised" in x or "matches none" in x]
    if lines and "matches none" in lines[-1]:
        return "no linear layer"
    return lines[-1].split(": ", 1)[-1] if lines else None


def sigmoids(path):
    graph = onnx.load(path).graph
    last = {o: n.op_type for n in graph.node for o in n.output}
    return [last.get(o.name) == "Sigmoid" for o in graph.output]


def argument(p):
    p = np.clip(p.astype(np.float64), 1e-7, 1 - 1e-7)
    return np.log(p / (1 - p))


def relative(ours, theirs, sigmoid):
    worst = 0.0
    for a, b, s in zip(ours, theirs, sigmoid):
        assert a.shape == b.shape and a.dtype == b.dtype, (a.shape, b.shape)
        if a.dtype.kind == "f":
            a, b = (argument(a), argument(b)) if s else (a.astype(np.float64), b.astype(np.float64))
            norm = math.sqrt(float((b * b).sum()))
            diff = math.sqrt(float(((a - b) ** 2).sum()))
            worst = max(worst, diff / norm if norm else diff)
    return worst


def predicted(report):
    ratios = [layer["sqnr"] for layer in report["layers"] if isinstance(layer.get("sqnr"), (int, float))]
    return math.sqrt(sum(10 ** (-r / 10) for r in ratios)), len(ratios)


def main():
    rows, failed, known = [], [], {}
    models, work = sys.argv[2], sys.argv[3]
    for folder, _, files in sorted(os.walk(models)):
        for file in sorted(files):
            name = os.path.relpath(os.path.join(folder, file), models)
            if not file.endswith(".onnx") or len(sys.argv) > 4 and sys.argv[4] not in name:
                continue
            data = open(os.path.join(folder, file), "rb").read()
            digest = hashlib.sha256(data).hexdigest()
            if digest in known:
                print(f"     {name}: the bytes of {known[digest]}")
                continue
            known[digest] = name
            start, before = time.time(), len(failed)
            at = os.path.join(work, name[:-5])
            os.makedirs(at, exist_ok=True)
            link = os.path.join(at, "in.onnx")
            open(link, "wb").write(data)
            sheet = json.loads(pare("inspect", link, "--json").stdout)
            done = build(at, "in.onnx", None, "none")
            if done.returncode:
                sys.exit(f"{name}: a recipe without passes fails:\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
            copy = open(f"{at}/none/model.onnx", "rb").read()
            if copy[: len(data)] != data:
                failed.append(f"{name}: written without passes, {sum(a != b for a, b in zip(copy, data))} bytes differ")
            behind = onnx.ModelProto.FromString(copy[len(data) :])
            if len(behind.ListFields()) > 1 or len(behind.ListFields()) == 1 and not behind.metadata_props:
                failed.append(f"{name}: written without passes, more than metadata was added")
            seen = {}
            theirs = outputs(name, link, seen)
            cells = []
            for form, step in RECIPES.items():
                if name.startswith(LEFT_OUT.get(form, ())):
                    cells.append((form, 0, "left out", 0, 0))
                    continue
                done = build(at, "in.onnx", step, form, next((layer for start, layer in IGNORE if name.startswith(start)), None))
                if done.returncode:
                    why = reason(done)
                    if not why:
                        sys.exit(f"{name} {form}: exit {done.returncode}\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
                    cells.append((form, 0, why, 0, 0))
                    continue
                report = json.load(open(f"{at}/{form}/report.json"))
                path = f"{at}/{form}/model.onnx"
                if open(path, "rb").read(len(data)) == data:  # there was nothing to change
                    cells.append((form, os.path.getsize(path), "nothing to do", 0, 0))
                    continue
                onnx.checker.check_model(path)
                error = relative(outputs(name, path, dict(seen)), theirs, sigmoids(link))
                want, layers = predicted(report)
                if want < 1 and not error <= max((TIMES_VAD if name.startswith("vad/") else TIMES) * want, FLOOR):
                    failed.append(f"{name} {form}: relative error {error:.2e}, predicted {want:.2e}")
                cells.append((form, os.path.getsize(path), error, want, layers))
            rows.append((name, sheet, len(data), cells))
            print(f"{'ok  ' if len(failed) == before else 'FAIL'} {name} ({time.time() - start:.1f} s): " + "; ".join(
                f"{f} {s:,} bytes, error {e:.1e} of {w:.1e} predicted from {n} layers" if s and n else f"{f}: {e}" for f, s, e, w, n in cells), flush=True)
    print("\n| file | nodes | layers | bytes |" + "".join(f" {TITLES.get(form, form)} | error |" for form in RECIPES))
    print("|---|--:|--:|--:|" + "--:|---|" * len(RECIPES))
    for name, sheet, size, cells in rows:
        line = f"| {name} | {sheet['nodes']} | {len(sheet['layers'])} | {size:,} |"
        for form, s, e, w, _ in cells:
            line += f" {s:,} | {e:.1e} ({w:.1e}) |" if s and w else " – | |"
        print(line)
    if failed:
        sys.exit("\n".join(["", *failed]))


if __name__ == "__main__":
    PARE = os.path.abspath(sys.argv[1])
    main()
