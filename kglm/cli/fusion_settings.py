"""How entity vectors enter an encoder, and which they are, as the configuration says."""

from __future__ import annotations

from dataclasses import dataclass

from kglm.data.entity_names import EntityNames, read_aliases
from kglm.errors import ConfigError, UnknownNameError
from kglm.kg.graph import KnowledgeGraph

SOURCES = ("none", "labels", "descriptions", "neighborhoods", "senses", "table")
FUSIONS = ("ernie",)


@dataclass(frozen=True, kw_only=True)
class AliasSettings:
    """Where the graph's names of entities stand beside the data set's; see :mod:`kglm.data.entity_names`."""

    file: str
    name: str
    entity: str


@dataclass(frozen=True, kw_only=True)
class EntitySettings:
    """Which vectors the entities have.

    Attributes:
        source: "none" (the plain encoder); what a frozen encoder makes of the entities' "labels", "descriptions" or
            "neighborhoods" (:mod:`kglm.embeddings.entity_texts`), or of WordNet's "senses"
            (:mod:`kglm.linking.training.sense_vectors`); "table".
        table: folder of an :class:`~kglm.embeddings.EntityTable` of the graph, for the source "table".
        text_encoder: name of the frozen encoder.
        aliases: what the data set calls the graph's entities; None if both use the same names.
        shuffled: deal the vectors out to the wrong entities: the control.
        shuffle_seed: of the permutation.
    """

    source: str
    table: str | None
    text_encoder: str
    aliases: AliasSettings | None
    shuffled: bool
    shuffle_seed: int

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise UnknownNameError("source of entity vectors", self.source, SOURCES)
        if (self.source == "table") != (self.table is not None):
            raise ConfigError(
                f"entities.source is '{self.source}' and entities.table is {self.table!r}; name a folder with the "
                "source 'table', and only with it"
            )

    def open_names(self, graph: KnowledgeGraph) -> EntityNames:
        """Return what finds a data set's entities in a graph."""
        if self.aliases is None:
            return EntityNames(graph)
        return EntityNames(graph, read_aliases(self.aliases.file, name=self.aliases.name, entity=self.aliases.entity))


@dataclass(frozen=True, kw_only=True)
class FusionSettings:
    """How entities enter the encoder; see :class:`~kglm.models.FusionEncoderConfig`.

    Attributes:
        name: the kind of fusion; there is one.
        checkpoint: folder of a pretrained fusion encoder to start from, instead of the plain encoder; then only the
            fields about the head are read, for the rest is the checkpoint's.
        scale: what entity vectors are multiplied by; "auto" brings their components to 1 on average (root mean
            square).
    """

    name: str
    layers: tuple[str, ...] | None
    dim: int | None
    scale: float | str
    num_heads: int
    alignment: str
    entity_bias: str
    cls_entity: str
    zero_init: bool
    head_dropout: float
    checkpoint: str | None

    def __post_init__(self) -> None:
        if self.name not in FUSIONS:
            raise UnknownNameError("fusion", self.name, FUSIONS)
        if isinstance(self.scale, str) and self.scale != "auto":
            raise ConfigError(f"fusion.scale is {self.scale!r}; allowed: 'auto' or a number above 0")
