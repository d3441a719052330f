from kglm.data.grounding import ground
from kglm.data.multiple_choice import MultipleChoiceExample
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


def test_question_concept_is_not_used(graph_of):
    graph = graph_of(Triple("trowel", "UsedFor", "dig"))
    example = MultipleChoiceExample("1", "What?", ("trowel", "cake"), ("A", "B"), question_concept="dig")
    assert ground([example], LexicalLinker(graph))[0].question.size == 0
