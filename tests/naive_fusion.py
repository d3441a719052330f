"""The K-Encoder's equations restated densely, a text at a time: one entity row for every token, most of them unused.

``w`` is ``[T, D]``, ``e`` ``[T, D_e]``, ``has`` ``[T]``: whether the token bears an entity.
"""

from __future__ import annotations

import math

import torch


def linear(layer, x):
    return torch.stack([layer.weight @ row + (0 if layer.bias is None else layer.bias) for row in x])


def norm(layer, x):
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + layer.eps).sqrt() * layer.weight + layer.bias


def gelu(x):
    return x * (1 + torch.erf(x / math.sqrt(2))) / 2


def attention(query, key, value, output, heads, x, seen):
    """Each row looks at the rows ``seen``."""
    dim = x.shape[-1] // heads
    q, k, v = linear(query, x), linear(key, x), linear(value, x)
    rows = []
    for i in range(len(x)):
        parts = []
        for h in range(heads):
            part = slice(h * dim, (h + 1) * dim)
            scores = torch.stack([q[i, part] @ k[j, part] / math.sqrt(dim) for j in range(len(x)) if seen[j]])
            values = torch.stack([v[j, part] for j in range(len(x)) if seen[j]])
            weights = scores.exp() / scores.exp().sum()
            parts.append(weights @ values)
        rows.append(torch.cat(parts))
    return linear(output, torch.stack(rows))


def token_attention(layer, w, real):
    inner = layer.attention.self
    heads = inner.num_attention_heads
    attended = attention(inner.query, inner.key, inner.value, layer.attention.output.dense, heads, w, real)
    return norm(layer.attention.output.LayerNorm, w + attended)


def fused_layer(layer, fusion, w, e, real, has):
    """Return tokens and entities after a BERT layer; without ``fusion`` it is a plain one."""
    w = token_attention(layer, w, real)
    activation = linear(layer.intermediate.dense, w)
    if fusion is not None:
        if fusion.attention is not None and has.any():
            a = fusion.attention
            e = norm(a.norm, e + attention(a.query, a.key, a.value, a.output, a.num_heads, e, has))
        e = torch.where(has[:, None], e, 0)
        gets_bias = torch.ones_like(has) if fusion.bias == "all" else has
        activation = activation + e @ fusion.inward.weight.T + gets_bias[:, None] * fusion.inward.bias
    z = gelu(activation)
    if fusion is not None:
        e = norm(fusion.norm, e + linear(fusion.outward, z))
    return norm(layer.output.LayerNorm, w + linear(layer.output.dense, z)), e


def encode(model, input_ids, attention_mask, entity_embeds, entity_tokens):
    """Return tokens ``[B, T, D]`` and entities ``[B, M, D_e]`` of a fusion encoder on BERT, an entity a token."""
    tokens, entities = [], []
    embedded = model.backbone.embeddings(input_ids=input_ids)
    for w, real, vectors, places in zip(embedded, attention_mask == 1, entity_embeds, entity_tokens, strict=True):
        e = torch.zeros(len(w), vectors.shape[-1], dtype=w.dtype)
        has = torch.zeros(len(w), dtype=torch.bool)
        for vector, place in zip(vectors, places, strict=True):
            if place >= 0:
                e[place], has[place] = vector, True
        if model.config.cls_entity == "always" or (model.config.cls_entity == "with_entities" and has.any()):
            has[0] = True
        for layer, block in zip(model.backbone.encoder.layer, model.blocks, strict=True):
            w, e = fused_layer(layer, block.fusion, w, e, real, has)
        tokens.append(w)
        entities.append(torch.stack([e[p] if p >= 0 else torch.zeros_like(e[0]) for p in places.tolist()]))
    return torch.stack(tokens), torch.stack(entities)
