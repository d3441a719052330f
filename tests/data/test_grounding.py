import pytest

from kglm.data.grounding import ground
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.errors import BadQuestionError
from kglm.kg import Label, Triple
from kglm.linking import LexicalLinker


def test_concepts_of_each_pair_without_those_the_choice_names(graph_of):
    graph = graph_of(
        Triple("trowel", "UsedFor", "dig"),
        Triple("trowel", "AtLocation", "garden"),
        Label("garden", "gardens"),
    )
    question = "Where in the gardens do I dig?"
    example = MultipleChoiceExample.from_texts(question, ["with a trowel", "the garden", "nowhere"])
    pairs = ground([example], LexicalLinker(graph))
    named = [[[graph.entities[i] for i in side] for side in pair] for pair in pairs]
    assert named == [[["garden", "dig"], ["trowel"]], [["dig"], ["garden"]], [["garden", "dig"], []]]


def test_question_concept_is_used_on_request_only(graph_of):
    graph = graph_of(Triple("trowel", "UsedFor", "dig"), Triple("trowel", "AtLocation", "garden"))
    example = MultipleChoiceExample(
        "1", "What is in the garden?", ("trowel", "to dig"), ("A", "B"), question_concept="digging"
    )
    linker = LexicalLinker(graph)

    def asked(**options):
        return [[graph.entities[i] for i in pair.question] for pair in ground([example], linker, **options)]

    assert asked() == [["garden"], ["garden"]]
    assert asked(question_concept=True) == [["dig"], []]


@pytest.mark.parametrize("concept", [None, ""])
def test_a_question_without_the_concept_that_is_asked_for_is_named(graph_of, concept):
    graph = graph_of(Triple("trowel", "UsedFor", "dig"))
    example = MultipleChoiceExample("q7", "What?", ("trowel", "cake"), ("A", "B"), question_concept=concept)
    with pytest.raises(BadQuestionError, match="question 'q7' has no question_concept"):
        ground([example], LexicalLinker(graph), question_concept=True)
