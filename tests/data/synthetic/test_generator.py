import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.data.multiple_choice import read_examples, write_examples
from kglm.data.synthetic.filtering import CosineFilter, around
from kglm.data.synthetic.generator import CHUNK_ENCODED, QuestionCounts, QuestionGenerator
from kglm.data.synthetic.labels import label_facts
from kglm.data.synthetic.options import QuestionOptions
from kglm.data.synthetic.templates import QuestionTemplates
from kglm.encoders import TextEncoder
from kglm.errors import ConfigError, UnknownNameError
from kglm.kg import Label, Triple
from kglm.retrieval.words import words_of

TOOLS = "trowel shovel knife spoon broom needle hammer saw pen brush kettle ladder rake axe drill mop".split()
PLACES = "garden shed kitchen table closet box workshop barn desk studio stove garage lawn forest cellar hall".split()
DEEDS = "dig cut eat sweep sew nail write paint boil climb rake fell bore wipe plant carve".split()


def records():
    for i, tool in enumerate(TOOLS):
        yield Triple(tool, "AtLocation", PLACES[i], 1.0 + i)
        yield Triple(tool, "AtLocation", PLACES[(i + 3) % 16], 1.0)
        yield Triple(tool, "UsedFor", DEEDS[i], 2.0)
        yield Triple(tool, "UsedFor", DEEDS[(i + 5) % 16], 0.5)
        yield Triple(tool, "isMadeBy", "smith", 1.0)
    yield Triple("garden", "PartOf", "house")
    yield Triple("saw", "RelatedTo", "saw")
    yield Triple("knife", "AtLocation", "a_very_long_name_of_a_place")
    yield Triple("big_knife", "AtLocation", "forest")
    yield Label("a_very_long_name_of_a_place", "a very long name of a place")
    yield Label("big_knife", "big knife")


@pytest.fixture(scope="module")
def graph(graph_of):
    return graph_of(*records(), name="tools")


@pytest.fixture(scope="module")
def encoder(tiny_encoder):
    return TextEncoder.load(str(tiny_encoder), max_length=32)


def linked(graph):
    return {frozenset((triple.head, triple.tail)) for triple in graph.triples()}


def names_of(graph):
    return {graph.labels[i]: graph.entities[i] for i in range(graph.num_entities)}


@pytest.mark.parametrize("filtered", [False, True])
@pytest.mark.parametrize("choices", [2, 5, 10])
def test_only_the_answer_is_true_in_the_graph(graph, encoder, choices, filtered):
    options = QuestionOptions(choices=choices, pool=max(12, choices), max_repeats=5)
    generator = QuestionGenerator(graph, options, adversary=CosineFilter(graph, encoder) if filtered else None)
    made = list(generator.questions())
    assert len(made) > 20
    links, names = linked(graph), names_of(graph)
    by_relation = {}
    for triple in graph.triples():
        by_relation.setdefault(triple.relation, {"head": set(), "tail": set()})
        by_relation[triple.relation]["head"].add(triple.head)
        by_relation[triple.relation]["tail"].add(triple.tail)
    triples = list(graph.triples())
    for example in made:
        _, position, asked = example.id.split("-")
        triple = triples[int(position)]
        known, answer = (triple.head, triple.tail) if asked == "tail" else (triple.tail, triple.head)
        offered = [names[choice] for choice in example.choices]
        assert names[example.question_concept] == known
        assert offered[example.label] == answer
        assert len(set(offered)) == choices
        for place, other in enumerate(offered):
            if place == example.label:
                continue
            assert frozenset((known, other)) not in links
            assert frozenset((answer, other)) not in links
            assert other in by_relation[triple.relation][asked]
            words = set(words_of(graph.labels[graph.entity_id(other)]))
            for end in (known, answer):
                assert not words & set(words_of(graph.labels[graph.entity_id(end)]))


def test_the_same_options_make_the_same_questions_and_a_limit_the_first_of_them(graph, encoder):
    for adversary in (None, CosineFilter(graph, encoder)):
        generator = QuestionGenerator(graph, QuestionOptions(choices=3, pool=6), adversary=adversary)
        all_of_them = list(generator.questions())
        again = QuestionGenerator(graph, QuestionOptions(choices=3, pool=6), adversary=adversary)
        assert list(again.questions()) == all_of_them
        assert list(again.questions(limit=7)) == all_of_them[:7]
        other = QuestionGenerator(graph, QuestionOptions(choices=3, pool=6, seed=1), adversary=adversary)
        assert [example.id for example in other.questions()] != [example.id for example in all_of_them]
    assert CHUNK_ENCODED > 1


def test_the_splits_share_no_entity_in_question_and_are_all(graph):
    generator = QuestionGenerator(graph, QuestionOptions(choices=3, held_out=0.6))
    splits = {name: list(generator.questions(name)) for name in ("train", "dev", "test")}
    concepts = {name: {example.question_concept for example in made} for name, made in splits.items()}
    assert all(concepts.values())
    assert not concepts["train"] & concepts["dev"]
    assert not concepts["train"] & concepts["test"]
    assert not concepts["dev"] & concepts["test"]
    ids = [example.id for made in splits.values() for example in made]
    assert sorted(ids) == sorted(example.id for example in generator.questions())


def test_which_triples_are_asked(graph):
    def made(**options):
        return list(QuestionGenerator(graph, QuestionOptions(choices=3, **options)).questions())

    triples = list(graph.triples())

    def asked(examples):
        return [(triples[int(example.id.split("-")[1])], example.id.split("-")[2]) for example in examples]

    assert {triple.relation for triple, _ in asked(made(relations=("UsedFor",)))} == {"UsedFor"}
    assert "UsedFor" not in {triple.relation for triple, _ in asked(made(without=("UsedFor",)))}
    assert {end for _, end in asked(made(asked=("head",)))} == {"head"}
    assert {end for _, end in asked(made())} == {"head", "tail"}
    assert min(triple.weight for triple, _ in asked(made(min_weight=2.0))) == 2.0
    assert all(len(choice.split()) == 1 for example in made(max_words=1) for choice in example.choices)
    assert any("big knife" in example.choices for example in made(max_repeats=9))
    assert "saw" not in {triple.tail for triple, _ in asked(made())}  # no self-loop
    repeats = Counter(
        (e.question_concept, t.relation, end) for e, (t, end) in zip(made(), asked(made()), strict=True)
    )
    assert max(repeats.values()) == 2
    counts = QuestionCounts()
    list(QuestionGenerator(graph, QuestionOptions(choices=3)).questions(counts=counts))
    assert counts.total == sum(counts.made.values()) == len(made())
    assert counts.too_few > 0  # nothing else was made by anyone
    assert counts.cosine_accuracy is None


def test_balance_draws_relations_alike(graph_of):
    rows = [Triple(f"a{i}", "Many", f"b{i}") for i in range(900)] + [
        Triple(f"c{i}", "Few", f"d{i}") for i in range(90)
    ]
    graph = graph_of(*rows, name="two")

    def share(balance):
        counts = QuestionCounts()
        generator = QuestionGenerator(graph, QuestionOptions(choices=2, balance=balance))
        list(generator.questions(limit=100, counts=counts))
        return counts.made["Few"] / 100

    assert share(0.0) == pytest.approx(0.5, abs=0.15)
    assert share(1.0) == pytest.approx(0.09, abs=0.08)


def test_the_encoders_cosine_does_not_tell_the_answer(graph_of, encoder):
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefghij"), 5)) for _ in range(400)]
    rows = [Triple(word, "Likes", word[::-1] + "x") for word in words]
    graph = graph_of(*rows, name="mirrors")
    options = QuestionOptions(choices=4, pool=24)

    def accuracy(adversary, counts):
        made = list(QuestionGenerator(graph, options, adversary=adversary).questions(counts=counts))
        right = 0
        for example in made:
            question, *choices = encoder.encode([example.question, *example.choices])
            right += int(np.argmax(choices @ question)) == example.label
        return made, right / len(made)

    counts = QuestionCounts()
    made, filtered = accuracy(CosineFilter(graph, encoder), counts)
    assert counts.cosine_accuracy == pytest.approx(filtered, abs=0.02)  # vectors are kept in half precision
    assert filtered == pytest.approx(0.25, abs=0.03)
    assert accuracy(None, QuestionCounts())[1] > 0.4
    places = Counter(example.label for example in made)
    assert min(places.values()) > len(made) / 6


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=9), st.floats(-1, 1), st.integers(0, 3))
def test_distractors_stand_around_the_answer(scores, answer, above):
    over = sorted(score for score in scores if score > answer)
    under = sorted((score for score in scores if score <= answer), reverse=True)
    above = min(max(above, 3 - len(under)), len(over))
    chosen = around(np.array(scores), answer, above, 3)
    assert len(set(chosen.tolist())) == 3
    assert sorted(scores[i] for i in chosen) == sorted(over[:above] + under[: 3 - above])


def test_what_is_known_of_labels():
    facts = label_facts(["Digging a hole", "digging  A HOLE", "the", "", "holes"])
    assert facts.text.tolist()[0] == facts.text.tolist()[1]
    assert facts.hash[0] == facts.hash[1] != facts.hash[4]
    assert facts.words.tolist() == [3, 3, 1, 0, 1]
    words = [set(facts.keywords[a:b]) for a, b in zip(facts.keyword_offsets, facts.keyword_offsets[1:], strict=False)]
    assert words[0] == words[1]
    assert words[4] < words[0]  # "hole"
    assert words[2]  # a stop word is better than nothing
    assert not words[3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"choices": 11}, "choices is 11; allowed: 2 to 10"),
        ({"choices": 1}, "choices is 1; allowed: 2 to 10"),
        ({"pool": 3}, "pool is 3, expected at least 4"),
        ({"asked": ()}, "asked is empty"),
        ({"asked": ("middle",)}, "unknown end of a triple 'middle'"),
        ({"balance": 1.5}, "balance is 1.5; allowed: 0 to 1"),
        ({"held_out": -0.1}, "held_out is -0.1; allowed: 0 to 0.9"),
        ({"max_words": 0}, "max_words is 0, expected at least 1"),
        ({"min_weight": -1.0}, "min_weight is -1.0"),
    ],
)
def test_options_that_are_not_allowed(options, message):
    with pytest.raises((ConfigError, UnknownNameError), match=message):
        QuestionOptions(**options)


def test_relations_that_are_not_there(graph):
    with pytest.raises(UnknownNameError, match="unknown relation 'UsedFr'; did you mean 'UsedFor'"):
        list(QuestionGenerator(graph, QuestionOptions(relations=("UsedFr",))).questions())
    with pytest.raises(ConfigError, match="leave no relation"):
        list(QuestionGenerator(graph, QuestionOptions(relations=("UsedFor",), without=("UsedFor",))).questions())


def test_questions_are_read_as_they_were_written(graph, tmp_path):
    made = list(QuestionGenerator(graph, QuestionOptions(choices=3)).questions())
    write_examples(tmp_path / "q.jsonl", made)
    assert read_examples(tmp_path / "q.jsonl") == made
    row = json.loads((tmp_path / "q.jsonl").read_text().splitlines()[0])
    assert set(row) == {"id", "question", "answerKey"}


def test_templates_are_used_by_the_generator(graph):
    templates = QuestionTemplates({("usedfor", "tail"): ("Why {head}?",)})
    options = QuestionOptions(choices=3, relations=("UsedFor",), asked=("tail",))
    for example in QuestionGenerator(graph, options, templates).questions():
        assert example.question == f"Why {example.question_concept}?"
