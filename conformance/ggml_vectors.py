"""Writes internal/ggml/testdata/golden.json: digests of what ggml's library makes of the inputs of ggml_library.

    python ggml_vectors.py FOLDER > ../internal/ggml/testdata/golden.json

FOLDER keeps the source package of llama-cpp-python and the library made from it.
"""

import hashlib
import json
import sys

import numpy as np

import ggml_library as ggml

ROWS, COLUMNS = 6, 1536


def main():
    library = ggml.Library(ggml.build(sys.argv[1]))
    written = {}
    for name in ggml.TYPES:
        for kind in ggml.KINDS:
            x = ggml.inputs(kind, 1, ROWS * COLUMNS).reshape(ROWS, COLUMNS)
            for data in [None, "squares", "zeros"] if name in ggml.WEIGHTED else [None]:
                w = None if data is None else ggml.importance(data, 2, COLUMNS)
                case = f"{name} {kind}" + ("" if data is None else f" importance {data}")
                written[case] = hashlib.sha256(library.quantize(name, x, w).tobytes()).hexdigest()
    read = {}
    for name, (_, elements, size) in {**ggml.TYPES, **ggml.READ_ONLY}.items():
        if elements > 1:
            x = library.dequantize(name, ggml.mix(3, 64 * size).astype(np.uint8))
            bits = x.view(np.uint32).copy()
            bits[np.isnan(x)] = 0x7FC00000
            read[name] = hashlib.sha256(bits.astype("<u4").tobytes()).hexdigest()
    json.dump({"made by": "conformance/ggml_vectors.py with " + ggml.PACKAGE, "rows": ROWS, "columns": COLUMNS, "quantize": written, "dequantize": read},
              sys.stdout, indent=1)
    print()


main()
