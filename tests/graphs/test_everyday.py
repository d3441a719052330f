"""The everyday graph and its questions keep the properties they were written for."""

from collections import Counter
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from kglm.data.grounding import ground
from kglm.data.task import JsonlTask
from kglm.kg import GraphRecipe
from kglm.kg.schema_graph import SchemaOptions, extract_schema_graphs
from kglm.kg.verbalization import TEMPLATES
from kglm.linking import LexicalLinker

EVERYDAY = Path(str(files("kglm.graphs"))) / "everyday"
SPLITS = {"train": 400, "dev": 80, "test": 120}
DIGGING = {
    "I dug the ground to plant flowers. What did I dig with?": "trowel",
    "I dug the ground to build a house. What did I dig with?": "excavator",
}


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    recipe = GraphRecipe(name="everyday", source=str(EVERYDAY), format="turtle", max_rejected=0)
    return recipe.compile(tmp_path_factory.mktemp("everyday") / "graph")


@pytest.fixture(scope="module")
def linker(graph):
    return LexicalLinker(graph)


@pytest.fixture(scope="module")
def splits():
    return JsonlTask(name="everyday_qa", **{name: str(EVERYDAY / "qa" / f"{name}.jsonl") for name in SPLITS}).load()


@pytest.fixture(scope="module")
def examples(splits):
    return [example for split in splits.values() for example in split]


@pytest.fixture(scope="module")
def pairs(examples, linker):
    return ground(examples, linker)


@pytest.fixture(scope="module")
def schemas(graph, pairs):
    return extract_schema_graphs(graph, pairs, SchemaOptions(max_hops=2, max_paths=1000))


def expected_accuracy(examples, scores):
    """Accuracy of choosing the choice with the highest score, ties broken at random, in expectation."""
    total, start = 0.0, 0
    for example in examples:
        mine = scores[start : start + len(example.choices)]
        best = [index for index, score in enumerate(mine) if score == max(mine)]
        total += (example.label in best) / len(best)
        start += len(example.choices)
    return total / len(examples)


def hop_counts(schemas, index):
    return [len(nodes) - 1 for nodes, _ in schemas.paths(index)]


def test_size(graph):
    assert graph.num_triples >= 2_000
    assert graph.num_entities >= 800
    assert graph.num_relations >= 25


def test_relations_are_conceptnets(graph):
    assert {name.lower() for name in graph.relations} <= set(TEMPLATES)


def test_every_concept_has_a_label_and_most_have_aliases(graph):
    ttl = "\n".join(path.read_text(encoding="utf-8") for path in EVERYDAY.glob("*.ttl"))
    assert ttl.count(" rdfs:label ") == graph.num_entities
    bearers = Counter(graph.surface_entities.tolist())
    assert sum(count > 1 for count in bearers.values()) > 0.5 * graph.num_entities


def test_a_surface_form_names_one_concept(graph):
    assert np.diff(graph.surface_indptr).max() == 1


def test_weights_differ(graph):
    assert len(set(np.unique(graph.outgoing.weights).tolist())) >= 3


def test_split_sizes(splits):
    assert all(len(splits[name]) >= least for name, least in SPLITS.items())


def test_questions_are_distinct_with_five_distinct_choices(examples):
    assert len({example.question.casefold() for example in examples}) == len(examples)
    assert all(len(set(example.choices)) == 5 for example in examples)


def test_no_choice_set_and_no_question_concept_stands_in_two_splits(splits):
    for kind in (lambda example: frozenset(example.choices), lambda example: example.question_concept):
        kinds = [{kind(example) for example in split} for split in splits.values()]
        assert not kinds[0] & kinds[1]
        assert not kinds[0] & kinds[2]
        assert not kinds[1] & kinds[2]


def test_each_choice_of_a_group_is_the_answer_equally_often(examples):
    groups = {}
    for example in examples:
        key = (example.question_concept, frozenset(example.choices))
        groups.setdefault(key, Counter())[example.choices[example.label]] += 1
    assert all(set(answers.values()) == {1} and len(answers) == 5 for answers in groups.values())


def test_answer_keys_are_balanced(splits):
    for split in splits.values():
        counts = Counter(example.label for example in split)
        assert max(counts.values()) - min(counts.values()) <= 1


def test_answer_length_tells_nothing(examples):
    lengths = [len(choice) for example in examples for choice in example.choices]
    assert expected_accuracy(examples, lengths) == pytest.approx(0.2, abs=0.03)
    assert expected_accuracy(examples, [-length for length in lengths]) == pytest.approx(0.2, abs=0.03)


def test_choices_stand_in_the_same_relation_to_the_question_concept(graph, examples):
    for example in examples:
        concept = graph.entity_id(example.question_concept.replace(" ", "_"))
        shared = set.intersection(
            *(
                set(graph.relations_between(concept, graph.entity_id(choice.replace(" ", "_"))))
                for choice in example.choices
            )
        )
        assert shared, f"{example.question} ({example.question_concept})"


def test_choosing_by_edge_is_chance(examples, schemas):
    edges = [hop_counts(schemas, index).count(1) for index in range(len(schemas))]
    assert expected_accuracy(examples, edges) == pytest.approx(0.2, abs=0.03)
    assert expected_accuracy(examples, [min(count, 1) for count in edges]) == pytest.approx(0.2, abs=0.03)


def test_questions_link_to_the_question_concept_and_another(graph, linker, examples):
    for example in examples:
        linked = linker.entities(example.question)
        assert graph.entity_id(example.question_concept.replace(" ", "_")) in linked, example.question
        assert len(linked) >= 2, example.question


def test_choices_link_to_themselves_and_are_not_in_the_question(graph, linker, examples):
    for example in examples:
        linked = set(linker.entities(example.question))
        for choice in example.choices:
            assert linker.entities(choice) == [graph.entity_id(choice.replace(" ", "_"))]
            assert linker.entities(choice)[0] not in linked, (example.question, choice)


def test_the_answer_is_reached_in_two_hops_beside_the_question_concept(graph, examples, schemas):
    for number, example in enumerate(examples):
        index = 5 * number + example.label
        concept = graph.entity_id(example.question_concept.replace(" ", "_"))
        nodes = schemas.nodes[schemas.node_offsets[index] : schemas.node_offsets[index + 1]]
        beside = [path for path, _ in schemas.paths(index) if len(path) == 3 and concept not in nodes[path]]
        assert beside, example.question


def test_counting_paths_leaves_room_for_reasoning(examples, schemas):
    counts = [len(hop_counts(schemas, index)) for index in range(len(schemas))]
    assert expected_accuracy(examples, counts) < 0.8


def test_the_digging_questions_have_the_same_choices_and_different_answers(splits):
    found = {example.question: example for example in splits["test"] if example.question in DIGGING}
    assert {question: example.choices[example.label] for question, example in found.items()} == DIGGING
    first, second = found.values()
    assert set(first.choices) == set(second.choices)


def test_the_readme_of_the_graph_states_its_size(graph, examples):
    text = (EVERYDAY / "README.md").read_text(encoding="utf-8")
    assert f"{graph.num_triples:,} triples" in text
    assert f"{graph.num_entities:,} concepts" in text
    assert f"{len(examples)} questions" in text


def test_triples_are_sorted_within_a_concept():
    for path in EVERYDAY.glob("*.ttl"):
        lines = path.read_text(encoding="utf-8").splitlines()
        subjects = [line.split(" ", 1)[0] for line in lines if line.startswith(":")]
        assert all(a.replace("_", " ") < b.replace("_", " ") for a, b in pairwise(subjects)), path.name
