"""Named splits of relation classification."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from kglm.data.entity_names import EntityNames, open_text
from kglm.data.relation_examples import MARKERS, RelationExample, mark_relation, read_relations, split_by_hash
from kglm.data.text_classification import ClassificationExample
from kglm.errors import ConfigError, DataError, UnknownNameError

SPLITS = ("train", "dev", "test")
FOLDS = 5


@dataclass(frozen=True, kw_only=True)
class RelationTask:
    """A data set of relation classification.

    Where a part has no file of its own, it is cut off from another by the hash of the sentence: ``test`` from
    ``dev`` where that has a file (half of it), else ``dev`` and ``test`` from ``train`` (a fifth each).

    Attributes:
        name: what the task is called.
        train: file of the training sentences, or several; see
            :func:`~kglm.data.relation_examples.read_relations`. Of a sentence that several hold the first counts.
        dev: file for model selection, or None.
        test: file for the report, or None.
        markers: how head and tail are marked, a key of :data:`~kglm.data.relation_examples.MARKERS`.
        negative: the relation that means "none", which micro-F1 leaves out; or None.
        linked_only: leave out sentences whose two entities the graph does not both have, from every part.
        relation_names: JSON object from relation to a list that begins with its name, such as FewRel's
            ``pid2name.json``; relations that are not in it keep their names. None keeps all.
        fold: 0 to 4; where ``dev`` and ``test`` are cut off from ``train``, the fifths that they are move on by it,
            so that over the five folds each sentence is tested once.
    """

    name: str
    train: str | tuple[str, ...]
    dev: str | None = None
    test: str | None = None
    markers: str = "symbols"
    negative: str | None = None
    linked_only: bool = False
    relation_names: str | None = None
    fold: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.fold, bool) or self.fold not in range(FOLDS):
            raise ConfigError(f"relations.fold is {self.fold!r}; allowed: a whole number from 0 to {FOLDS - 1}")
        if self.fold and self.dev is not None:
            raise ConfigError("relations.fold divides 'train', but the task has a file 'dev'; leave one of them out")
        if self.markers not in MARKERS:
            raise UnknownNameError("kind of markers", self.markers, MARKERS)
        if self.dev is None and self.test is not None:
            raise ConfigError("the relation task has a file 'test' but none 'dev'; name both, or leave both out")

    def load(self) -> dict[str, list[RelationExample]]:
        """Return the sentences of each part.

        Raises:
            DataError: a file is missing or malformed, or a part is empty or holds a sentence of another.
        """
        train = self._read(*([self.train] if isinstance(self.train, str) else self.train))
        if self.dev is None:
            parts = split_by_hash(train, {"train": 0.6, "dev": 0.2, "test": 0.2}, shift=self.fold / FOLDS)
        elif self.test is None:
            parts = {"train": train, **split_by_hash(self._read(self.dev), {"dev": 0.5, "test": 0.5})}
        else:
            parts = {"train": train, "dev": self._read(self.dev), "test": self._read(self.test)}
        parts["train"] = _without(parts["train"], parts["dev"] + parts["test"])
        _refuse_empty(parts)
        return parts

    def _read(self, *files: str) -> list[RelationExample]:
        names = {} if self.relation_names is None else _read_names(self.relation_names)
        found: dict[tuple[Any, ...], tuple[int, list[RelationExample]]] = {}
        for number, file in enumerate(files):
            for example in read_relations(file):
                renamed = replace(example, relation=names.get(example.relation, example.relation))
                # Only what another file holds is left out: within one, a sentence may stand under two relations.
                found.setdefault(_key(example), (number, []))
                if found[_key(example)][0] == number:
                    found[_key(example)][1].append(renamed)
        return [example for _, examples in found.values() for example in examples]

    def labels(self, parts: dict[str, list[RelationExample]]) -> list[str]:
        """Return the relations of all parts, sorted.

        Raises:
            UnknownNameError: the negative relation is none of them.
        """
        labels = sorted({example.relation for examples in parts.values() for example in examples})
        if self.negative is not None and self.negative not in labels:
            raise UnknownNameError("negative relation", self.negative, labels)
        return labels

    def examples(
        self, part: list[RelationExample], labels: list[str], names: EntityNames | None
    ) -> list[ClassificationExample]:
        """Return a part's sentences as marked and linked texts.

        Raises:
            ConfigError: only linked sentences are wanted, but no graph is given.
        """
        if self.linked_only and names is None:
            raise ConfigError("relations.linked_only is true, which needs a graph to tell what is linked")
        numbers = {label: number for number, label in enumerate(labels)}
        rows = []
        for example in part:
            linked = sum(names.find(name) is not None for name in example.entities) if names else 0
            if linked < 2 and self.linked_only:
                continue
            rows.append(
                ClassificationExample(
                    id=example.id,
                    text=mark_relation(example, self.markers, names),
                    label=numbers[example.relation],
                    slice=("no entity linked", "one entity linked", "both entities linked")[linked],
                )
            )
        return rows


def _without(examples: list[RelationExample], others: list[RelationExample]) -> list[RelationExample]:
    """Leave out sentences that stand among others: those are held out."""
    held_out = set(map(_key, others))
    return [example for example in examples if _key(example) not in held_out]


def _key(example: RelationExample) -> tuple[Any, ...]:
    """Return what makes two sentences one."""
    return example.text, example.head, example.tail


def _read_names(path: str) -> dict[str, str]:
    """Return what each relation is called.

    Raises:
        DataError: the file is missing, or not of this form.
    """
    try:
        with open_text(path, "list of relation names") as handle:
            values = json.load(handle)
    except ValueError as error:
        raise DataError(f"'{path}' is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise DataError(f"'{path}' holds {type(values).__name__}; expected an object from relation to its names")
    for relation, names in values.items():
        if not (isinstance(names, list) and names and isinstance(names[0], str)):
            raise DataError(
                f"'{path}': relation '{relation}' has {names!r}; expected a list that begins with its name"
            )
    return {relation: names[0] for relation, names in values.items()}


def _refuse_empty(parts: dict[str, list[RelationExample]]) -> None:
    for name, examples in parts.items():
        if not examples:
            raise DataError(f"the part '{name}' of the relation data has no sentence")
