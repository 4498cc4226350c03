"""Quantizes what experts.py makes with llama.cpp and prints the digests:

    reference_experts.py FOLDER LLAMA_QUANTIZE > experts.sha256

LLAMA_QUANTIZE is the tool of the llama.cpp that llama-cpp-python 0.3.36 holds, built with
-DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON.
"""

import hashlib
import pathlib
import subprocess
import sys

CASES = {
    "": ["Q8_0", "Q4_K_M", "IQ4_NL", "Q2_K", "Q3_K_L", "Q5_K_M", "TQ2_0"],
    "importance.gguf": ["Q4_K_M", "Q2_K_S", "IQ4_XS", "Q5_0", "Q3_K_M"],
    "importance.dat": ["Q4_0", "Q4_K_S"],
}

folder, tool = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
for model in ("mixtral", "qwen2moe"):
    for matrix, schemes in CASES.items():
        for scheme in schemes:
            with_ = ["--imatrix", f"{model}-{matrix}"] if matrix else []
            out = folder / "reference.gguf"
            subprocess.run([tool, *with_, f"{model}.gguf", out.name, scheme, "1"],
                           cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            print(hashlib.sha256(out.read_bytes()).hexdigest(), model, scheme, *([f"{model}-{matrix}"] if matrix else []))
            out.unlink()
