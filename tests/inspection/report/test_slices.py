import pytest

from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.inspection.report.slices import slice_questions
from kglm.kg.records import Triple


@pytest.fixture
def graph(graph_of):
    return graph_of(
        Triple("trowel", "UsedFor", "dig"),
        Triple("dig", "RelatedTo", "trowel"),
        Triple("spade", "IsA", "tool"),
        Triple("tool", "UsedFor", "dig"),
        Triple("pillow", "AtLocation", "bed"),
    )


def question(name, text, choices, label=0):
    return MultipleChoiceExample(name, text, tuple(choices), ("A", "B"), label)


def test_questions_are_told_apart_by_how_the_answer_is_joined(graph):
    examples = [
        question("direct", "what do I dig with?", ["trowel", "pillow"]),
        question("two", "what do I dig with?", ["trowel", "spade"], label=1),
        question("far", "what do I dig with?", ["bed", "trowel"]),
        question("same", "dig", ["dig", "trowel"]),
        question("unlabelled", "dig", ["trowel", "bed"], label=None),
    ]
    found = {(one.group, one.name): set(one.ids) for one in slice_questions(examples, graph)}
    assert found == {
        ("direct edge", "gold choice linked"): {"direct"},
        ("direct edge", "gold choice not linked"): {"two", "far", "same"},
        ("hops", "1 hop"): {"direct"},
        ("hops", "2 hops"): {"two"},
        ("hops", "none within 3 hops"): {"far", "same"},
        ("relation", "RelatedTo"): {"direct"},
        ("relation", "UsedFor"): {"direct"},
    }


def test_no_labelled_question_no_slice(graph):
    assert slice_questions([question("u", "dig", ["trowel", "bed"], label=None)], graph) == []
