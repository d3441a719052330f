from itertools import pairwise

import numpy as np
import pytest

from kglm.linking import coherence as module
from kglm.linking.candidate_sets import CandidateSets, Hit
from kglm.linking.coherence import LinkAffinity, TextAffinity, coherence
from kglm.linking.entity_catalog import EntityCatalog


class Cosines:
    def __init__(self, table):
        self.table = table

    def rows(self, entities):
        return self.table[entities]


def naive(sets, probabilities, text_offsets, affinity):
    """The sum of the docstring, candidate by candidate."""
    result = np.zeros(len(sets.entities))
    candidates = [list(range(a, b)) for a, b in pairwise(sets.offsets)]
    for first, last in pairwise(text_offsets):
        for mention in range(first, last):
            others = [other for other in range(first, last) if other != mention and candidates[other]]
            for c in candidates[mention]:
                for other in others:
                    for d in candidates[other]:
                        one, two = sets.entities[c], sets.entities[d]
                        if one != two:
                            result[c] += probabilities[d] * affinity(one, two) / len(others)
    return result


def random_sets(seed, texts=3):
    rng = np.random.default_rng(seed)
    mentions = rng.integers(0, 5, texts)
    hits = [[Hit(int(e)) for e in rng.permutation(8)[: rng.integers(0, 4)]] for _ in range(mentions.sum())]
    sets = CandidateSets.from_hits(hits)
    return sets, rng.random(len(sets.entities)), np.cumsum([0, *mentions])


@pytest.mark.parametrize("seed", range(5))
def test_text_coherence_is_the_expected_cosine(seed):
    sets, probabilities, offsets = random_sets(seed)
    table = np.random.default_rng(9).normal(size=(8, 4)).astype(np.float32)
    expected = naive(sets, probabilities, offsets, lambda a, b: float(table[a] @ table[b]))
    found = coherence(sets, probabilities, offsets, TextAffinity(Cosines(table)))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_link_affinity_is_the_cosine_of_neighbourhoods(names_graph):
    catalog = EntityCatalog(names_graph)
    entities = np.array([*range(names_graph.num_entities), 0])
    matrix = LinkAffinity(catalog).matrix(entities)
    hoods = [{*names_graph.links.row(int(e)).tolist(), int(e)} for e in entities]
    for i, one in enumerate(hoods):
        for j, two in enumerate(hoods):
            assert matrix[i, j] == pytest.approx(len(one & two) / (len(one) * len(two)) ** 0.5, abs=1e-6)


def test_a_long_text_is_compared_in_runs(monkeypatch):
    sets, probabilities, _ = random_sets(1, texts=8)
    table = np.random.default_rng(3).normal(size=(8, 4)).astype(np.float32)
    monkeypatch.setattr(module, "MOST_CANDIDATES", 6)
    whole = np.array([0, len(sets)])
    found = coherence(sets, probabilities, whole, TextAffinity(Cosines(table)))
    bounds, first = [0], 0
    for mention in range(len(sets)):
        if sets.offsets[mention + 1] - sets.offsets[first] > 6 and mention > first:
            bounds.append(mention)
            first = mention
    expected = naive(sets, probabilities, [*bounds, len(sets)], lambda a, b: float(table[a] @ table[b]))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert len(bounds) > 1
