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


def own(pid):
    """Memory of a process that is no file's, in bytes."""
    try:
        with open(f"/proc/{pid}/status") as f:
            return max((int(line.split()[1]) << 10 for line in f if line.startswith("RssAnon")), default=0)
    except OSError:
        return 0


failed = False
for model, output, scheme, ignore in FORMS:
    recipe, out = os.path.join(folder, "recipe.yaml"), os.path.join(folder, "out")
    with open(recipe, "w") as f:
        f.write(f"version: 1\nname: big\nmodel: {{path: {model}}}\npasses:\n  - quantize: {{scheme: {scheme}}}\n{ignore}"
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
    print(f"{model} to {scheme}: {took:.1f} s, {peak >> 20} MiB of its own, {LIMIT >> 20} MiB allowed{' WRONG' if wrong else ''}")
shutil.rmtree(folder)
sys.exit(failed)
