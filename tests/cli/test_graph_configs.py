from dataclasses import fields
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from kglm.cli.settings import section
from kglm.errors import ConfigError
from kglm.kg import GraphRecipe

CONF = Path(__file__).parents[2] / "conf" / "graph"
PATHS = {"data_dir": "data", "graphs_dir": "graphs"}


def composed(name, **changes):
    config = OmegaConf.merge({"paths": PATHS}, {"graph": OmegaConf.load(CONF / f"{name}.yaml")}, {"graph": changes})
    return OmegaConf.to_container(config, resolve=True)["graph"]


@pytest.mark.parametrize("name", sorted(path.stem for path in CONF.glob("*.yaml")))
def test_every_graph_group_shows_all_that_a_recipe_takes(name):
    values = composed(name, source="somewhere")
    assert list(values) == [field.name for field in fields(GraphRecipe)]
    assert section(GraphRecipe, values, "graph").source == "somewhere"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"options": {"sense": "keep"}}, "the reader 'conceptnet5' has no option 'sense'; did you mean 'senses'?"),
        ({"options": "keep"}, "graph.options is 'keep'; allowed: a group of values"),
        ({"merge_weights": "mean"}, "merge_weights is 'mean'; allowed: max, sum"),
        ({"normalization": None}, "graph.normalization is None; allowed: text"),
    ],
)
def test_a_wrong_value_is_named(changes, message):
    values = {**composed("conceptnet5", source="somewhere"), **changes}
    with pytest.raises(ConfigError) as caught:
        section(GraphRecipe, values, "graph")
    assert str(caught.value).startswith(message)
