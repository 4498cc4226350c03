"""Builds a model of 0.3 billion parameters and watches the memory of its own that pare takes: memory.py PARE BIGMODEL FOLDER.

Pages of files are not counted. The limit is three times the largest tensor as float32, or 256 MiB where that is more.
"""
import os
import shutil
import subprocess
import sys
import time

pare, bigmodel, folder = sys.argv[1:]
LIMIT = max(3 * 32000 * 1024 * 4, 256 << 20)

os.makedirs(folder, exist_ok=True)
for kind in ("gguf", "safetensors"):
    subprocess.run([bigmodel, "--shape", "0.3b", "--format", kind, "--out", os.path.join(folder, kind)], check=True)

FORMS = [
    ("gguf/model.gguf", "gguf", "Q8_0", ""), ("gguf/model.gguf", "gguf", "Q4_K_M", ""), ("safetensors", "gguf", "Q6_K", ""),
    ("safetensors", "safetensors", "FP8_DYNAMIC", '    ignore: ["type:embedding", lm_head]\n'),
    ("safetensors", "safetensors", "W8A16", '    ignore: ["type:embedding", lm_head]\n'),
]
# The same in one sweep with pruning before it: of every four weights two, half of each layer.
PRUNED = [
    ("gguf/model.gguf", "gguf", "Q8_0", "", "{sparsity: 0.5, structure: n_m}"),
    ("gguf/model.gguf", "gguf", "Q4_0", "", "{sparsity: 0.5}"),
    ("safetensors", "safetensors", "W8A16", '    ignore: ["type:embedding", lm_head]\n', "{sparsity: 0.5, structure: n_m}"),
]


def own(pid):
    """Memory of a process that is no file's, in bytes."""
    try:
        with open(f"/proc/{pid}/status") as f:
            return max((int(line.split()[1]) << 10 for line in f if line.startswith("RssAnon")), default=0)
    except OSError:
        return 0


failed = False
for model, output, scheme, ignore, *prune in FORMS + PRUNED:
    recipe, out = os.path.join(folder, "recipe.yaml"), os.path.join(folder, "out")
    before = "".join(f'  - prune: {p}\n    targets: ["type:linear"]\n' for p in prune)
    with open(recipe, "w") as f:
        f.write(f"version: 1\nname: big\nmodel: {{path: {model}}}\npasses:\n{before}  - quantize: {{scheme: {scheme}}}\n{ignore}"
                f"outputs:\n  - {{format: {output}, path: model.{output}}}\n")
    shutil.rmtree(out, ignore_errors=True)
    start, peak = time.time(), 0
    p = subprocess.Popen([pare, "build", recipe, "--out", out, "--no-cache", "--no-lock", "--quiet"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while p.poll() is None:
        peak = max(peak, own(p.pid))
        time.sleep(0.01)
    took = time.time() - start
    wrong = p.returncode != 0 or peak > LIMIT
    failed |= wrong
    print(f"{model}{', pruned ' + prune[0] if prune else ''} to {scheme}: {took:.1f} s, {peak >> 20} MiB of its own, {LIMIT >> 20} MiB allowed{' WRONG' if wrong else ''}")
shutil.rmtree(folder)
sys.exit(failed)
