"""Loads a folder that pare wrote with transformers and compressed-tensors and compares.

agrees.py SCHEME FOLDER WEIGHTS ORIGINAL

WEIGHTS are pare's own numbers of the linear layers (conformance/torch/weights). The weights that compressed-tensors makes of the
packed ones must be those, rounded to the model's type; and the logits must be near those of ORIGINAL with these weights put in.
Prints a line of a table.
"""

import json
import sys
import warnings

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM
from transformers.utils.quantization_config import CompressedTensorsConfig

warnings.filterwarnings("ignore")
scheme, folder, weights, original = sys.argv[1:]
ours = load_file(weights)


def load(path, **more):
    return AutoModelForCausalLM.from_pretrained(path, dtype=torch.bfloat16, **more).eval()


groups = list(json.load(open(f"{folder}/config.json"))["quantization_config"]["config_groups"].values())
# As it is served: what compressed-tensors makes of the codes, and activations quantized as quantization_config says.
# compressed-tensors 0.20 expects packed zero points unpacked here (its code for the meta device), so they are left out.
zeros = any(not g["weights"]["symmetric"] and g["format"] == "pack-quantized" for g in groups)
served = None if zeros else load(folder)
# Everything as dense weights. transformers 5.23 takes the first group for every module there, so mixed models are left out.
whole = load(folder, quantization_config=CompressedTensorsConfig(run_compressed=False)) if len(groups) == 1 else None
assert served or whole
# The original with pare's numbers.
reference = load(original)
state = reference.state_dict()
count = 0
for name, w in ours.items():
    if name in state:
        state[name].copy_(w)
        count += 1
assert count >= 14, f"only {count} weights are known to both"

torch.manual_seed(1)
ids = torch.randint(3, 500, (2, 24))
with torch.no_grad():
    a = served(ids).logits.float() if served else None
    b = whole(ids).logits.float() if whole else None
    c = reference(ids).logits.float()
    d = load(original)(ids).logits.float()

# After a run, for compressed-tensors decompresses when a model first runs.
worst = 0.0
equal = total = 0
for model in filter(None, (served, whole)):
    modules = dict(model.named_modules())
    for name, w in ours.items():
        theirs = modules[name.removesuffix(".weight")].weight.float()
        want = w.to(torch.bfloat16).float()
        assert theirs.shape == want.shape, name
        worst = max(worst, ((theirs - want).abs() / want.abs().clamp(min=1e-9)).max().item())
        equal += int((theirs == want).sum())
        total += want.numel()


def relative(x, y):
    return ((x - y).norm() / y.norm()).item()


def column(logits):
    return "–" if logits is None else f"{relative(logits, c):.1e}"


print(f"| {scheme} | {100 * equal / total:.2f} % ({worst:.1e}) | {column(b)} | {column(a)} | {relative(c, d):.1e} |")
assert worst < 2**-7, f"{scheme}: weights differ by {worst}"
assert b is None or relative(b, c) < 0.02, f"{scheme}: logits of decompressed weights differ"
assert a is None or relative(a, c) < 0.2, f"{scheme}: logits differ as served"
