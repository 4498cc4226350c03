"""Makes importance matrices for a GGUF model, in both forms, of fixed numbers: importance.py MODEL FOLDER.

FOLDER/importance.gguf and FOLDER/importance.dat hold positive numbers that follow from the place of a tensor and of a column
alone. The matrices say nothing of some tensors, and of the table of tokens they give a length that does not fit, as files of
llama-imatrix do.
"""

import pathlib
import struct
import sys

import gguf
import numpy as np

DATASET = "calibration/fixed-pattern.txt"


def numbers(place: int, columns: int) -> np.ndarray:
    """From 1/64 to some 16, most of them small, one in 97 a hundred times that, and one in 53 zero."""
    x = (np.arange(columns, dtype=np.uint64) * 2654435761 + place * 40503 + 12345) & 0xFFFFFFFF
    u = (x >> np.uint64(8)).astype(np.float64) / 2**24
    v = u**4 * 16 + 1 / 64
    v[x % 97 == 0] *= 100
    v[x % 53 == 0] = 0
    return v.astype(np.float32)


def entries(model: pathlib.Path):
    """Of the matrices of blocks, but for one kind in every fourth block; and of the table of tokens."""
    for place, t in enumerate(gguf.GGUFReader(model).tensors):
        if len(t.shape) < 2:
            continue
        columns = int(t.shape[0])
        if t.name == "token_embd.weight":
            columns = 100
        elif t.name.endswith("attn_k.weight") and int(t.name.split(".")[1]) % 4 == 3:
            continue
        yield place, t.name, columns


def main() -> None:
    model, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    names = list(entries(model))

    w = gguf.GGUFWriter(folder / "importance.gguf", "llama")
    w.add_type("imatrix")
    w.add_array("imatrix.datasets", [DATASET, "another.txt"])
    w.add_uint32("imatrix.chunk_count", 17)
    w.add_uint32("imatrix.chunk_size", 512)
    for place, name, columns in names:
        rows = 512 + place
        w.add_tensor(name + ".in_sum2", (numbers(place, columns) * np.float32(rows)).reshape(1, columns))
        w.add_tensor(name + ".counts", np.array([[rows]], dtype=np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()

    with open(folder / "importance.dat", "wb") as f:
        f.write(struct.pack("<i", len(names)))
        for place, name, columns in names:
            f.write(struct.pack("<i", len(name)) + name.encode() + struct.pack("<ii", 7, columns))
            f.write((numbers(place + 1000, columns) * np.float32(7)).tobytes())
        f.write(struct.pack("<ii", 7, len(DATASET)) + DATASET.encode())


main()
