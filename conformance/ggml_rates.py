"""How many million numbers a second ggml's own library quantizes on one thread: for each type, and with importance data.

    python ggml_rates.py FOLDER

FOLDER keeps the source package of llama-cpp-python and the library made from it. The time is the processor's, the least
of five runs on a million numbers like those of a float16 model, beside which `go test -bench Quantize ./internal/ggml` may be put.
"""

import sys
import time

import numpy as np

import ggml_library as ggml


def rate(library, name, x, importance):
    least = float("inf")
    for _ in range(5):
        start = time.process_time()
        library.quantize(name, x, importance)
        least = min(least, time.process_time() - start)
    return f"{x.size / least / 1e6:.1f}"


def main():
    library = ggml.Library(ggml.build(sys.argv[1]))
    x = ggml.inputs("float16", 1, 256 * 4096).reshape(256, 4096)
    data = ggml.importance("squares", 2, 4096)
    for name in ggml.TYPES:
        print(name, rate(library, name, x, None), rate(library, name, x, data) if name in ggml.WEIGHTED else "", flush=True)


main()
