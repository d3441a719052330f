from __future__ import annotations

import inspect

import pytest

from kglm import nn
from kglm.errors import ConfigError
from kglm.models.reasoners import REASONERS, build_reasoner, check_reasoner
from kglm.nn import KagNet, Reasoner
from kglm.testing import tiny_kagnet, tiny_reasoner


def test_build() -> None:
    reasoner = build_reasoner(tiny_kagnet(), statement_dim=32)
    assert isinstance(reasoner, KagNet)
    assert reasoner.output_dim == 16


def test_every_reasoner_of_nn_has_a_name() -> None:
    assert set(REASONERS.values()) == {getattr(nn, name) for name in nn.__all__} & set(concrete(Reasoner))


def concrete(cls: type) -> list[type]:
    """All classes below a class that can be made."""
    below = [found for child in cls.__subclasses__() for found in (child, *concrete(child))]
    return [found for found in below if not inspect.isabstract(found)]


@pytest.mark.parametrize("name", REASONERS)
def test_each_is_built_from_its_description_and_takes_what_it_needs_of_the_graph(name: str) -> None:
    reasoner = build_reasoner(tiny_reasoner(name), statement_dim=32)
    assert type(reasoner) is REASONERS[name]
    with pytest.raises(ConfigError, match=f"'{name}' needs .*entity_dim|needs entity_dim"):
        check_reasoner({"name": name})
    with pytest.raises(ConfigError, match=f"{name} has no field 'widht'"):
        check_reasoner(tiny_reasoner(name, widht=3))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "kagnett"}, "reasoner.name is 'kagnett'; did you mean 'kagnet'"),
        ({}, "allowed: gcn, greaselm, kagnet"),
        ("kagnet", "allowed: None, or a dict"),
        (tiny_kagnet(path_dims=3), "no field 'path_dims'; did you mean 'path_dim'"),
        (tiny_kagnet(statement_dim=3), "no field 'statement_dim'"),
        (tiny_kagnet(path_dim=0), "reasoner.path_dim is 0; allowed: a positive whole number"),
        (tiny_kagnet(num_relations=1.5), "reasoner.num_relations is 1.5"),
        (tiny_kagnet(gcn_dims=50), "reasoner.gcn_dims is 50; allowed: a list"),
        (tiny_kagnet(dropout=1), "reasoner.dropout is 1; allowed: a number from 0"),
        (tiny_kagnet(normalize="yes"), "reasoner.normalize is 'yes'; allowed: true or false"),
        ({"name": "kagnet", "num_relations": 3}, "needs entity_dim"),
    ],
)
def test_mistakes_are_named(spec, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_reasoner(spec)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (tiny_reasoner("gcn", num_heads=4), "reasoner 'gcn': out_dim is 6, which num_heads 4 does not divide"),
        (tiny_reasoner("qagnn", relevance="statement"), "but they have 8 and 32 dimensions; use 'concepts'"),
    ],
)
def test_values_that_do_not_fit_are_named(spec: dict, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build_reasoner(spec, statement_dim=32)
    assert message in str(caught.value)
