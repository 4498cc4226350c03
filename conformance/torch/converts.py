"""Compares pare's conversion to GGUF with llama.cpp's own converter: converts.py FOLDER LLAMA_CPP PARE OUT.

FOLDER is a model as models.py makes it, or is named chatglm and is made here, transformers having no such model; a tokenizer is
added to a copy below OUT. Every metadata key and every byte of
every tensor must be equal, but for general.name and general.size_label, which the converter takes from folder and size.
"""

import json
import os
import pathlib
import runpy
import shutil
import subprocess
import sys

folder, upstream, pare, out = (pathlib.Path(a) for a in sys.argv[1:])
sys.path[:0] = [str(upstream / "gguf-py"), str(upstream)]


def byte_pairs(model):
    """Writes a tokenizer of byte pairs as small as the model's vocabulary."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {c: i for i, c in enumerate(alphabet)}
    a, b = alphabet[:2]
    vocab[a + b] = len(vocab)
    t = Tokenizer(models.BPE(vocab=vocab, merges=[(a, b)]))
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    t.decoder = decoders.ByteLevel()
    t.add_special_tokens([AddedToken("<|endoftext|>", special=True), AddedToken("<|user|>", special=True)])
    t.add_tokens([AddedToken("hello", special=False, normalized=False)])
    t.save(str(model / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "chat_template": "{{ messages }}"}
    (model / "tokenizer_config.json").write_text(json.dumps(settings))


def pieces(model):
    """Trains a SentencePiece model on numbered sentences."""
    import sentencepiece

    text = model / "text"
    text.write_text("\n".join(f"the quick brown fox {i} jumps over lazy dogs and more words {7 * i}" for i in range(400)))
    sentencepiece.SentencePieceTrainer.train(
        input=str(text), model_prefix=str(model / "tokenizer"), vocab_size=300, byte_fallback=True, model_type="bpe", minloglevel=2)
    os.remove(text)
    os.remove(model / "tokenizer.vocab")
    added = {"1": {"content": "<s>", "special": True}, "305": {"content": "<extra>", "special": False}}
    settings = {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "added_tokens_decoder": added}
    (model / "tokenizer_config.json").write_text(json.dumps(settings))


def chatglm(folder):
    """Writes a small model with the names and settings of GLM-4's first release, whose code comes with its weights."""
    import torch
    from safetensors.torch import save_file

    hidden, wide, heads, groups, blocks, words = 128, 256, 4, 2, 2, 512
    torch.manual_seed(0)
    rows = {"self_attention.query_key_value.weight": (hidden + 2 * groups * hidden // heads, hidden),
            "self_attention.query_key_value.bias": (hidden + 2 * groups * hidden // heads,),
            "self_attention.dense.weight": (hidden, hidden), "mlp.dense_h_to_4h.weight": (2 * wide, hidden), "mlp.dense_4h_to_h.weight": (hidden, wide),
            "input_layernorm.weight": (hidden,), "post_attention_layernorm.weight": (hidden,)}
    shapes = {"transformer.embedding.word_embeddings.weight": (words, hidden), "transformer.encoder.final_layernorm.weight": (hidden,),
              "transformer.output_layer.weight": (words, hidden), "transformer.rotary_pos_emb.inv_freq": (hidden // heads // 4,)}
    shapes |= {f"transformer.encoder.layers.{i}.{name}": shape for i in range(blocks) for name, shape in rows.items()}
    folder.mkdir(parents=True)
    save_file({name: (0.05 * torch.randn(shape)).to(torch.bfloat16) for name, shape in shapes.items()}, folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(json.dumps({
        "architectures": ["ChatGLMModel"], "model_type": "chatglm", "torch_dtype": "bfloat16", "hidden_size": hidden, "ffn_hidden_size": wide,
        "num_attention_heads": heads, "multi_query_attention": True, "multi_query_group_num": groups, "num_layers": blocks, "kv_channels": hidden // heads,
        "seq_length": 64, "layernorm_epsilon": 1.5625e-07, "padded_vocab_size": words, "vocab_size": words, "rope_ratio": 500, "rmsnorm": True,
        "add_qkv_bias": True, "add_bias_linear": False, "tie_word_embeddings": False}))


def reference(model, to):
    """Runs the converter. Its names of ways to split texts are digests of what published tokenizers do; ours is none of them."""
    from conversion import base

    kind = json.loads((model / "config.json").read_text())["model_type"]
    base.TextModel.get_vocab_base_pre = lambda self, tokenizer: "refact" if kind == "granite" else "smollm"
    argv, sys.argv = sys.argv, ["convert_hf_to_gguf.py", str(model), "--outfile", str(to), "--outtype", "bf16"]
    try:
        runpy.run_path(str(upstream / "convert_hf_to_gguf.py"), run_name="__main__")
    finally:
        sys.argv = argv


def compare(want, got):
    import numpy
    from gguf import GGUFReader

    a, b = GGUFReader(want), GGUFReader(got)
    bad = []
    keys = [{k: (f.types, f.contents()) for k, f in r.fields.items() if not k.startswith("GGUF.")} for r in (a, b)]
    for k in sorted(keys[0].keys() | keys[1].keys()):
        if k not in ("general.name", "general.size_label") and keys[0].get(k) != keys[1].get(k):
            bad.append(f"{k}: {str(keys[0].get(k))[:80]}, ours {str(keys[1].get(k))[:80]}")
    tensors = [{t.name: t for t in r.tensors} for r in (a, b)]
    for n in sorted(tensors[0].keys() | tensors[1].keys()):
        x, y = (t.get(n) for t in tensors)
        if x is None or y is None or x.tensor_type != y.tensor_type or list(x.shape) != list(y.shape) or not numpy.array_equal(x.data, y.data):
            bad.append(f"tensor {n} differs")
    return len(tensors[0]), bad


name = folder.name
model = out / name
shutil.rmtree(model, ignore_errors=True)
chatglm(model) if name == "chatglm" else shutil.copytree(folder, model)
(pieces if name in ("phi3", "gemma2", "gemma3") else byte_pairs)(model)
sys.stdout.flush()
log = os.dup(2)
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
reference(model, out / f"{name}.gguf")
os.dup2(log, 2)
recipe = out / f"{name}.yaml"
recipe.write_text(f"version: 1\nname: {name}\nmodel: {{path: {name}}}\noutputs:\n  - {{path: {name}.gguf, gguf: {{compatible: true}}}}\n")
subprocess.run([str(pare), "build", str(recipe), "--quiet", "--no-cache", "--no-lock", "--out", str(out / "built" / name)], check=True, stdout=subprocess.DEVNULL)
count, bad = compare(out / f"{name}.gguf", out / "built" / name / f"{name}.gguf")
print(f"| {name} | {count} | {'equal' if not bad else 'differ'} |")
for line in bad:
    print("  " + line)
sys.exit(bool(bad))
