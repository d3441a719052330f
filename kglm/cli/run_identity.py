"""What makes a question-answering run what it is, beside the training settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from kglm.data.task import Examples
from kglm.inference.bundle import Bundle


def run_identity(bundle: Bundle, splits: Mapping[str, Examples], start: str) -> dict[str, Any]:
    """Return what, beside the training settings, makes a run what it is; a resume with another is refused."""
    pipeline, knowledge = bundle.pipeline, bundle.pipeline.knowledge
    options = bundle.model.config.to_dict()
    identity: dict[str, Any] = {
        "initial weights": start,
        "model": hashlib.sha256(json.dumps(options, sort_keys=True, default=str).encode()).hexdigest(),
        "max_length": pipeline.max_length,
    }
    for name, examples in splits.items():
        texts = [[example.question, *example.choices, example.label] for example in examples]
        identity[f"{name} questions"] = hashlib.sha256(json.dumps(texts).encode()).hexdigest()
    if knowledge is not None:
        identity["graph"] = knowledge.graph.fingerprint
        identity["linker"] = knowledge.linker.options.cache_key()
        if knowledge.reasoning is not None:
            identity["entity vectors"] = knowledge.reasoning.table.source
            identity["schema graphs"] = asdict(knowledge.reasoning.schema)
            if knowledge.reasoning.scores is not None:
                identity["path scores"] = knowledge.reasoning.scores.digest
        if knowledge.fused is not None:
            identity["fused entities"] = {
                "vectors": knowledge.fused.table.digest,
                "shuffle_seed": knowledge.fused.shuffle_seed,
            }
        if knowledge.facts is not None:
            identity["facts"] = knowledge.facts.cache_key()
            identity["facts corpora"] = {name: corpus.digest for name, corpus in knowledge.corpora.items()}
    return identity
