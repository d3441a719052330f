"""What the entities of a graph are, told from the graph: names, senses of words, or concepts."""

from __future__ import annotations

import numpy as np

from kglm.kg.graph import KnowledgeGraph
from kglm.linking.options import Kind

SAMPLE = 1000
"""Labels looked at."""


def kind_of(graph: KnowledgeGraph) -> Kind:
    """Return ``names``, ``senses`` or ``concepts``.

    A graph whose aliases were counted has senses (WordNet). Else, where most labels begin with a capital, they are
    names; otherwise concepts.
    """
    if graph.surface_counts.any():
        return "senses"
    chosen = np.linspace(0, graph.num_entities - 1, min(SAMPLE, graph.num_entities)).astype(int)
    capitals = sum(graph.labels[int(entity)][:1].isupper() for entity in chosen)
    return "names" if 2 * capitals > len(chosen) else "concepts"
