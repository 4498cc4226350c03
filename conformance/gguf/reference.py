"""Quantizes a GGUF file with llama.cpp and prints the digests: reference.py MODEL FOLDER [SCHEME ...] > smollm2.sha256.

Without schemes it makes all of them. gemma3.sha256 has those that its file names.

It needs llama-cpp-python 0.3.36, built with CMAKE_ARGS="-DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON".
"""

import ctypes
import hashlib
import pathlib
import sys

import llama_cpp

SCHEMES = {
    "F16": 1, "Q4_0": 2, "Q8_0": 7, "Q5_0": 8, "Q5_1": 9, "Q2_K": 10, "Q3_K_S": 11, "Q3_K_M": 12, "Q3_K_L": 13, "Q4_K_S": 14,
    "Q4_K_M": 15, "Q5_K_S": 16, "Q5_K_M": 17, "Q6_K": 18, "IQ4_NL": 25, "IQ4_XS": 30, "BF16": 32,
    "TQ1_0": 36, "TQ2_0": 37,
}

model, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
for scheme in sys.argv[3:] or SCHEMES:
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype, params.allow_requantize = SCHEMES[scheme], True
    out = folder / f"{scheme}.gguf"
    if llama_cpp.llama_model_quantize(str(model).encode(), str(out).encode(), ctypes.byref(params)):
        sys.exit(f"{scheme} failed")
    print(hashlib.sha256(out.read_bytes()).hexdigest(), f"{scheme}.gguf", sep="  ")
