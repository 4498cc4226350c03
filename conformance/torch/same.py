"""Compares a folder that pare wrote without passes with the one it read, as transformers loads both.

same.py FAMILY ORIGINAL WRITTEN SHEET

SHEET is what `pare inspect --json` prints of the original. Prints a line of a table.
"""

import json
import sys

import torch
from safetensors import safe_open
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM

family, original, written, sheet = sys.argv[1:]
sheet = json.loads(sheet)
masked = AutoConfig.from_pretrained(original).model_type in ("bert", "roberta")
auto = AutoModelForMaskedLM if masked else AutoModelForCausalLM
a = auto.from_pretrained(original).state_dict()
b = auto.from_pretrained(written).state_dict()
assert a.keys() == b.keys()
for name in a:
    assert torch.equal(a[name], b[name]), name
# The linear layers are those that transformers has, and each has a role.
with safe_open(f"{original}/model.safetensors", "pt") as f:
    matrices = {n.removesuffix(".weight") for n in f.keys() if n.endswith(".weight") and len(f.get_slice(n).get_shape()) == 2}
layers = {l["name"]: l for l in sheet["layers"]}
missing = matrices - layers.keys()
assert not missing, missing
strange = [n for n, l in layers.items() if l["type"] == "linear" and l.get("role", "") in ("", "first") and "cls." not in n and "lm_head." not in n]
assert not strange, strange
print(f"| {family} | {len(layers)} | equal |")
