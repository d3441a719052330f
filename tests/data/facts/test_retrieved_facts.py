import dataclasses
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kglm.data.facts import CorpusOptions, FactOptions
from kglm.data.facts.corpora import open_corpora
from kglm.data.facts.retrieved_facts import RetrievedFacts
from kglm.data.facts.words import content_words, is_near_duplicate
from kglm.data.grounding import ground
from kglm.data.multiple_choice import MultipleChoiceExample

STEMS = (
    "Where do dogs sleep at night?",
    "where do dogs sleep, at night",  # the same but for case and marks
    "Where does a dog sleep in the night?",  # near to it
    "Where do cats sleep at noon?",
    "What do you eat soup with?",
    "What cuts bread in the kitchen?",
    "What sweeps the floor of the kitchen?",
)
ANSWERS = ("kennel", "sofa", "spoon", "knife", "broom")


def find(corpora, examples, linker, overlap=0.8):
    pairs = ground(examples, linker)
    return RetrievedFacts(corpora, linker.graph, overlap).find(examples, pairs)


def example(stem, choices, label=0, name="q"):
    return MultipleChoiceExample(name, stem, tuple(choices), tuple("ABCDEFGHIJ"[: len(choices)]), label)


questions = st.lists(
    st.builds(example, st.sampled_from(STEMS), st.just(ANSWERS), st.integers(0, len(ANSWERS) - 1)),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize("mention", ["any", "choice"])
@settings(max_examples=15)
@given(data=st.data())
def test_no_question_is_answered_by_itself_or_a_copy_whatever_the_order(
    data, graph, linker, mention, tmp_path_factory
):
    train = data.draw(questions)
    shuffled = data.draw(st.permutations(train))
    options = CorpusOptions(kind="questions", mention=mention, candidates=50)
    facts = FactOptions(source="retrieved", corpora={"questions": options})
    folder = tmp_path_factory.mktemp("corpora")
    found = find(open_corpora(facts, graph, train, folder), train, linker)
    again = find(open_corpora(facts, graph, shuffled, folder / "other"), train, linker)
    assert found == again
    told = {f"{one.question} {one.choices[one.label]}": one.question for one in train}
    rows = [(one, choice) for one in train for choice in one.choices]
    assert len(rows) == len(found)
    for (one, choice), some in zip(rows, found, strict=True):
        for fact in some:
            assert content_words(told[fact.text]) != content_words(one.question)
            assert not is_near_duplicate(one.question, told[fact.text], 0.8)
            assert mention == "any" or choice in fact.text
        # What may be found is found: BM25 finds all texts that share a word, and 50 are more than there are.
        for text, stem in told.items():
            shares = set(content_words(f"{one.question} {choice}")) & set(content_words(text))
            if shares and not is_near_duplicate(one.question, stem, 0.8) and (mention == "any" or choice in text):
                assert text in {fact.text for fact in some}


def test_the_answer_of_a_training_question_does_not_mark_the_choice(graph, linker, tmp_path):
    train = [example(STEMS[0], ANSWERS), example(STEMS[4], ANSWERS, label=2)]
    options = CorpusOptions(kind="questions", mention="both")
    corpora = open_corpora(FactOptions(source="retrieved", corpora={"q": options}), graph, train, tmp_path)
    assert find(corpora, train, linker) == [[]] * (2 * len(ANSWERS))
    # A new question of the same kind may read it, beside the right choice and only there.
    other = find(corpora, [example("With what would she eat hot soup on Monday evenings?", ANSWERS)], linker)
    assert [[fact.text for fact in some] for some in other] == [[], [], [f"{STEMS[4]} spoon"], [], []]


def test_worth_is_that_of_the_formula(graph, linker, tmp_path):
    lines = ["Kennels are where dogs sleep.", "Dogs eat.", "A kennel stands in the garden.", "Dogs like a kennel."]
    (tmp_path / "facts.txt").write_text("\n".join(lines))
    options = CorpusOptions(kind="file", path=str(tmp_path / "facts.txt"), weight=0.5)
    corpora = open_corpora(FactOptions(source="retrieved", corpora={"c": options}), graph, [], tmp_path / "cache")
    asked = example("Where do dogs sleep at night?", ["kennel", "table"])
    found = find(corpora, [asked], linker)
    result = corpora["c"].index.search([f"{asked.question} {choice}" for choice in asked.choices], 4)
    scores = {hit.text: hit.score for hit in result.hits(0)}
    best = max(hit.score for row in range(2) for hit in result.hits(row))
    held = {word: sum(word in content_words(line) for line in lines) for word in ("dog", "sleep", "night")}
    assert held == {"dog": 3, "sleep": 1, "night": 0}
    rarity = {word: math.log(1 + 4 / max(1, count)) for word, count in held.items()}

    def worth(text):
        of_question = sum(rarity[word] for word in content_words(text) & set(rarity)) / sum(rarity.values())
        return (scores[text] / best + of_question + 1) / 3

    expected = {text: 0.5 * worth(text) for text in (lines[0], lines[3])}  # the others do not speak of both
    assert {fact.text: fact.score for fact in found[0]} == pytest.approx(expected)
    assert [fact.text for fact in found[0]] == sorted(expected, key=expected.get, reverse=True)
    assert {fact.source for fact in found[0]} == {"c"}
    assert found[1] == []
    demanding = dataclasses.replace(options, min_worth=(worth(lines[0]) + worth(lines[3])) / 2)
    corpora = open_corpora(FactOptions(source="retrieved", corpora={"c": demanding}), graph, [], tmp_path / "cache")
    assert [fact.text for fact in find(corpora, [asked], linker)[0]] == [lines[0]]


@pytest.mark.parametrize(("mention", "lines"), [("both", [0]), ("choice", [0, 2]), ("any", [0, 1, 2])])
def test_what_a_text_must_speak_of(graph, linker, tmp_path, mention, lines):
    texts = ["Kennels are where dogs sleep.", "Dogs eat.", "A kennel stands in the garden.", "Nothing of the kind."]
    (tmp_path / "facts.txt").write_text("\n".join(texts))
    options = CorpusOptions(kind="file", path=str(tmp_path / "facts.txt"), mention=mention)
    corpora = open_corpora(FactOptions(source="retrieved", corpora={"c": options}), graph, [], tmp_path / "cache")
    found = find(corpora, [example("Where do dogs sleep at night?", ["kennel", "table"])], linker)
    assert {fact.text for fact in found[0]} == {texts[i] for i in lines}


def test_definitions_are_those_of_the_choice_or_of_its_concepts(graph, linker, tmp_path):
    options = CorpusOptions(kind="definitions", mode="key", mention="choice")
    corpora = open_corpora(FactOptions(source="retrieved", corpora={"d": options}), graph, [], tmp_path)
    asked = example("What breaks the hard ground?", ["a hand spade", "with many trowels", "nothing"])
    found = [[fact.text for fact in some] for some in find(corpora, [asked], linker)]
    assert found == [
        ["hand spade: a sturdy hand tool for the ground", "hand spade: a small hand tool"],
        ["trowel: a small hand tool"],
        [],
    ]


def test_a_question_alone_finds_what_it_finds_among_others(graph, linker, tmp_path):
    train = [example(stem, ANSWERS, label) for stem, label in zip(STEMS[2:], (0, 1, 2, 3, 4), strict=True)]
    options = CorpusOptions(kind="questions", mention="any")
    corpora = open_corpora(FactOptions(source="retrieved", corpora={"q": options}), graph, train, tmp_path)
    together = find(corpora, train, linker)
    alone = [some for one in train for some in find(corpora, [one], linker)]
    assert together == alone
    assert any(together)
