"""Tasks: named splits of multiple-choice questions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from kglm.data.multiple_choice import MultipleChoiceExample, read_examples
from kglm.errors import ConfigError, DataError, UnknownNameError, require_file

Examples: TypeAlias = list[MultipleChoiceExample]


class Task(ABC):
    """A data set with the splits ``train``, ``dev`` (for model selection) and ``test`` (reported once)."""

    SPLITS = ("train", "dev", "test")

    @abstractmethod
    def load(self) -> dict[str, Examples]:
        """Return the examples of each split.

        Raises:
            DataError: a file is missing or malformed, or a question stands in two splits.
        """

    def split(self, name: str) -> Examples:
        """Return the examples of one split.

        Raises:
            UnknownNameError: there is no such split.
        """
        if name not in self.SPLITS:
            raise UnknownNameError("split", name, self.SPLITS)
        return self.load()[name]


@dataclass(frozen=True, kw_only=True)
class JsonlTask(Task):
    """Any data set in the CommonsenseQA shape, one file a split."""

    name: str
    train: str
    dev: str
    test: str

    def load(self) -> dict[str, Examples]:
        """Read the three files."""
        splits = {split: read_examples(getattr(self, split)) for split in self.SPLITS}
        _refuse_overlap(splits)
        return splits


@dataclass(frozen=True, kw_only=True)
class CommonsenseQATask(Task):
    """CommonsenseQA 1.11 (Talmor et al., NAACL 2019) with the in-house split of the KagNet family.

    The 8,500 listed ids are for training, the other 1,241 questions are the in-house test set. Model selection
    uses the last ``dev_size`` listed ids, which are not trained on; never the test set.

    Attributes:
        questions: the official random-split training file.
        train_ids: the listed ids, one a line.
        dev_size: how many of the listed ids are set aside.
    """

    name: str
    questions: str
    train_ids: str
    dev_size: int = 500

    def __post_init__(self) -> None:
        if self.dev_size < 1:
            raise ConfigError(f"task dev_size is {self.dev_size}, expected at least 1")

    def load(self) -> dict[str, Examples]:
        """Read the questions and divide them by the listed ids."""
        examples = {example.id: example for example in read_examples(self.questions)}
        path = require_file(self.train_ids, "list of in-house training ids")
        ids = path.read_text(encoding="utf-8").split()
        for line, name in enumerate(ids, start=1):
            if name not in examples:
                raise DataError.at(path, line, f"question id '{name}' is not in '{Path(self.questions).name}'")
        if self.dev_size >= len(ids):
            raise ConfigError(f"task dev_size is {self.dev_size}, expected less than the {len(ids)} listed ids")
        listed = set(ids)
        return {
            "train": [examples[name] for name in ids[: -self.dev_size]],
            "dev": [examples[name] for name in ids[-self.dev_size :]],
            "test": [example for name, example in examples.items() if name not in listed],
        }


def _refuse_overlap(splits: dict[str, Examples]) -> None:
    """Raise where a question stands in two splits."""
    seen: dict[tuple[str, frozenset[str]], str] = {}
    for split, examples in splits.items():
        for question in {(example.question.strip().casefold(), frozenset(example.choices)) for example in examples}:
            if question in seen:
                raise DataError(f"the question '{question[0]}' stands in both {seen[question]} and {split}")
            seen[question] = split
