import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kglm.embeddings.queries import QueryCollator, TripleQueries

N, R = 6, 2
triples = st.lists(
    st.tuples(st.integers(0, N - 1), st.integers(0, R - 1), st.integers(0, N - 1)), min_size=1, max_size=20
).map(np.array)


def naive_questions(rows):
    found = {}
    for head, relation, tail in rows.tolist():
        found.setdefault((head, relation), set()).add(tail)
        found.setdefault((tail, relation + R), set()).add(head)
    return found


@given(triples)
def test_questions_and_answers_are_those_of_the_triples(rows):
    queries = TripleQueries.of(rows, N, R)
    found = {}
    for number in range(len(queries)):
        answers = queries.answers[queries.indptr[number] : queries.indptr[number + 1]].tolist()
        assert answers == sorted(set(answers))
        found[int(queries.anchors[number]), int(queries.relations[number])] = set(answers)
    assert found == naive_questions(rows)


@given(triples, st.lists(st.tuples(st.integers(0, N - 1), st.integers(0, 2 * R - 1)), min_size=1, max_size=9))
def test_questions_are_found_again(rows, asked):
    queries = TripleQueries.of(rows, N, R)
    anchors, relations = np.array(asked).T
    found = queries.find(anchors, relations)
    naive = naive_questions(rows)
    for question, number in zip(asked, found.tolist(), strict=True):
        assert (number >= 0) == (question in naive)
    some = np.flatnonzero(found >= 0)
    answers, positions = queries.answers_of(found[some])
    for place, row in enumerate(some.tolist()):
        assert set(answers[positions == place].tolist()) == naive[asked[row]]


@settings(max_examples=30)
@given(triples, st.sampled_from([None, 2]), st.booleans(), st.integers(0, 3))
def test_a_batch_says_which_answers_are_candidates(rows, negatives, batch_answers, epoch):
    queries = TripleQueries.of(rows, N, R)
    collate = QueryCollator(queries, negatives=negatives, batch_answers=batch_answers, answer_weight=0.5)
    collate.set_epoch(epoch)
    chosen = list(range(len(queries)))[::2]
    batch = {name: value.numpy() for name, value in collate(chosen).items()}
    naive = naive_questions(rows)
    pairs = []
    for row, number in enumerate(chosen):
        question = int(queries.anchors[number]), int(queries.relations[number])
        assert (batch["anchors"][row], batch["relations"][row]) == question
        pairs += [(row, answer, len(naive[question]) ** -0.5) for answer in sorted(naive[question])]
    assert [pair[:2] for pair in pairs] == list(zip(batch["rows"].tolist(), batch["answers"].tolist(), strict=True))
    np.testing.assert_allclose(batch["weights"], [pair[2] for pair in pairs], rtol=1e-6)
    candidates = batch["candidates"].tolist()
    assert candidates == sorted(set(candidates))
    if negatives is None:
        assert candidates == list(range(N))
    if batch_answers:
        assert set(batch["answers"].tolist()) <= set(candidates)
    for answer, column in zip(batch["answers"].tolist(), batch["columns"].tolist(), strict=True):
        assert (candidates.index(answer) if answer in candidates else -1) == column


def test_candidates_depend_on_seed_epoch_and_batch_alone():
    queries = TripleQueries.of(np.array([(i, 0, i + 1) for i in range(400)]), 500, 1)

    def candidates(seed, epoch, first):
        collate = QueryCollator(queries, negatives=9, batch_answers=False, seed=seed)
        collate.set_epoch(epoch)
        return collate([first, 1])["candidates"].tolist()

    assert candidates(0, 0, 5) == candidates(0, 0, 5)
    assert len({tuple(candidates(*place)) for place in [(0, 0, 5), (1, 0, 5), (0, 1, 5), (0, 0, 6)]}) == 4


def test_bernoulli_weighs_the_side_that_has_one_answer():
    # Relation 0 leads from one head to four tails, relation 1 from one to one.
    queries = TripleQueries.of(np.array([(0, 0, 1), (0, 0, 2), (0, 0, 3), (0, 0, 4), (1, 1, 2)]), 6, 2)
    weights = dict(zip(queries.relations.tolist(), queries.side_weights().tolist(), strict=True))
    tph, hpt = 4, 1
    assert weights == pytest.approx({0: 2 * hpt / (tph + hpt), 2: 2 * tph / (tph + hpt), 1: 1, 3: 1})
    collate = QueryCollator(queries, negatives=3, sampling="bernoulli")
    number = queries.find(np.array([0]), np.array([0]))[0]
    assert collate([number])["weights"].tolist() == pytest.approx([0.4] * 4)
