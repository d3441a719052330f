from pathlib import Path

import pytest

from kglm.data.synthetic.templates import QuestionTemplates
from kglm.errors import DataError

SHIPPED = Path(__file__).parents[3] / "graphs" / "conceptnet" / "questions.tsv"


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_gives_several_forms(tmp_path):
    path = write(
        tmp_path / "t.tsv",
        "relation\tasked\tquestion\n# a comment\n\nUsedFor\ttail\tWhy {head}?\nusedFor\ttail\tFor what {head}?\n"
        "UsedFor\thead\tWhat to {tail}?\n",
    )
    templates = QuestionTemplates.read(path)
    assert templates.ask("UsedFor", "tail", "a {tail} pan", 0) == "Why a {tail} pan?"
    assert templates.ask("USEDFOR", "tail", "pan", 3) == "For what pan?"
    assert templates.ask("usedFor", "head", "cook") == "What to cook?"
    assert templates.digest != QuestionTemplates().digest


@pytest.mark.parametrize(
    ("relation", "asked", "question"),
    [
        ("UsedFor", "tail", "Trowel is used for what?"),
        ("UsedFor", "head", "What is used for trowel?"),
        ("ns:bornIn", "tail", "Trowel born in what?"),
        ("odd{}", "head", "What odd{} trowel?"),
    ],
)
def test_a_relation_without_a_form_is_asked_by_its_clause(relation, asked, question):
    assert QuestionTemplates().ask(relation, asked, "trowel") == question


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("UsedFor\ttail", "t.tsv:1: 2 columns, expected relation, asked, question"),
        ("UsedFor\tend\tWhy {head}?", "asked is 'end', expected tail or head"),
        ("UsedFor\ttail\tWhy {tail}?", "it needs {head}, not {tail}"),
        ("UsedFor\thead\tWhy {head} {tail}?", "it needs {tail}, not {head}"),
        ("\ttail\tWhy {head}?", "the relation is empty"),
        ("relation\tasked\tquestion", "holds no template"),
    ],
)
def test_a_malformed_table_is_refused_with_its_place(tmp_path, line, message):
    with pytest.raises(DataError) as raised:
        QuestionTemplates.read(write(tmp_path / "t.tsv", line + "\n"))
    assert message in str(raised.value)


def test_the_shipped_table_asks_every_relation_that_is_verbalized():
    from kglm.kg.verbalization import TEMPLATES

    templates = QuestionTemplates.read(SHIPPED)
    for relation in TEMPLATES:
        for asked in ("tail", "head"):
            assert (relation, asked) in templates.forms
