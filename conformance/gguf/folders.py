"""Makes folders of Hugging Face to convert: folders.py SMOLLM2.gguf FOLDER. Needs gguf, numpy and safetensors, no PyTorch.

smollm2 is the model of the file itself: its weights as float16 under the names and in the order that transformers has, its settings
as config.json, its vocabulary as tokenizer.json. Converted back it must be the same model. small is a Llama with random weights
whose sizes every block type divides, and the first 4,096 tokens of that tokenizer.
"""

import json
import pathlib
import sys

import numpy as np
from gguf import GGUFReader, dequantize
from safetensors.numpy import save_file

NAMES = {
    "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}
NORMAL, CONTROL = 1, 3

reader = GGUFReader(sys.argv[1])
to = pathlib.Path(sys.argv[2])


def value(key):
    return reader.fields[key].contents()


def tokenizer(folder, size):
    texts, kinds = value("tokenizer.ggml.tokens")[:size], value("tokenizer.ggml.token_type")
    vocab = {text: i for i, text in enumerate(texts)}
    merges = [m.split(" ") for m in value("tokenizer.ggml.merges") if m.replace(" ", "") in vocab]
    added = [{"id": i, "content": text, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": kinds[i] == CONTROL}
             for i, text in enumerate(texts) if kinds[i] != NORMAL]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    (folder / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "added_tokens": added, "normalizer": None, "post_processor": None, "decoder": level,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, level]},
        "model": {"type": "BPE", "byte_fallback": False, "vocab": vocab, "merges": merges}}, ensure_ascii=False))
    tokens = {f"{name}_token": texts[value(f"tokenizer.ggml.{key}_token_id")] for name, key in (("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding"))}
    (folder / "tokenizer_config.json").write_text(json.dumps(
        tokens | {"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": False, "add_bos_token": value("tokenizer.ggml.add_bos_token"),
                  "chat_template": value("tokenizer.chat_template")}))


def config(folder, **sizes):
    (folder / "config.json").write_text(json.dumps(sizes | {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "float16", "hidden_act": "silu",
        "rms_norm_eps": float(value("llama.attention.layer_norm_rms_epsilon")), "rope_theta": float(value("llama.rope.freq_base")),
        "max_position_embeddings": value("llama.context_length"), "bos_token_id": 1, "eos_token_id": 2}, indent=2))


def turned_back(w, heads):
    """Rows in the order of transformers' rotation: halves of a head, where llama.cpp has pairs."""
    rows, columns = w.shape
    return w.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def smollm2():
    folder = to / "smollm2"
    folder.mkdir(parents=True, exist_ok=True)
    heads, key_heads = value("llama.attention.head_count"), value("llama.attention.head_count_kv")
    tensors = {}
    for t in reader.tensors:
        w = dequantize(t.data, t.tensor_type).reshape(list(reversed(t.shape.tolist()))).astype(np.float16)
        if t.name == "token_embd.weight":
            name = "model.embed_tokens.weight"
        elif t.name == "output_norm.weight":
            name = "model.norm.weight"
        elif t.name.startswith("blk."):
            _, block, part, _ = t.name.split(".")
            name = f"model.layers.{block}.{NAMES[part]}.weight"
            if part in ("attn_q", "attn_k"):
                w = turned_back(w, heads if part == "attn_q" else key_heads)
        else:
            raise SystemExit(f"{t.name} has no name in transformers here")
        tensors[name] = np.ascontiguousarray(w)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    config(folder, hidden_size=value("llama.embedding_length"), intermediate_size=value("llama.feed_forward_length"),
           num_hidden_layers=value("llama.block_count"), num_attention_heads=heads, num_key_value_heads=key_heads,
           vocab_size=len(value("tokenizer.ggml.tokens")), tie_word_embeddings=True)
    tokenizer(folder, len(value("tokenizer.ggml.tokens")))


def small():
    folder = to / "small"
    folder.mkdir(parents=True, exist_ok=True)
    hidden, wide, blocks, heads, key_heads, words = 512, 1024, 4, 8, 4, 4096
    rng = np.random.default_rng(1)
    shapes = {"attn_q": (hidden, hidden), "attn_k": (hidden // 2, hidden), "attn_v": (hidden // 2, hidden), "attn_output": (hidden, hidden),
              "ffn_gate": (wide, hidden), "ffn_up": (wide, hidden), "ffn_down": (hidden, wide)}

    def matrix(rows, columns):
        return (rng.standard_normal((rows, columns)) / np.sqrt(columns)).astype(np.float16)

    tensors = {"model.embed_tokens.weight": matrix(words, hidden), "lm_head.weight": matrix(words, hidden),
               "model.norm.weight": np.ones(hidden, np.float16)}
    for block in range(blocks):
        for part, name in NAMES.items():
            tensors[f"model.layers.{block}.{name}.weight"] = matrix(*shapes[part]) if part in shapes else np.ones(hidden, np.float16)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    config(folder, hidden_size=hidden, intermediate_size=wide, num_hidden_layers=blocks, num_attention_heads=heads, num_key_value_heads=key_heads,
           vocab_size=words, tie_word_embeddings=False)
    tokenizer(folder, words)


smollm2()
small()
