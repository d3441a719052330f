"""Which triples are asked, in which order, and for which end.

Dimensions: E triples of the graph, K of them that are asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kglm.data.synthetic.labels import LabelFacts
from kglm.data.synthetic.options import QuestionOptions
from kglm.kg.graph import KnowledgeGraph

SPLITS = ("train", "dev", "test")


@dataclass(frozen=True)
class AskedTriples:
    """Triples in the order in which they are asked.

    Attributes:
        heads: ``int32 [E]`` of all triples of the graph.
        relations: ``int32 [E]``.
        tails: ``int32 [E]``.
        positions: ``int64 [K]``, which of them are asked.
        tail_asked: ``bool [K]``, the tail is the answer, not the head.
        known: ``int32 [K]``, the end that the question names.
        answers: ``int32 [K]``, the other end.
        by_relation: ``int64``, the triples whose ends may be offered, relation by relation.
        relation_offsets: ``int64 [R + 1]`` into ``by_relation``.
    """

    heads: np.ndarray
    relations: np.ndarray
    tails: np.ndarray
    positions: np.ndarray
    tail_asked: np.ndarray
    known: np.ndarray
    answers: np.ndarray
    by_relation: np.ndarray
    relation_offsets: np.ndarray


def choose_triples(
    graph: KnowledgeGraph, facts: LabelFacts, options: QuestionOptions, split: str | None
) -> AskedTriples:
    """Return the triples of one split, or of all (None), in an order that the seed decides.

    A triple belongs to the split of the entity that its question names: no entity is named in two.
    """
    heads, relations, tails, weights = graph.triple_arrays()
    usable = (facts.words > 0) & (facts.words <= options.max_words)
    offered = usable[heads] & usable[tails] & (heads != tails)
    asked = np.isin(relations, options.relation_ids(graph)) & offered & (weights >= options.min_weight)
    positions = np.flatnonzero(asked)
    order, coin = _shuffle(relations[positions], options)
    positions, coin = positions[order], coin[order]
    tail_asked = coin if len(options.asked) > 1 else np.full(len(positions), options.asked[0] == "tail")
    known = np.where(tail_asked, heads[positions], tails[positions])
    answers = np.where(tail_asked, tails[positions], heads[positions])
    if split is not None:
        kept = split_of(facts.hash, options)[known] == SPLITS.index(split)
        positions, tail_asked, known, answers = (part[kept] for part in (positions, tail_asked, known, answers))
    sources = np.flatnonzero(offered)
    sources = sources[np.argsort(relations[sources], kind="stable")]
    counts = np.bincount(relations[sources], minlength=graph.num_relations)
    return AskedTriples(
        heads,
        relations,
        tails,
        positions,
        tail_asked,
        known,
        answers,
        sources,
        np.concatenate(([0], np.cumsum(counts))),
    )


def split_of(hashes: np.ndarray, options: QuestionOptions) -> np.ndarray:
    """Return the place in :data:`SPLITS` of each entity, by the hash of its label: ``int8 [N]``."""
    # A multiplicative hash of seed and CRC: neighbouring seeds hold out unrelated entities.
    mixed = (hashes.astype(np.uint64) ^ np.uint64(options.seed * 0x9E3779B1 % 2**32)) * np.uint64(0x9E3779B97F4A7C15)
    share = (mixed >> np.uint64(40)).astype(np.float64) / 2**24
    return ((share < options.held_out).astype(np.int8) + (share < options.held_out / 2)).astype(np.int8)


def _shuffle(relations: np.ndarray, options: QuestionOptions) -> tuple[np.ndarray, np.ndarray]:
    """Return an order of the triples, and a coin for each.

    Drawn without replacement by the weights of their relations (Efraimidis & Spirakis, 2006: sorted by log u / w).
    """
    generator = np.random.default_rng([options.seed, 0])
    counts = np.bincount(relations)
    weights = np.maximum(counts, 1.0) ** (options.balance - 1)
    keys = generator.exponential(size=len(relations)) / weights[relations] if len(relations) else relations
    return np.argsort(keys, kind="stable"), generator.random(len(relations)) < 0.5
