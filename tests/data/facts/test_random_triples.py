import pytest

from kglm.data.facts import Fact
from kglm.data.facts.random_triples import RandomTriples
from kglm.kg import Triple
from kglm.testing import tiny_tokenizer

WORDS = [f"w{i}" for i in range(30)]
QUESTIONS = [(f"question {i}?", choice) for i in range(10) for choice in ("one", "two")]


@pytest.fixture(scope="module")
def control(graph_of):
    graph = graph_of(
        *(Triple(WORDS[i], "RelatedTo", WORDS[i + 1]) for i in range(20)),
        *(Triple(f"{WORDS[i]} {WORDS[i + 2]}", "HasA", WORDS[i + 1]) for i in range(20)),
    )
    tokenizer = tiny_tokenizer([*WORDS, "is", "related", "to", "has"])

    def make(seed=0):
        return RandomTriples(graph, tokenizer, seed)

    return graph, tokenizer, make


def tokens(tokenizer, fact):
    return len(tokenizer(fact.sentence, add_special_tokens=False)["input_ids"])


@pytest.mark.parametrize("words", [4, 5, 9, 10, 14, 16])
def test_as_many_facts_as_long(control, words):
    """Triples here are of 4 or 5 words, with the full stop 5 or 6 tokens, and so are their sums."""
    graph, tokenizer, make = control
    facts = (Fact(" ".join(WORDS[:words]), 1.0), Fact(" ".join(WORDS[1:6]), 1.0, "corpus"))
    rows = [(*asked, facts) for asked in QUESTIONS] + [("none?", "one", ())]
    exchanged = make().exchange(rows)
    assert exchanged[-1] == ()
    for some in exchanged[:-1]:
        assert [fact.source for fact in some] == ["random", "random"]
        lengths = [tokens(tokenizer, fact) for fact in some]
        assert lengths == [tokens(tokenizer, fact) for fact in facts]
        clauses = {clause for fact in some for clause in fact.text.split("; ")}
        assert clauses <= {text.replace("_", " ") for text in all_clauses(graph)}


def all_clauses(graph):
    from kglm.retrieval import graph_documents

    return [document.text for document in graph_documents(graph, "triples")]


def test_the_choice_depends_on_seed_question_and_choice_alone(control):
    _, _, make = control
    facts = (Fact("w1 w2 w3 w4", 1.0),)
    rows = [(*asked, facts) for asked in QUESTIONS]
    first = make().exchange(rows)
    assert make().exchange(rows[::-1]) == first[::-1]
    assert [make().exchange([row])[0] for row in rows] == first
    assert make(1).exchange(rows) != first
    assert len(set(first)) > 5


def test_what_is_shorter_than_any_triple_becomes_the_shortest(control):
    _, tokenizer, make = control
    ((fact,),) = make().exchange([("q", "c", (Fact("w1", 1.0),))])
    assert tokens(tokenizer, fact) == 5


def test_a_length_that_no_triples_have_becomes_the_next_below(control):
    _, tokenizer, make = control
    ((fact,),) = make().exchange([("q", "c", (Fact(" ".join(WORDS[:18]), 1.0),))])
    assert tokens(tokenizer, fact) == 18  # of 19, which no sum of 5 and 6 is
