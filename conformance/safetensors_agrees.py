"""Holds pare's reader and writer of safetensors against the library of that name.

safetensors_agrees.py FOLDER, which conformance/safetensors has filled: what pare reads the library must read; what pare writes it
must read as the same tensors, in the order in which it would write them itself.
"""

import glob
import hashlib
import json
import struct
import sys

import numpy
import safetensors

folder = sys.argv[1]
data = open(f"{folder}/mutants", "rb").read()
at = both = neither = stricter = 0
while at < len(data):
    ours, n = struct.unpack_from("<BI", data, at)
    mutant = data[at + 5 : at + 5 + n]
    at += 5 + n
    try:
        safetensors.deserialize(mutant)
        theirs = True
    except Exception:
        theirs = False
    if ours and not theirs:
        sys.exit(f"pare reads a file that safetensors refuses: {mutant!r}")
    both += ours and theirs
    neither += not ours and not theirs
    stricter += theirs and not ours
assert both > 1000 and neither > 1000, (both, neither)

NAMES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16", "BOOL": "bool", "F4": "float4_e2m1fn_x2", "F8_E8M0": "float8_e8m0fnu"}


def written_by_them(raw):
    """The file that the library makes of the tensors of a file."""
    keep, specs = [], {}
    for name, t in safetensors.deserialize(raw):
        data = numpy.frombuffer(bytes(t["data"]) or b"\0", dtype=numpy.uint8)
        keep.append(data)
        shape = list(t["shape"])
        if t["dtype"] == "F4":  # which it counts in pairs
            shape[-1] //= 2
        specs[name] = safetensors.TensorSpec(dtype=NAMES[t["dtype"]], shape=shape, data_ptr=data.ctypes.data, data_len=len(t["data"]))
    return safetensors.serialize(specs, {"format": "pt"})


files = tensors = 0
for path in sorted(glob.glob(f"{folder}/*.safetensors")):
    want = json.load(open(path.replace(".safetensors", ".json")))
    raw = open(path, "rb").read()
    got = {}
    for name, t in safetensors.deserialize(raw):
        got[name] = f"[{','.join(map(str, t['shape']))}] {hashlib.sha256(bytes(t['data'])).hexdigest()}"
    assert got == want, path
    # But for metadata, whose order it does not keep, the library writes the same bytes.
    n = struct.unpack_from("<Q", raw)[0]
    header = json.loads(raw[8 : 8 + n])
    metadata = header.pop("__metadata__")
    assert metadata["format"] == "pt", path
    again = written_by_them(raw)
    m = struct.unpack_from("<Q", again)[0]
    theirs = json.loads(again[8 : 8 + m])
    theirs.pop("__metadata__")
    assert list(theirs.items()) == list(header.items()), f"{path}: another order"
    assert raw[8 + n :] == again[8 + m :] and (8 + n) % 8 == 0, path
    files += 1
    tensors += len(got)
print(f"{both + neither + stricter} mutants: both read {both}, both refuse {neither}, pare alone refuses {stricter}; {files} files that pare wrote: {tensors} tensors equal, in the same order")
