"""Scores of a graph's links by a trained embedding of it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from kglm.embeddings.graph_embedding import KnowledgeGraphEmbedding
from kglm.errors import ConfigError
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.link_scores import LinkScores
from kglm.kg.plausibility import score_links, score_triples


def link_scores(folder: Path | str, graph: KnowledgeGraph) -> LinkScores:
    """Return how plausible a TransE embedding finds each link, as :mod:`kglm.kg.plausibility` says.

    Args:
        folder: of the embedding, or of its run.
        graph: the one that it was trained on.

    Raises:
        DataError: the folder holds no embedding, or a damaged one.
        FingerprintMismatchError: it was trained on another graph.
        ConfigError: it is not of TransE: in no other model is a relation the way from head to tail.
    """
    embedding = KnowledgeGraphEmbedding.load(folder, graph)
    if embedding.config.model != "transe":
        raise ConfigError(f"the embedding '{folder}' is of the model '{embedding.config.model}'; allowed: transe")
    heads, relations, tails, _ = graph.triple_arrays()
    triples = score_triples(heads, relations, tails, embedding.entity_vectors(), embedding.relation_vectors())
    source = {"kind": "TransE plausibility", **asdict(embedding.config), **embedding.provenance}
    return LinkScores(score_links(graph, triples), graph.fingerprint, source)
