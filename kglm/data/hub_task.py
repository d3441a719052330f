"""Multiple-choice data sets of the Hugging Face Hub, or in a local folder of the same layout."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.data.task import Examples, Task, check_selection, divide
from kglm.errors import BadQuestionError, ConfigError, DataError

QUESTION_FIELDS = ("question", "question_stem")


@dataclass(frozen=True, kw_only=True)
class HubTask(Task):
    """A data set as the Hub keeps CommonsenseQA (``tau/commonsense_qa``) and OpenBookQA (``allenai/openbookqa``).

    A row has ``id``, ``question`` or ``question_stem``, ``choices`` with the lists ``label`` and ``text``,
    ``answerKey`` (empty where it is held back), and perhaps ``question_concept``.

    Attributes:
        name: of the task.
        dataset: name on the Hub, or a folder with data files that the library ``datasets`` reads.
        subset: the configuration of the data set, where it has several.
        train: name of the split to train on.
        dev: split to select the model by; None where ``dev_size`` is given.
        test: split to report on; it must be labelled to be reported.
        dev_size: select the model by the last questions of ``train``, so many.
        revision: commit, branch or tag on the Hub; None takes the newest, which may change.
    """

    name: str
    dataset: str
    subset: str | None
    train: str
    dev: str | None
    test: str
    dev_size: int | None = None
    revision: str | None = None

    def __post_init__(self) -> None:
        check_selection(self.dev, self.dev_size)

    def load(self) -> dict[str, Examples]:
        """Fetch the splits, or take them from the library's cache.

        Raises:
            ConfigError: the library ``datasets`` is not installed.
            DataError: there is no such data set or split, or a row is malformed.
        """
        dev = None if self.dev is None else self._read(self.dev)
        return divide(self._read(self.train), dev, self.dev_size, self._read(self.test))

    def _read(self, split: str) -> Examples:
        if importlib.util.find_spec("datasets") is None:
            raise ConfigError(
                "a task of the Hub needs the library datasets; install it with `pip install kglm[datasets]`"
            )
        from datasets import load_dataset

        try:
            rows: Iterable[Mapping[str, Any]] = load_dataset(
                self.dataset, self.subset, split=split, revision=self.revision
            )
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise DataError(f"split '{split}' of data set '{self.dataset}' cannot be had: {reason}") from error
        return [self._example(row, split, number) for number, row in enumerate(rows)]

    def _example(self, row: Mapping[str, Any], split: str, number: int) -> MultipleChoiceExample:
        where = f"row {number} of split '{split}' of data set '{self.dataset}'"
        try:
            return example_of_row(row)
        except (KeyError, TypeError, ValueError) as error:
            expected = "id, question or question_stem, choices {label, text} and answerKey"
            raise DataError(f"{where} is no question ({error!r}); expected {expected}") from None
        except BadQuestionError as error:
            raise DataError(f"{where}: {error}") from None


def example_of_row(row: Mapping[str, Any]) -> MultipleChoiceExample:
    """Return the question of a row in the Hub's layout.

    Raises:
        KeyError, TypeError, ValueError: a field is missing or of another kind.
        BadQuestionError: the question is not one that can be asked.
    """
    labels = tuple(map(str, row["choices"]["label"]))
    texts = tuple(row["choices"]["text"])
    if len(labels) != len(texts):
        raise ValueError(f"{len(labels)} labels and {len(texts)} texts of choices")
    question = next((row[field] for field in QUESTION_FIELDS if row.get(field) is not None), None)
    if not all(isinstance(text, str) for text in (question, row["id"], *texts)):
        raise TypeError("id, question or choice is not text")
    key = row.get("answerKey")
    return MultipleChoiceExample(
        id=row["id"],
        question=str(question),
        choices=texts,
        choice_labels=labels,
        label=labels.index(key) if key else None,
        question_concept=row.get("question_concept"),
    )
