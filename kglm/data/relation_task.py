"""Named splits of relation classification."""

from __future__ import annotations

from dataclasses import dataclass

from kglm.data.entity_names import EntityNames
from kglm.data.relation_examples import MARKERS, RelationExample, mark_relation, read_relations, split_by_hash
from kglm.data.text_classification import ClassificationExample
from kglm.errors import ConfigError, DataError, UnknownNameError

SPLITS = ("train", "dev", "test")


@dataclass(frozen=True, kw_only=True)
class RelationTask:
    """A data set of relation classification.

    Where a part has no file of its own, it is cut off from another by the hash of the sentence: ``test`` from
    ``dev`` where that has a file (half of it), else ``dev`` and ``test`` from ``train`` (a fifth each).

    Attributes:
        name: what the task is called.
        train: file of the training sentences; see :func:`~kglm.data.relation_examples.read_relations`.
        dev: file for model selection, or None.
        test: file for the report, or None.
        markers: how head and tail are marked, a key of :data:`~kglm.data.relation_examples.MARKERS`.
        negative: the relation that means "none", which micro-F1 leaves out; or None.
        linked_only: leave out sentences whose two entities the graph does not both have, from every part.
    """

    name: str
    train: str
    dev: str | None = None
    test: str | None = None
    markers: str = "symbols"
    negative: str | None = None
    linked_only: bool = False

    def __post_init__(self) -> None:
        if self.markers not in MARKERS:
            raise UnknownNameError("kind of markers", self.markers, MARKERS)
        if self.dev is None and self.test is not None:
            raise ConfigError("the relation task has a file 'test' but none 'dev'; name both, or leave both out")

    def load(self) -> dict[str, list[RelationExample]]:
        """Return the sentences of each part.

        Raises:
            DataError: a file is missing or malformed, or a part is empty or holds a sentence of another.
        """
        train = read_relations(self.train)
        if self.dev is None:
            parts = split_by_hash(train, {"train": 0.6, "dev": 0.2, "test": 0.2})
        elif self.test is None:
            parts = {"train": train, **split_by_hash(read_relations(self.dev), {"dev": 0.5, "test": 0.5})}
        else:
            parts = {"train": train, "dev": read_relations(self.dev), "test": read_relations(self.test)}
        parts["train"] = _without(parts["train"], parts["dev"] + parts["test"])
        _refuse_empty(parts)
        return parts

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
    held_out = {(example.text, example.head, example.tail) for example in others}
    return [example for example in examples if (example.text, example.head, example.tail) not in held_out]


def _refuse_empty(parts: dict[str, list[RelationExample]]) -> None:
    for name, examples in parts.items():
        if not examples:
            raise DataError(f"the part '{name}' of the relation data has no sentence")
