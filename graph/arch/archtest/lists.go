package archtest

// Lists of tensors by family, as the files of the family have them.

const llamaBlock = `
model.layers.{i}.input_layernorm.weight h
model.layers.{i}.self_attn.q_proj.weight q,h
model.layers.{i}.self_attn.k_proj.weight k,h
model.layers.{i}.self_attn.v_proj.weight k,h
model.layers.{i}.self_attn.o_proj.weight h,q
model.layers.{i}.post_attention_layernorm.weight h
`

const llamaFeed = `
model.layers.{i}.mlp.gate_proj.weight f,h
model.layers.{i}.mlp.up_proj.weight f,h
model.layers.{i}.mlp.down_proj.weight h,f
`

const llamaEnds = `
model.embed_tokens.weight v,h
model.norm.weight h
`

const head = `
lm_head.weight v,h
`

const qkvBias = `
model.layers.{i}.self_attn.q_proj.bias q
model.layers.{i}.self_attn.k_proj.bias k
model.layers.{i}.self_attn.v_proj.bias k
`

const qkNorm = `
model.layers.{i}.self_attn.q_norm.weight d
model.layers.{i}.self_attn.k_norm.weight d
`

const fourNorms = `
model.layers.{i}.pre_feedforward_layernorm.weight h
model.layers.{i}.post_feedforward_layernorm.weight h
`

const phi3 = `
model.embed_tokens.weight v,h
model.layers.{i}.input_layernorm.weight h
model.layers.{i}.self_attn.qkv_proj.weight q+2k,h
model.layers.{i}.self_attn.o_proj.weight h,q
model.layers.{i}.post_attention_layernorm.weight h
model.layers.{i}.mlp.gate_up_proj.weight 2f,h
model.layers.{i}.mlp.down_proj.weight h,f
model.norm.weight h
lm_head.weight v,h
`

const glm4 = llamaEnds + llamaBlock + qkvBias + head + `
model.layers.{i}.mlp.gate_up_proj.weight 2f,h
model.layers.{i}.mlp.down_proj.weight h,f
model.layers.{i}.post_self_attn_layernorm.weight h
model.layers.{i}.post_mlp_layernorm.weight h
`

const chatGLM = `
transformer.embedding.word_embeddings.weight v,h
transformer.encoder.layers.{i}.input_layernorm.weight h
transformer.encoder.layers.{i}.self_attention.query_key_value.weight q+2k,h
transformer.encoder.layers.{i}.self_attention.query_key_value.bias q+2k
transformer.encoder.layers.{i}.self_attention.dense.weight h,q
transformer.encoder.layers.{i}.post_attention_layernorm.weight h
transformer.encoder.layers.{i}.mlp.dense_h_to_4h.weight 2f,h
transformer.encoder.layers.{i}.mlp.dense_4h_to_h.weight h,f
transformer.encoder.final_layernorm.weight h
transformer.output_layer.weight v,h
transformer.rotary_pos_emb.inv_freq 32
`

const gpt2 = `
wte.weight v,h
wpe.weight p,h
h.{i}.ln_1.weight h
h.{i}.ln_1.bias h
h.{i}.attn.c_attn.weight h,3h
h.{i}.attn.c_attn.bias 3h
h.{i}.attn.c_proj.weight h,h
h.{i}.attn.c_proj.bias h
h.{i}.ln_2.weight h
h.{i}.ln_2.bias h
h.{i}.mlp.c_fc.weight h,f
h.{i}.mlp.c_fc.bias f
h.{i}.mlp.c_proj.weight f,h
h.{i}.mlp.c_proj.bias h
ln_f.weight h
ln_f.bias h
`

const bigCode = `
transformer.wte.weight v,h
transformer.wpe.weight p,h
transformer.h.{i}.ln_1.weight h
transformer.h.{i}.ln_1.bias h
transformer.h.{i}.attn.c_attn.weight h+2d,h
transformer.h.{i}.attn.c_attn.bias h+2d
transformer.h.{i}.attn.c_proj.weight h,h
transformer.h.{i}.attn.c_proj.bias h
transformer.h.{i}.ln_2.weight h
transformer.h.{i}.ln_2.bias h
transformer.h.{i}.mlp.c_fc.weight f,h
transformer.h.{i}.mlp.c_fc.bias f
transformer.h.{i}.mlp.c_proj.weight h,f
transformer.h.{i}.mlp.c_proj.bias h
transformer.ln_f.weight h
transformer.ln_f.bias h
`

const neox = `
gpt_neox.embed_in.weight v,h
gpt_neox.layers.{i}.input_layernorm.weight h
gpt_neox.layers.{i}.input_layernorm.bias h
gpt_neox.layers.{i}.post_attention_layernorm.weight h
gpt_neox.layers.{i}.post_attention_layernorm.bias h
gpt_neox.layers.{i}.attention.query_key_value.weight 3h,h
gpt_neox.layers.{i}.attention.query_key_value.bias 3h
gpt_neox.layers.{i}.attention.dense.weight h,h
gpt_neox.layers.{i}.attention.dense.bias h
gpt_neox.layers.{i}.mlp.dense_h_to_4h.weight f,h
gpt_neox.layers.{i}.mlp.dense_h_to_4h.bias f
gpt_neox.layers.{i}.mlp.dense_4h_to_h.weight h,f
gpt_neox.layers.{i}.mlp.dense_4h_to_h.bias h
gpt_neox.final_layer_norm.weight h
gpt_neox.final_layer_norm.bias h
embed_out.weight v,h
`

const bert = `
bert.embeddings.word_embeddings.weight v,h
bert.embeddings.position_embeddings.weight p,h
bert.embeddings.token_type_embeddings.weight t,h
bert.embeddings.LayerNorm.weight h
bert.embeddings.LayerNorm.bias h
bert.encoder.layer.{i}.attention.self.query.weight h,h
bert.encoder.layer.{i}.attention.self.query.bias h
bert.encoder.layer.{i}.attention.self.key.weight h,h
bert.encoder.layer.{i}.attention.self.key.bias h
bert.encoder.layer.{i}.attention.self.value.weight h,h
bert.encoder.layer.{i}.attention.self.value.bias h
bert.encoder.layer.{i}.attention.output.dense.weight h,h
bert.encoder.layer.{i}.attention.output.dense.bias h
bert.encoder.layer.{i}.attention.output.LayerNorm.weight h
bert.encoder.layer.{i}.attention.output.LayerNorm.bias h
bert.encoder.layer.{i}.intermediate.dense.weight f,h
bert.encoder.layer.{i}.intermediate.dense.bias f
bert.encoder.layer.{i}.output.dense.weight h,f
bert.encoder.layer.{i}.output.dense.bias h
bert.encoder.layer.{i}.output.LayerNorm.weight h
bert.encoder.layer.{i}.output.LayerNorm.bias h
bert.pooler.dense.weight h,h
bert.pooler.dense.bias h
`

const maskedHead = `
cls.predictions.bias v
cls.predictions.transform.LayerNorm.weight h
cls.predictions.transform.LayerNorm.bias h
cls.predictions.transform.dense.weight h,h
cls.predictions.transform.dense.bias h
cls.seq_relationship.weight 2,h
cls.seq_relationship.bias 2
`

const robertaHead = `
lm_head.bias v
lm_head.dense.weight h,h
lm_head.dense.bias h
lm_head.layer_norm.weight h
lm_head.layer_norm.bias h
`

const mixtralFeed = `
model.layers.{i}.block_sparse_moe.gate.weight e,h
model.layers.{i}.block_sparse_moe.experts.{e}.w1.weight f,h
model.layers.{i}.block_sparse_moe.experts.{e}.w2.weight h,f
model.layers.{i}.block_sparse_moe.experts.{e}.w3.weight f,h
`

const qwenExperts = `
model.layers.{i}.mlp.gate.weight e,h
model.layers.{i}.mlp.experts.{e}.gate_proj.weight f,h
model.layers.{i}.mlp.experts.{e}.up_proj.weight f,h
model.layers.{i}.mlp.experts.{e}.down_proj.weight h,f
`

const phi2 = `
model.embed_tokens.weight v,h
model.layers.{i}.input_layernorm.weight h
model.layers.{i}.input_layernorm.bias h
model.layers.{i}.self_attn.q_proj.weight q,h
model.layers.{i}.self_attn.q_proj.bias q
model.layers.{i}.self_attn.k_proj.weight k,h
model.layers.{i}.self_attn.k_proj.bias k
model.layers.{i}.self_attn.v_proj.weight k,h
model.layers.{i}.self_attn.v_proj.bias k
model.layers.{i}.self_attn.dense.weight h,q
model.layers.{i}.self_attn.dense.bias h
model.layers.{i}.mlp.fc1.weight f,h
model.layers.{i}.mlp.fc1.bias f
model.layers.{i}.mlp.fc2.weight h,f
model.layers.{i}.mlp.fc2.bias h
model.final_layernorm.weight h
model.final_layernorm.bias h
lm_head.weight v,h
lm_head.bias v
`

const starcoder2 = llamaEnds + llamaBlock + qkvBias + `
model.norm.bias h
model.layers.{i}.input_layernorm.bias h
model.layers.{i}.post_attention_layernorm.bias h
model.layers.{i}.self_attn.o_proj.bias h
model.layers.{i}.mlp.c_fc.weight f,h
model.layers.{i}.mlp.c_fc.bias f
model.layers.{i}.mlp.c_proj.weight h,f
model.layers.{i}.mlp.c_proj.bias h
`
