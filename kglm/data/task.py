"""Tasks: named splits of multiple-choice questions."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from kglm.data.multiple_choice import MultipleChoiceExample, read_examples
from kglm.errors import ConfigError, DataError, UnknownNameError, require_file

logger = logging.getLogger(__name__)

Examples: TypeAlias = list[MultipleChoiceExample]


class Task(ABC):
    """A data set with the splits ``train``, ``dev`` (for model selection) and ``test`` (reported once)."""

    SPLITS = ("train", "dev", "test")

    @abstractmethod
    def load(self) -> dict[str, Examples]:
        """Return the examples of each split.

        Raises:
            DataError: a file is missing or malformed, or a question stands in both dev and test.
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
    """Any data set in the CommonsenseQA shape, one file a split.

    Attributes:
        name: of the task.
        train: file to train on.
        dev: file to select the model by; None where ``dev_size`` is given.
        test: file to report on.
        dev_size: select the model by the last questions of ``train``, so many, which are then not trained on.
    """

    name: str
    train: str
    dev: str | None
    test: str
    dev_size: int | None = None

    def __post_init__(self) -> None:
        check_selection(self.dev, self.dev_size)

    def load(self) -> dict[str, Examples]:
        """Read the files."""
        dev = None if self.dev is None else read_examples(self.dev)
        return divide(read_examples(self.train), dev, self.dev_size, read_examples(self.test))


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
        listed = set(ids)
        train, dev = set_aside([examples[name] for name in ids], self.dev_size)
        return {
            "train": train,
            "dev": dev,
            "test": [example for name, example in examples.items() if name not in listed],
        }


def check_selection(dev: str | None, dev_size: int | None) -> None:
    """Check that a task says, in one way, by which questions the model is selected.

    Raises:
        ConfigError: it says so in no way or in two, or the number is none.
    """
    if (dev is None) == (dev_size is None):
        given = f"dev {dev!r} and dev_size {dev_size!r}"
        raise ConfigError(f"task has {given}; give it questions for model selection by one of them, the other null")
    if dev_size is not None and dev_size < 1:
        raise ConfigError(f"task dev_size is {dev_size}, expected at least 1")


def set_aside(examples: Examples, size: int) -> tuple[Examples, Examples]:
    """Return the first examples, and the last ``size`` ones.

    Raises:
        ConfigError: nothing would be left to train on.
    """
    if size >= len(examples):
        raise ConfigError(f"task dev_size is {size}, expected less than the {len(examples)} training questions")
    return examples[:-size], examples[-size:]


def divide(train: Examples, dev: Examples | None, dev_size: int | None, test: Examples) -> dict[str, Examples]:
    """Return the splits, less the training questions that stand in another one too: they would tell its answers.

    Args:
        train: to train on.
        dev: to select the model by; None sets the last ``dev_size`` training questions aside.
        dev_size: None where ``dev`` is given.
        test: to report on.

    Raises:
        ConfigError: ``dev_size`` leaves nothing to train on.
        DataError: a question stands in both dev and test, or no training question is left.
    """
    kept = _without(train, test)
    set_apart = dev is None
    if dev is None:
        kept, dev = set_aside(kept, dev_size or 0)
    elif len(_without(dev, test)) < len(dev):
        (question, *_) = {_question(example) for example in dev} & {_question(example) for example in test}
        raise DataError(f"the question '{question[0]}' stands in both dev and test")
    kept = _without(kept, dev)
    if not kept:
        raise DataError("every training question stands in dev or test too; give it questions of its own")
    left_out = len(train) - len(kept) - (len(dev) if set_apart else 0)
    if left_out:
        logger.warning("training questions that stand in dev or test too are left out: %d", left_out)
    return {"train": kept, "dev": dev, "test": test}


def _without(examples: Examples, others: Examples) -> Examples:
    """Return the examples whose question is not among others."""
    known = {_question(example) for example in others}
    return [example for example in examples if _question(example) not in known]


def _question(example: MultipleChoiceExample) -> tuple[str, frozenset[str]]:
    """Return what makes two examples the same question."""
    return example.question.strip().casefold(), frozenset(example.choices)
