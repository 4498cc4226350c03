"""Writes small models of the families that pare knows, as transformers saves them, into folders below the one given."""

import sys

import torch
import transformers as tf

base = dict(hidden_size=128, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, intermediate_size=256, vocab_size=512,
            max_position_embeddings=64, bos_token_id=1, eos_token_id=2, pad_token_id=0)
old = dict(n_embd=128, n_layer=2, n_head=4, n_inner=256, n_positions=64, vocab_size=512, bos_token_id=1, eos_token_id=2)

MODELS = {
    "llama": (tf.LlamaConfig, base | dict(tie_word_embeddings=False), tf.AutoModelForCausalLM),
    "llama-tied": (tf.LlamaConfig, base | dict(tie_word_embeddings=True), tf.AutoModelForCausalLM),
    "mistral": (tf.MistralConfig, base, tf.AutoModelForCausalLM),
    "qwen2": (tf.Qwen2Config, base, tf.AutoModelForCausalLM),
    "qwen3": (tf.Qwen3Config, base | dict(head_dim=32), tf.AutoModelForCausalLM),
    "smollm3": (tf.SmolLM3Config, base, tf.AutoModelForCausalLM),
    "phi": (tf.PhiConfig, base, tf.AutoModelForCausalLM),
    "phi3": (tf.Phi3Config, base, tf.AutoModelForCausalLM),
    "gemma": (tf.GemmaConfig, base | dict(head_dim=32), tf.AutoModelForCausalLM),
    "gemma2": (tf.Gemma2Config, base | dict(head_dim=32), tf.AutoModelForCausalLM),
    "gemma3": (tf.Gemma3TextConfig, base | dict(head_dim=32), tf.AutoModelForCausalLM),
    "granite": (tf.GraniteConfig, base, tf.AutoModelForCausalLM),
    "glm": (tf.GlmConfig, base | dict(head_dim=32), tf.AutoModelForCausalLM),
    "glm4": (tf.Glm4Config, base | dict(head_dim=32), tf.AutoModelForCausalLM),
    "starcoder2": (tf.Starcoder2Config, base, tf.AutoModelForCausalLM),
    "neox": (tf.GPTNeoXConfig, {k: v for k, v in base.items() if k != "num_key_value_heads"}, tf.AutoModelForCausalLM),
    "gpt2": (tf.GPT2Config, old, tf.AutoModelForCausalLM),
    "bigcode": (tf.GPTBigCodeConfig, old, tf.AutoModelForCausalLM),
    "bert": (tf.BertConfig, base, tf.AutoModelForMaskedLM),
    "roberta": (tf.RobertaConfig, base, tf.AutoModelForMaskedLM),
    "mixtral": (tf.MixtralConfig, base | dict(num_local_experts=4, num_experts_per_tok=2), tf.AutoModelForCausalLM),
    "qwen3-moe": (tf.Qwen3MoeConfig, base | dict(num_experts=4, num_experts_per_tok=2, moe_intermediate_size=128, head_dim=32), tf.AutoModelForCausalLM),
}

for name, (config, sizes, auto) in MODELS.items():
    torch.manual_seed(0)
    model = auto.from_config(config(**sizes), dtype=torch.bfloat16)
    for p in model.parameters():
        if p.dim() == 2:
            torch.nn.init.normal_(p, std=0.05)
    model.save_pretrained(f"{sys.argv[1]}/{name}")
