"""Quantizes a GGUF file with llama.cpp and importance for every scheme and prints the digests:

    reference_importance.py MODEL FOLDER LLAMA_QUANTIZE > smollm2-importance.sha256

LLAMA_QUANTIZE is the tool of the llama.cpp that llama-cpp-python 0.3.36 holds, built with
-DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON. What importance.py makes must be in FOLDER.
"""

import hashlib
import pathlib
import subprocess
import sys

# Not Q4_1, which most of the model is already: pare changes nothing then.
SCHEMES = ["F16", "Q4_0", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q2_K_S", "Q3_K_S", "Q3_K_M", "Q3_K_L", "Q4_K_S", "Q4_K_M",
           "Q5_K_S", "Q5_K_M", "Q6_K", "IQ4_NL", "IQ4_XS", "TQ1_0", "TQ2_0", "BF16"]
LEGACY = ["Q4_0", "Q2_K_S", "Q4_K_M", "IQ4_XS"]

model, folder, tool = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]).resolve()
for scheme, matrix in [(s, "importance.gguf") for s in SCHEMES] + [(s, "importance.dat") for s in LEGACY]:
    out = folder / "reference.gguf"
    subprocess.run([tool, "--allow-requantize", "--imatrix", matrix, model, out.name, scheme, "1"],
                   cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    print(hashlib.sha256(out.read_bytes()).hexdigest(), f"{scheme}-{matrix}", sep="  ")
    out.unlink()
