"""Tiny encoders, models and a tokenizer, built in memory; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, PreTrainedTokenizerFast

from kglm.models import KnowledgeQAConfig, KnowledgeQAForMultipleChoice

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,?!'-"


def tiny_tokenizer(words: Iterable[str] = ()) -> PreTrainedTokenizerFast:
    """Return a lower-casing WordPiece tokenizer that knows ``words`` whole and spells any other."""
    pieces = [*_SPECIAL, *_CHARACTERS, *(f"##{character}" for character in _CHARACTERS)]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys([*pieces, *(w.lower() for w in words)]))}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=64,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def tiny_bert_config(**overrides: Any) -> BertConfig:
    """Return a BERT of two layers with 32 hidden dimensions, without dropout."""
    fields: dict[str, Any] = {
        "vocab_size": 512,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 64,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }
    return BertConfig(**{**fields, **overrides})


def tiny_kagnet(**overrides: Any) -> dict[str, Any]:
    """Return the description of a small KagNet that fits :func:`kglm.testing.graphs.random_graph_batch`."""
    return tiny_reasoner("kagnet", **overrides)


_TINY_REASONERS: dict[str, dict[str, Any]] = {
    "gcn": {"node_dim": 6},
    "greaselm": {"node_dim": 6, "num_layers": 2, "interaction_dim": 7},
    "kagnet": {"concept_dim": 8, "gcn_dims": [6, 4], "relation_dim": 5, "path_dim": 7, "pair_dim": 9},
    "mhgrn": {"node_dim": 6, "num_bases": 2, "attention_dim": 5},
    "qagnn": {"node_dim": 6, "num_layers": 2, "relevance": "concepts"},
    "relation_network": {"relation_dim": 5, "hidden_dim": 7, "path_dim": 6},
    "rgcn": {"node_dim": 6, "num_bases": 2},
}


def tiny_reasoner(name: str, **overrides: Any) -> dict[str, Any]:
    """Return the description of a small reasoner that fits :func:`kglm.testing.graphs.random_graph_batch`."""
    return {"name": name, "entity_dim": 8, "num_relations": 3, **_TINY_REASONERS[name], **overrides}


def tiny_knowledge_qa(*, seed: int = 0, **config_fields: Any) -> KnowledgeQAForMultipleChoice:
    """Return an untrained model in evaluation mode: a tiny BERT, and by default a small KagNet."""
    fields = {"encoder_config": tiny_bert_config(), "reasoner": tiny_kagnet(), **config_fields}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return KnowledgeQAForMultipleChoice(KnowledgeQAConfig(**fields)).eval()
