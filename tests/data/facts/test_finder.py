import pytest

from kglm.data.facts import CorpusOptions, Fact, FactOptions
from kglm.data.facts.corpora import open_corpora
from kglm.data.facts.finder import FactFinder
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.errors import BadQuestionError

QUESTION = MultipleChoiceExample.from_texts("What do I dig in the garden with?", ["trowel", "spade"])
LINES = ["Trowels dig holes in a garden.", "A spade is for digging.", "Trowels dig."]


@pytest.fixture
def finder(graph, linker, tokenizer, tmp_path):
    """A function that makes a finder, with a corpus where the source needs one."""
    (tmp_path / "facts.txt").write_text("\n".join(LINES))

    def make(**options):
        corpora = {}
        if options.get("source", "graph") != "graph":
            corpora = {"texts": CorpusOptions(kind="file", path=str(tmp_path / "facts.txt"), max_facts=2)}
        facts = FactOptions(**{"max_facts": 4, "max_tokens": 300, "corpora": corpora, **options})
        return FactFinder(facts, graph, linker, open_corpora(facts, graph, [], tmp_path / "cache"), tokenizer)

    return make


def told(found):
    return [[(fact.source, fact.text) for fact in facts] for facts in found]


def test_facts_of_the_graph_come_before_retrieved_ones_each_with_its_cap(finder):
    trowel, _ = told(finder(source="all").find([QUESTION]))
    direct = [("graph", "trowel is used for dig"), ("graph", "trowel is related to garden")]
    assert trowel[:2] == direct
    assert sorted(trowel[2:]) == [("texts", LINES[0]), ("texts", LINES[2])]
    capped, _ = told(finder(source="all", max_graph_facts=1).find([QUESTION]))
    assert capped == [direct[0], *trowel[2:]]
    retrieved, spade = told(finder(source="retrieved").find([QUESTION]))
    assert retrieved == trowel[2:]
    assert spade == [("texts", LINES[1])]


def test_the_question_concept_alone_where_it_is_asked_for(finder):
    given = MultipleChoiceExample(
        "1", QUESTION.question, QUESTION.choices, QUESTION.choice_labels, question_concept="garden"
    )
    trowel, spade = told(finder(question_concept=True).find([given]))
    assert trowel == [("graph", "trowel is related to garden")]
    assert spade == [("graph", "spade is related to garden")]
    with pytest.raises(BadQuestionError, match="has no question_concept"):
        finder(question_concept=True).find([QUESTION])


def test_the_control_keeps_the_number_of_facts_only(finder):
    found = finder(source="all").find([QUESTION])
    control = finder(source="all", control="random").find([QUESTION])
    assert [len(facts) for facts in control] == [len(facts) for facts in found]
    assert {fact.source for facts in control for fact in facts} == {"random"}
    assert control == finder(source="all", control="random").find([QUESTION])


def test_facts_are_kept_by_all_that_they_depend_on(finder, tmp_path, monkeypatch):
    one = finder(source="all")
    found = one.find([QUESTION], tmp_path / "kept")
    assert found == one.find([QUESTION])

    def refuse(*arguments):
        raise AssertionError("they were found again")

    monkeypatch.setattr(FactFinder, "_find", refuse)
    assert one.find([QUESTION], tmp_path / "kept") == found
    assert finder(source="all", dropout=0.5).find([QUESTION], tmp_path / "kept") == found
    for other in (finder(), finder(source="all", max_facts=1), finder(source="all", control="random")):
        with pytest.raises(AssertionError, match="again"):
            other.find([QUESTION], tmp_path / "kept")
    changed = MultipleChoiceExample.from_texts(QUESTION.question, QUESTION.choices[::-1])
    with pytest.raises(AssertionError, match="again"):
        one.find([changed], tmp_path / "kept")


def test_no_questions(finder, tmp_path):
    assert finder(source="all").find([], tmp_path / "kept") == []


def test_a_fact_knows_its_sentence():
    assert [Fact(text, 1.0).sentence for text in ("a", "a.", "a?")] == ["a.", "a.", "a?"]
