import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kglm.linking.candidate_sets import CandidateSets, Hit, merge_hits

hits = st.builds(Hit, st.integers(0, 5), st.integers(0, 4), st.floats(0.1, 1.0), st.integers(0, 3).map(float))


@given(st.lists(hits), st.integers(1, 4))
def test_merging_keeps_the_best_hit_of_each_entity(found, limit):
    merged = merge_hits(found, limit)
    best = {}
    for hit in found:
        rank = (hit.source, -hit.share, -hit.count)
        best[hit.entity] = min(best.get(hit.entity, rank), rank)
    assert len(merged) == min(limit, len(best))
    assert len({hit.entity for hit in merged}) == len(merged)
    for hit in merged:
        assert (hit.source, -hit.share) == best[hit.entity][:2]
        assert hit.count == max(one.count for one in found if one.entity == hit.entity)
    left_out = best.keys() - {hit.entity for hit in merged}
    for entity in left_out:
        assert all(best[hit.entity][:2] <= best[entity][:2] for hit in merged)


def test_flat_arrays_of_hits():
    sets = CandidateSets.from_hits([[Hit(7, 1, 0.5, 2)], [], [Hit(3), Hit(4)]])
    assert sets.offsets.tolist() == [0, 1, 1, 3]
    assert sets.entities.tolist() == [7, 3, 4]
    assert sets.owners.tolist() == [0, 2, 2]
    assert sets.sources.tolist() == [1, 0, 0]
    np.testing.assert_allclose(sets.shares, [0.5, 1, 1])
    assert sets.counts.tolist() == [2, 0, 0]


def test_no_mentions():
    sets = CandidateSets.from_hits([])
    assert len(sets) == 0
    assert sets.entities.shape == (0,)
