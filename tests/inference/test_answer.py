import json
from dataclasses import fields

import pytest

from kglm.inference import Answer, ChoiceScore, EvidenceNode, EvidencePath, LinkedMention


def path(choice, attention, name):
    return EvidencePath(
        choice=choice,
        entities=("dig", name),
        labels=("dig", name),
        relations=(("^UsedFor",),),
        attention=attention,
        line=f"dig ←UsedFor— {name}",
        text=f"{name} is used for dig",
    )


@pytest.fixture
def answer():
    return Answer(
        id="1",
        question="What do I dig with?",
        choices=(ChoiceScore("A", "pillow", -1.0, 0.2), ChoiceScore("B", "trowel", 0.4, 0.8)),
        predicted=1,
        mentions=(LinkedMention("question", 10, 13, "dig", "dig", 1.0),),
        paths=(path("B", 0.6, "trowel"), path("A", 0.5, "pillow"), path("B", 0.3, "tool"), path("B", 0.1, "shed")),
        nodes=(
            EvidenceNode("B", "garden", "garden", "question", 0.7, 0.25),
            EvidenceNode("A", "bed", "bed", "other", 0.5),
            EvidenceNode("B", "trowel", "trowel", "choice", 0.2, 0.5),
            EvidenceNode("B", "tool", "tool", "other", 0.1, -0.5),
        ),
        notes=("something to know.",),
    )


def test_evidence_is_the_predicted_choices_by_default(answer):
    assert [p.attention for p in answer.evidence()] == [0.6, 0.3, 0.1]
    assert [p.attention for p in answer.evidence(limit=2)] == [0.6, 0.3]
    assert [p.attention for p in answer.evidence("A")] == [0.5]
    assert answer.evidence("Z") == []


@pytest.mark.parametrize(
    ("limit", "kept", "nodes"),
    [
        (0, [], []),
        (1, [0.6, 0.5], [0.7, 0.5]),
        (2, [0.6, 0.5, 0.3], [0.7, 0.5, 0.2]),
        (9, [0.6, 0.5, 0.3, 0.1], [0.7, 0.5, 0.2, 0.1]),
    ],
)
def test_with_paths_keeps_the_most_attended_of_each_choice(answer, limit, kept, nodes):
    assert [p.attention for p in answer.with_paths(limit).paths] == kept
    assert [n.attention for n in answer.with_paths(limit).nodes] == [n for n in (0.7, 0.5, 0.2, 0.1) if n in nodes]


def test_with_paths_changes_nothing_else(answer):
    assert answer.with_paths(99) == answer


def test_json_holds_every_field(answer):
    told = json.loads(json.dumps(answer.to_dict()))
    assert told.keys() == {"answer", "answer_label", *(field.name for field in fields(Answer))}
    assert (told["answer"], told["answer_label"]) == ("trowel", "B")
    for key, kind in (
        ("choices", ChoiceScore),
        ("mentions", LinkedMention),
        ("paths", EvidencePath),
        ("nodes", EvidenceNode),
    ):
        for row in told[key]:
            assert row.keys() == {field.name for field in fields(kind)}
    assert told["paths"][0]["relations"] == [["^UsedFor"]]


def test_format_shows_choices_evidence_and_notes(answer):
    lines = answer.format(max_paths=2).splitlines()
    assert lines[0] == "What do I dig with?"
    assert lines[2].startswith("   A  pillow   20.0%")
    assert lines[3].startswith(" → B  trowel   80.0%  ████████████████")
    assert lines[5] == "Evidence for 'trowel' (share of attention):"
    assert lines[6:8] == ["   60.0%  dig ←UsedFor— trowel", "   30.0%  dig ←UsedFor— tool"]
    assert lines[9] == "Concepts looked at for 'trowel' (share of attention):"
    assert lines[10:12] == [
        "   70.0%  garden (in the question), relevance 0.25",
        "   20.0%  trowel (in the answer), relevance 0.50",
    ]
    assert lines[-1] == "Note: something to know."
    assert "shed" not in answer.format(max_paths=2)
    assert "shed" in str(answer)


def test_format_without_paths_shows_no_evidence(answer):
    assert "Evidence" not in answer.with_paths(0).format()
