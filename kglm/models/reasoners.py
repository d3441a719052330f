"""Reasoners by name, built from what a configuration says."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from kglm.errors import ConfigError, did_you_mean
from kglm.nn.gcn import GCN
from kglm.nn.greaselm import GreaseLM
from kglm.nn.interaction import InteractiveReasoner
from kglm.nn.kagnet import KagNet
from kglm.nn.mhgrn import MHGRN
from kglm.nn.qagnn import QAGNN
from kglm.nn.reasoner import Reasoner
from kglm.nn.relation_network import RelationNetwork
from kglm.nn.rgcn import RGCN

REASONERS: dict[str, type[Reasoner]] = {
    "gcn": GCN,
    "greaselm": GreaseLM,
    "kagnet": KagNet,
    "mhgrn": MHGRN,
    "qagnn": QAGNN,
    "relation_network": RelationNetwork,
    "rgcn": RGCN,
}

# What a description says of the graph; a reasoner takes of it what it needs.
_GRAPH_FIELDS = ("entity_dim", "num_relations")


def check_reasoner(spec: Mapping[str, Any]) -> None:
    """Check a description such as ``{"name": "kagnet", "entity_dim": 100, "num_relations": 17}``.

    Raises:
        ConfigError: the name or a field is unknown, a field is missing, or a value is not allowed.
    """
    if not isinstance(spec, Mapping):
        raise ConfigError(f"reasoner is {spec!r}; allowed: None, or a dict with 'name' and the reasoner's fields")
    name = spec.get("name")
    if name not in REASONERS:
        hint = did_you_mean(str(name), REASONERS)
        raise ConfigError(f"reasoner.name is {name!r}{hint} (allowed: {', '.join(REASONERS)})")
    parameters = dict(inspect.signature(REASONERS[name]).parameters)
    del parameters["statement_dim"]  # the encoder's
    for field, value in spec.items():
        if field == "name":
            continue
        if field not in parameters and field not in _GRAPH_FIELDS:
            hint = did_you_mean(field, parameters)
            raise ConfigError(f"{name} has no field '{field}'{hint} (allowed: {', '.join(parameters)})")
        _check_value(f"reasoner.{field}", value)
    missing = [key for key, p in parameters.items() if p.default is p.empty and key not in spec]
    if missing:
        raise ConfigError(f"reasoner '{name}' needs {', '.join(missing)}")


def is_interactive(name: str) -> bool:
    """Tell whether the reasoner of that name speaks with the encoder's layers."""
    return issubclass(REASONERS[name], InteractiveReasoner)


def build_reasoner(spec: Mapping[str, Any], statement_dim: int) -> Reasoner:
    """Return the reasoner that ``spec`` describes, freshly initialised.

    Raises:
        ConfigError: see :func:`check_reasoner`; or the values do not fit each other or ``statement_dim``.
    """
    check_reasoner(spec)
    cls = REASONERS[spec["name"]]
    fields = {field: value for field, value in spec.items() if field in inspect.signature(cls).parameters}
    try:
        return cls(statement_dim=statement_dim, **fields)
    except ValueError as error:
        raise ConfigError(f"reasoner '{spec['name']}': {error}") from error


def _check_value(field: str, value: object) -> None:
    if field.endswith("_dims"):
        if not isinstance(value, list | tuple) or not all(_is_positive_int(dim) for dim in value):
            raise ConfigError(f"{field} is {value!r}; allowed: a list of positive whole numbers")
    elif field.endswith("dropout"):
        check_dropout(field, value)
    elif field.endswith("_dim") or ".num_" in field:
        if not _is_positive_int(value):
            raise ConfigError(f"{field} is {value!r}; allowed: a positive whole number")
    elif field.endswith("normalize") and not isinstance(value, bool):
        raise ConfigError(f"{field} is {value!r}; allowed: true or false")


def check_dropout(field: str, value: object) -> None:
    """Raise ConfigError unless ``value`` is a number in [0, 1)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise ConfigError(f"{field} is {value!r}; allowed: a number from 0 up to, not including, 1")


def _is_positive_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
