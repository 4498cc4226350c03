"""Compares internal/ggml with ggml's own library, byte for byte, and with the gguf package.

    python ggml_agrees.py FOLDER PROGRAM PLAIN

FOLDER keeps the source package of llama-cpp-python and the library made from it. PROGRAM and PLAIN are internal/ggml/cmd,
with and without assembly; PLAIN gets a part of the numbers, for it is slow.
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from gguf import GGMLQuantizationType, quants

import ggml_library as ggml

COLUMNS = 2304  # 9 blocks of 256, so that groups of blocks end anywhere
ROWS = 36


def drawn(kind, seed):
    """A matrix of one of the kinds of ggml_library, or of a distribution."""
    n = ROWS * COLUMNS
    if kind in ggml.KINDS:
        return ggml.inputs(kind, seed, n)
    r = np.random.default_rng(seed)
    if kind == "laplace":
        return r.laplace(0, 0.05, n)
    if kind == "student":
        return r.standard_t(2, n) * 0.01
    if kind == "uniform":
        return r.uniform(-1, 1, n)
    if kind == "columns":  # each column of its own size
        return (r.standard_normal((ROWS, COLUMNS)) * 2.0 ** r.integers(-10, 3, COLUMNS)).ravel()
    if kind == "blocks":  # each run of 32 of its own size, down to what float32 cannot hold
        return (r.standard_normal((n // 32, 32)) * 10.0 ** r.integers(-46, 4, (n // 32, 1))).ravel()
    if kind == "powers":
        return np.exp2(r.integers(-20, 5, n)) * r.choice([-1, 1], n)
    if kind == "below powers":
        return np.nextafter(np.exp2(r.integers(-20, 5, n)).astype(np.float32), np.float32(0))
    raise ValueError(kind)


KINDS = ggml.KINDS + ["laplace", "student", "uniform", "columns", "blocks", "powers", "below powers"]


class Ours:
    def __init__(self, program, folder):
        self.program, self.folder = program, pathlib.Path(folder)

    def run(self, what, name, columns, data, *more):
        files = [self.folder / "in", self.folder / "out"]
        data.tofile(files[0])
        for i, extra in enumerate(more):
            files.append(self.folder / f"more{i}")
            extra.tofile(files[-1])
        subprocess.run([self.program, what, name, str(columns), *map(str, files)], check=True)
        return files[1]

    def quantize(self, name, x, importance=None):
        more = [] if importance is None else [importance]
        return np.fromfile(self.run("quantize", name, x.shape[1], x, *more), np.uint8)

    def dequantize(self, name, elements, blocks):
        return np.fromfile(self.run("dequantize", name, elements, blocks), np.float32)


def same(a, b):
    """Whether two arrays of float32 have the same bits, any NaN being like any other."""
    return np.array_equal(np.where(np.isnan(a), np.float32(0), a).view(np.uint32), np.where(np.isnan(b), np.float32(0), b).view(np.uint32)) \
        and np.array_equal(np.isnan(a), np.isnan(b))


def main():
    library = ggml.Library(ggml.build(sys.argv[1]))
    different = 0
    with tempfile.TemporaryDirectory() as folder:
        ours, plain = Ours(sys.argv[2], folder), Ours(sys.argv[3], folder)
        for name in ggml.TYPES:
            values = 0
            for data in [None, "squares", "zeros"] if name in ggml.WEIGHTED else [None]:
                for i, kind in enumerate(KINDS):
                    x = drawn(kind, 100 + i).astype(np.float32).reshape(ROWS, COLUMNS)
                    w = None if data is None else ggml.importance(data, 200 + i, COLUMNS)
                    want = library.quantize(name, x, w)
                    size = want.size // ROWS
                    for who, got, expected in [("ours", ours.quantize(name, x, w), want),
                                               ("ours without assembly", plain.quantize(name, x[:2], w), want[:2 * size])]:
                        if not np.array_equal(got, expected):
                            different += 1
                            print(f"{name}, {kind}, importance {data}: {who} differ in {np.count_nonzero(got != expected)} of {got.size} bytes")
                    values += x.size
            print(f"{name}: {values:,} values quantized")
        for name, (number, elements, size) in {**ggml.TYPES, **ggml.READ_ONLY}.items():
            if elements == 1:
                continue
            blocks = ggml.mix(7, 4096 * size).astype(np.uint8)
            got = ours.dequantize(name, elements, blocks)
            if not same(got, library.dequantize(name, blocks)):
                different += 1
                print(f"{name}: values differ from the library's")
            # The gguf package computes some scales in another order, and knows fewer types.
            if number in quants._type_traits and number in [t.value for t in GGMLQuantizationType]:
                with np.errstate(all="ignore"):
                    other = quants.dequantize(blocks.reshape(4096, size), GGMLQuantizationType(number)).ravel()
                finite = np.isfinite(got) & np.isfinite(other)
                if not np.allclose(got[finite], other[finite], rtol=1e-6, atol=0) or np.mean(finite) < 0.9:
                    different += 1
                    print(f"{name}: values differ from the gguf package's")
        print(f"{len(ggml.TYPES) + len(ggml.READ_ONLY) - 2} block types dequantized")
    if different:
        sys.exit(f"{different} comparisons failed")


main()
