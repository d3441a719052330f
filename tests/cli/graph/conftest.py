import json

import pytest

from kglm.kg import Label, Triple

TRIPLES = (
    Triple("trowel", "UsedFor", "dig", 2.0),
    Triple("trowel", "UsedFor", "plant_flowers", 1.0),
    Triple("trowel", "AtLocation", "shed", 1.0),
    Triple("shovel", "UsedFor", "dig", 4.0),
    Triple("shovel", "AtLocation", "shed", 1.0),
    Triple("shed", "AtLocation", "garden", 1.0),
    Triple("flower", "AtLocation", "garden", 0.5),
    Triple("plant_flowers", "HasPrerequisite", "flower", 1.0),
    Triple("moon", "HasA", "crater", 1.0),
    Triple("spade", "SimilarTo", "shovel", 1.0),
)
LABELS = (Label("trowel", "hand trowel"), Label("shovel", "digger"), Label("spade", "digger"))


@pytest.fixture(scope="session")
def tools(graph_of):
    """The folder of a small compiled graph with aliases, one of them of two entities."""
    return graph_of(*TRIPLES, *LABELS, name="tools").folder


@pytest.fixture(scope="session")
def triples_file(tmp_path_factory):
    """A table of the same triples."""
    path = tmp_path_factory.mktemp("source") / "tools.tsv"
    path.write_text("".join("\t".join(map(str, triple[:4])) + "\n" for triple in TRIPLES), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def questions_file(tmp_path_factory):
    """Two questions, one of whose answers is not connected."""
    path = tmp_path_factory.mktemp("questions") / "questions.jsonl"
    rows = [("1", "What do you dig with?", ["shovel", "crater"]), ("2", "What is in the shed?", ["moon", "spade"])]
    path.write_text("".join(json.dumps(question(*row)) + "\n" for row in rows), encoding="utf-8")
    return path


def question(name, stem, choices):
    listed = [{"label": "AB"[at], "text": text} for at, text in enumerate(choices)]
    return {"id": name, "answerKey": "A", "question": {"stem": stem, "choices": listed, "question_concept": "shed"}}
