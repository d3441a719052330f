import itertools
import json
from dataclasses import replace

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kglm.data.grounding import ground
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.errors import DataError
from kglm.inspection.coverage import measure_coverage
from kglm.kg import Triple
from kglm.linking import LexicalLinker

WORDS = ["dig", "trowel", "garden", "soil", "spoon", "soup", "moon", "crater"]
TRIPLES = (
    Triple("trowel", "UsedFor", "dig"),
    Triple("trowel", "AtLocation", "garden"),
    Triple("soil", "AtLocation", "garden"),
    Triple("spoon", "UsedFor", "soup"),
    Triple("crater", "AtLocation", "moon"),
)


def example(question, choices, label=0, concept=None, name="1"):
    return MultipleChoiceExample(name, question, tuple(choices), tuple("ABCDE"[: len(choices)]), label, concept)


@pytest.fixture(scope="module")
def graph(graph_of):
    return graph_of(*TRIPLES, name="tools")


def test_a_small_set_counted_by_hand(graph):
    examples = [
        example("what do you dig with?", ["trowel", "spoon", "banana"], concept="dig", name="1"),  # 1 hop; far; none
        example("where is soil?", ["trowel", "garden"], 0, "soil", name="2"),  # 2 hops; 1 hop
        example("what is on the moon?", ["soil", "crater"], 0, "moon", name="3"),  # not connected; 1 hop
        example("dig what?", ["dig", "soil"], 1, "dig", name="4"),  # the concept is the choice's own; 3 hops
        example("anything?", ["soup", "moon"], None, "soup", name="5"),
    ]
    found = measure_coverage(examples, graph)
    assert (found.questions, found.unlabelled, found.question_source) == (5, 1, "text")
    assert (found.right.choices, found.wrong.choices) == (4, 5)
    assert found.right.within == {1: 1, 2: 2, 3: 3}
    assert found.wrong.within == {1: 2, 2: 2, 3: 2}
    assert (found.right.choice_grounded, found.wrong.choice_grounded) == (4, 4)
    assert (found.right.question_grounded, found.wrong.question_grounded) == (4, 4)
    assert (found.right.both_grounded, found.wrong.both_grounded) == (4, 3)
    # Question 1 is won by its direct edge, 2 and 3 are lost by it, and in 4 no choice has one.
    assert found.direct_edge_accuracy == pytest.approx((1 + 0 + 0 + 1 / 2) / 4)
    assert found.chance == pytest.approx((1 / 3 + 1 / 2 + 1 / 2 + 1 / 2) / 4)
    assert found.unconnected_total == 1
    (lost,) = found.unconnected
    assert (lost.id, lost.answer, lost.question_concepts, lost.answer_concepts) == ("3", "soil", ("moon",), ("soil",))
    by_concept = measure_coverage(examples, graph, question_concept=True)
    assert by_concept.question_source == "question_concept"
    assert by_concept.right.within == found.right.within
    document = json.loads(json.dumps(found.to_dict()))
    assert document["right"]["within"] == {"1": 1, "2": 2, "3": 3}
    assert document["right"]["shares"]["direct_edge"] == 0.25


@settings(max_examples=40)
@given(st.data())
def test_the_counts_are_those_of_networkx(graph, data):
    texts = st.lists(st.sampled_from([*WORDS, "banana"]), min_size=1, max_size=2).map(" and ".join)
    examples = [
        example(data.draw(texts), data.draw(st.lists(texts, min_size=2, max_size=4)), name=str(number))
        for number in range(data.draw(st.integers(1, 4)))
    ]
    linker = LexicalLinker(graph)
    plain = nx.Graph((triple.head, triple.tail) for triple in TRIPLES)
    lengths = dict(nx.all_pairs_shortest_path_length(plain))
    pairs = iter(ground(examples, linker))
    counts = {True: [0, 0, 0], False: [0, 0, 0]}
    for one in examples:
        for index in range(len(one.choices)):
            pair = next(pairs)
            names = [[graph.entities[entity] for entity in side] for side in pair]
            distance = min([9, *(lengths[a].get(b, 9) for a, b in itertools.product(*names))])
            for hops in (1, 2, 3):
                counts[index == one.label][hops - 1] += distance <= hops
    found = measure_coverage(examples, graph, linker)
    assert list(found.right.within.values()) == counts[True]
    assert list(found.wrong.within.values()) == counts[False]


def test_without_answers_there_is_nothing_to_tell(graph):
    found = measure_coverage([example("dig?", ["trowel", "soil"], None)], graph)
    assert (found.unlabelled, found.right.choices, found.direct_edge_accuracy) == (1, 0, None)
    assert found.right.shares()["direct_edge"] is None


def test_a_missing_concept_and_an_empty_set_are_refused(graph):
    with pytest.raises(DataError, match="question '1' has no question_concept"):
        measure_coverage([example("dig?", ["trowel", "soil"])], graph, question_concept=True)
    with pytest.raises(ValueError, match="there are no questions"):
        measure_coverage([], graph)


@pytest.mark.data
def test_commonsense_qa_on_conceptnet(data_dir, conceptnet):
    """The figures stand near those that the provenance of the data states for matching whole texts."""
    from kglm.data.multiple_choice import read_examples

    examples = read_examples(data_dir / "commonsense_qa" / "train_rand_split.jsonl.gz")[:3000]
    linker = LexicalLinker(conceptnet)
    found = measure_coverage(examples, conceptnet, linker, question_concept=True, max_examples=0)
    right, wrong = found.right.shares(), found.wrong.shares()
    assert right["direct_edge"] == pytest.approx(0.947, abs=0.015)
    assert wrong["direct_edge"] == pytest.approx(0.754, abs=0.025)
    assert right["both_grounded"] == pytest.approx(0.9755, abs=0.025)
    assert found.direct_edge_accuracy == pytest.approx(0.246, abs=0.015)
    text = measure_coverage(examples[:500], conceptnet, linker).right.shares()
    shuffled = [replace(one, question=examples[-at].question) for at, one in enumerate(examples[:500], 1)]
    other = measure_coverage(shuffled, conceptnet, linker).right.shares()
    assert other["direct_edge"] < text["direct_edge"] - 0.2
