from __future__ import annotations

import pytest

from kglm.errors import ConfigError
from kglm.models.reasoners import REASONERS, build_reasoner, check_reasoner
from kglm.nn import KagNet
from kglm.testing import tiny_kagnet


def test_build() -> None:
    reasoner = build_reasoner(tiny_kagnet(), statement_dim=32)
    assert isinstance(reasoner, KagNet)
    assert reasoner.output_dim == 16


def test_every_reasoner_of_nn_has_a_name() -> None:
    assert set(REASONERS.values()) == {KagNet}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "kagnett"}, "reasoner.name is 'kagnett'; did you mean 'kagnet'"),
        ({}, "allowed: kagnet"),
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
