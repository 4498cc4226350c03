"""Makes GGUF models of experts and importance matrices for them, of fixed numbers: experts.py FOLDER.

FOLDER/mixtral.gguf has eight experts in float16, FOLDER/qwen2moe.gguf four and one that every token takes, in bfloat16, with
rows that blocks of 256 do not divide. Beside each stand a matrix in the newer form, NAME-importance.gguf, in which one
expert has never been used, and one in the older form, NAME-importance.dat. Numbers follow from places alone; no tokenizer is
there, for llama-quantize does not ask for one.
"""

import pathlib
import struct
import sys

import gguf
import numpy as np

WIDTH, HEADS = 256, 8


def hashed(place: int, count: int) -> np.ndarray:
    """Fractions from 0 to 1."""
    x = np.arange(count, dtype=np.uint64) + np.uint64(place * 1000003 + 1)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    return ((x ^ (x >> np.uint64(31))) >> np.uint64(40)).astype(np.float64) / 2**24


def weights(place: int, shape: tuple) -> np.ndarray:
    """Small numbers around zero, the larger the rarer, with one in 509 far away."""
    n = int(np.prod(shape))
    u = hashed(2 * place, n) * 2 - 1
    v = u * u * u / 16
    v[hashed(2 * place + 1, n) < 1 / 509] *= 8
    return v.astype(np.float32).reshape(shape)


def tensors(blocks: int, key_heads: int, experts: int, inner: int, shared: int) -> list:
    """Names and shapes, outputs first."""
    keys = WIDTH // HEADS * key_heads
    out = [("token_embd.weight", (320, WIDTH)), ("output_norm.weight", (WIDTH,)), ("output.weight", (320, WIDTH))]
    for b in range(blocks):
        out += [(f"blk.{b}.{name}.weight", shape) for name, shape in (
            ("attn_norm", (WIDTH,)), ("attn_q", (WIDTH, WIDTH)), ("attn_k", (keys, WIDTH)), ("attn_v", (keys, WIDTH)),
            ("attn_output", (WIDTH, WIDTH)), ("ffn_norm", (WIDTH,)), ("ffn_gate_inp", (experts, WIDTH)),
            ("ffn_gate_exps", (experts, inner, WIDTH)), ("ffn_up_exps", (experts, inner, WIDTH)), ("ffn_down_exps", (experts, WIDTH, inner)))]
        if shared:
            out += [(f"blk.{b}.{name}.weight", shape) for name, shape in (
                ("ffn_gate_inp_shexp", (WIDTH,)), ("ffn_gate_shexp", (shared, WIDTH)), ("ffn_up_shexp", (shared, WIDTH)),
                ("ffn_down_shexp", (WIDTH, shared)))]
    return out


def model(path: pathlib.Path, arch: str, list_: list, blocks: int, key_heads: int, experts: int, inner: int, brain: bool) -> None:
    w = gguf.GGUFWriter(path, arch)
    w.add_block_count(blocks)
    w.add_context_length(512)
    w.add_embedding_length(WIDTH)
    w.add_feed_forward_length(inner)
    w.add_head_count(HEADS)
    w.add_head_count_kv(key_heads)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_expert_count(experts)
    w.add_expert_used_count(2)
    w.add_vocab_size(320)
    w.add_file_type(32 if brain else 1)
    for place, (name, shape) in enumerate(list_):
        x = weights(place, shape)
        if len(shape) == 1 or "ffn_gate_inp." in name:
            w.add_tensor(name, x)
        elif brain:
            w.add_tensor(name, gguf.quants.quantize(x, gguf.GGMLQuantizationType.BF16), raw_dtype=gguf.GGMLQuantizationType.BF16)
        else:
            w.add_tensor(name, x.astype(np.float16))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def matrices(path: pathlib.Path, name: str, list_: list) -> None:
    def numbers(place: int, shape: tuple) -> np.ndarray:
        count = shape[0] * shape[2] if len(shape) == 3 else shape[1]
        return (hashed(place + 100000, count) ** 4 * 16 + 1 / 64).astype(np.float32)

    entries = [(place, tensor, shape) for place, (tensor, shape) in enumerate(list_) if len(shape) > 1 and "ffn_gate_inp." not in tensor]
    w = gguf.GGUFWriter(path / f"{name}-importance.gguf", "llama")
    w.add_type("imatrix")
    w.add_array("imatrix.datasets", ["fixed-pattern.txt"])
    w.add_uint32("imatrix.chunk_count", 5)
    w.add_uint32("imatrix.chunk_size", 512)
    for place, tensor, shape in entries:
        experts = shape[0] if len(shape) == 3 else 1
        counts = np.array([[0 if experts > 1 and e == place % experts else 100 + e] for e in range(experts)], dtype=np.float32)
        w.add_tensor(tensor + ".in_sum2", numbers(place, shape).reshape(experts, -1) * counts)
        w.add_tensor(tensor + ".counts", counts)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    with open(path / f"{name}-importance.dat", "wb") as f:
        f.write(struct.pack("<i", len(entries)))
        for place, tensor, shape in entries:
            v = numbers(place + 1000, shape) * np.float32(3)
            f.write(struct.pack("<i", len(tensor)) + tensor.encode() + struct.pack("<ii", 3, len(v)) + v.tobytes())
        f.write(struct.pack("<ii", 3, 5) + b"fixed")


folder = pathlib.Path(sys.argv[1])
for name, arch, blocks, key_heads, experts, inner, shared, brain in (
        ("mixtral", "llama", 8, 2, 8, 256, 0, False), ("qwen2moe", "qwen2moe", 3, 8, 4, 288, 96, True)):
    list_ = tensors(blocks, key_heads, experts, inner, shared)
    model(folder / f"{name}.gguf", arch, list_, blocks, key_heads, experts, inner, brain)
    matrices(folder, name, list_)
