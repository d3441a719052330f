"""Multiple-choice questions in the shape of CommonsenseQA's JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kglm.errors import BadQuestionError, DataError
from kglm.files import atomic_write_jsonl
from kglm.kg.readers.lines import read_lines
from kglm.kg.strings import is_unicode
from kglm.kg.tally import Tally

MIN_CHOICES = 2
MAX_CHOICES = 10
SHAPE = (
    '{"id": "...", "question": {"stem": "...", "choices": [{"label": "A", "text": "..."}, ...]}, "answerKey": "A"}'
)


@dataclass(frozen=True)
class MultipleChoiceExample:
    """A question and its choices.

    Attributes:
        id: name of the question, unique in its file.
        question: the text.
        choices: texts of the choices, 2 to 10.
        choice_labels: what the file calls each choice (``A`` to ``E``), all different.
        label: index of the right choice; None where it is not known.
        question_concept: the concept the question was made from, where the file gives one; read for facts that start
            from it (``facts.question_concept``), and by nothing else.
    """

    id: str
    question: str
    choices: tuple[str, ...]
    choice_labels: tuple[str, ...]
    label: int | None = None
    question_concept: str | None = None

    def __post_init__(self) -> None:
        if not self.question.strip():
            raise BadQuestionError("the question is empty")
        if not MIN_CHOICES <= len(self.choices) <= MAX_CHOICES:
            raise BadQuestionError(f"{len(self.choices)} choice(s), expected {MIN_CHOICES} to {MAX_CHOICES}")
        for text in (self.question, *self.choices):
            if not is_unicode(text):
                raise BadQuestionError(f"{text!a} is not valid Unicode text")
        if not all(choice.strip() for choice in self.choices):
            raise BadQuestionError(f"choice {[bool(c.strip()) for c in self.choices].index(False) + 1} is empty")
        if len(set(self.choice_labels)) < len(self.choices):
            raise BadQuestionError(
                f"the labels of the choices are {list(self.choice_labels)}; expected different ones"
            )

    @classmethod
    def from_texts(cls, question: str, choices: list[str] | tuple[str, ...]) -> MultipleChoiceExample:
        """Return a question of a user's own, its choices labelled A, B, C, ...

        Raises:
            BadQuestionError: the question or a choice is empty, a choice stands twice, or there are too few or too
                many choices.
        """
        folded = [choice.strip().casefold() for choice in choices]
        repeated = next((choice for choice in folded if folded.count(choice) > 1), None)
        if repeated:
            raise BadQuestionError(f"choice '{repeated}' stands twice")
        labels = tuple(chr(ord("A") + index) for index in range(len(choices)))
        return cls("question", question, tuple(choices), labels)


def read_examples(path: Path | str) -> list[MultipleChoiceExample]:
    """Read JSON lines, plain or ``.gz``.

    Raises:
        DataError: the file is missing or empty, or a line is malformed; says where and what was expected.
    """
    tally = Tally(limit=0)
    examples: dict[str, MultipleChoiceExample] = {}
    for line in read_lines(path, tally, "question file"):
        if not line.strip():
            continue
        example = _parse(line, Path(path), tally.line)
        if example.id in examples:
            raise DataError.at(path, tally.line, f"question id '{example.id}' stands twice")
        examples[example.id] = example
    if not examples:
        raise DataError(f"'{path}' holds no question; expected one a line: {SHAPE}")
    return list(examples.values())


def write_examples(path: Path | str, examples: Iterable[MultipleChoiceExample]) -> None:
    """Write questions as :func:`read_examples` reads them, one JSON line each, as they come; atomically."""
    atomic_write_jsonl(path, map(_row, examples))


def _row(example: MultipleChoiceExample) -> dict[str, Any]:
    listed = zip(example.choice_labels, example.choices, strict=True)
    question: dict[str, Any] = {
        "stem": example.question,
        "choices": [{"label": label, "text": text} for label, text in listed],
    }
    if example.question_concept is not None:
        question["question_concept"] = example.question_concept
    row: dict[str, Any] = {"id": example.id, "question": question}
    if example.label is not None:
        row["answerKey"] = example.choice_labels[example.label]
    return row


def _parse(line: str, path: Path, number: int) -> MultipleChoiceExample:
    try:
        row = json.loads(line)
        question = row["question"]
        choices = list(_choices(question["choices"]))
        labels = tuple(label for label, _ in choices)
        return MultipleChoiceExample(
            id=_text(row["id"]),
            question=_text(question["stem"]),
            choices=tuple(text for _, text in choices),
            choice_labels=labels,
            label=_label(row.get("answerKey"), labels),
            question_concept=question.get("question_concept"),
        )
    except json.JSONDecodeError as error:
        raise DataError.at(
            path, number, f"not JSON ({error.msg} at column {error.colno}); expected {SHAPE}"
        ) from None
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise DataError.at(path, number, f"not a question ({error!r}); expected {SHAPE}") from None
    except BadQuestionError as error:
        raise DataError.at(path, number, str(error)) from None


def _choices(rows: Any) -> Iterator[tuple[str, str]]:
    for row in rows:
        yield _text(row["label"]), _text(row["text"])


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text")
    return value


def _label(key: Any, labels: tuple[str, ...]) -> int | None:
    """Return the index of the right choice; None where the file does not tell it."""
    if key in (None, ""):
        return None
    if key not in labels:
        raise ValueError(f"answerKey {key!r} is none of {list(labels)}")
    return labels.index(key)
