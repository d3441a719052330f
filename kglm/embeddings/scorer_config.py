"""Which knowledge-graph embedding: the model, its size and its variant."""

from __future__ import annotations

from dataclasses import dataclass

from kglm.errors import ConfigError, UnknownNameError, did_you_mean

MODELS = ("transe", "distmult", "complex", "rotate")
DISTANCES = ("l2", "squared")
DISTANCE_MODELS = frozenset({"transe", "rotate"})
COMPLEX_MODELS = frozenset({"complex", "rotate"})


@dataclass(frozen=True, kw_only=True)
class ScorerConfig:
    """A model that scores triples, as it is told and as it is saved.

    Attributes:
        model: one of :data:`MODELS`.
        dim: numbers of an entity's vector, D; for ComplEx and RotatE these are D / 2 complex ones.
        reciprocal: each relation has a second vector for questions about heads (Lacroix et al., Canonical tensor
            decomposition for knowledge base completion, 2018); without, the relation is walked backwards.
        distance: of TransE and RotatE: ``l2``, or ``squared`` for its square.
        normalize: of TransE: entities have length 1, as in the paper and in PyG.
        init_std: standard deviation of the first vectors; None leaves what PyG begins with.

    Raises:
        ConfigError: a value is not allowed.
        UnknownNameError: there is no such model.
    """

    model: str
    dim: int = 200
    reciprocal: bool = False
    distance: str = "l2"
    normalize: bool = False
    init_std: float | None = None

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise UnknownNameError("embedding model", self.model, MODELS)
        if self.dim < 1 or (self.model in COMPLEX_MODELS and self.dim % 2):
            kind = "an even number of at least 2" if self.model in COMPLEX_MODELS else "a number of at least 1"
            raise ConfigError(f"dim of {self.model} is {self.dim}; allowed: {kind}")
        if self.distance not in DISTANCES:
            near = did_you_mean(self.distance, DISTANCES)
            raise ConfigError(f"distance is '{self.distance}'{near}; allowed: {', '.join(DISTANCES)}")
        if self.normalize and self.model != "transe":
            raise ConfigError(f"normalize is true; allowed with transe only, and the model is {self.model}")
        if self.init_std is not None and self.init_std <= 0:
            raise ConfigError(f"init_std is {self.init_std}; allowed: null, or a number above 0")

    @property
    def hidden_channels(self) -> int:
        """PyG's name for the length of a vector, in its own count: complex numbers for ComplEx and RotatE."""
        return self.dim // 2 if self.model in COMPLEX_MODELS else self.dim
