"""The recipes that ship: whole, with licence and checksum, and true to what their READMEs say."""

import re
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from kglm.kg import GraphRecipe
from kglm.kg.catalog import find_recipe, open_recipe, recipe_names
from kglm.kg.checksum import Checksum
from kglm.kg.readers import check_options
from kglm.kg.relations import RelationMap

GRAPHS = Path(str(files("kglm.graphs")))
CONF = Path(str(files("kglm.conf"))) / "graph"
NAMES = (
    "codex-m",
    "codex-s",
    "codex-types",
    "conceptnet",
    "conceptnet5",
    "conceptnet5-full",
    "everyday",
    "fb15k237",
    "wn18rr",
    "wordnet",
)
# Entities, relations, triples.
SIZES = {
    "codex-m": (17_050, 51, 185_584),
    "codex-s": (2_034, 42, 32_888),
    "codex-types": (88_256, 1, 93_102),
    "conceptnet": (137_886, 17, 389_779),
    "fb15k237": (14_505, 237, 272_115),
    "wn18rr": (40_559, 11, 86_835),
    "wordnet": (117_659, 26, 364_552),
}
# For these nobody publishes a checksum; the first download is trusted.
WITHOUT_CHECKSUM = {("codex-m", "labels"), ("codex-s", "labels")}


def test_all_are_known():
    assert recipe_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_says_what_it_is_and_where_it_comes_from(name):
    recipe = find_recipe(name)
    assert recipe.title
    assert recipe.licence
    assert recipe.attribution
    assert recipe.homepage
    readme = (recipe.folder / "README.md").read_text(encoding="utf-8")
    assert f"`{name}`" in readme
    assert f"kglm graph build {name} " in readme
    for role, entry in recipe.files.items():
        if entry.url is not None:
            assert entry.url.startswith("https://")
            assert (entry.sha256 is None) == ((name, role) in WITHOUT_CHECKSUM)
        Checksum(sha256=entry.sha256, size=entry.bytes)
        for sha256 in entry.data_sha256.values() if isinstance(entry.data_sha256, dict) else [entry.data_sha256]:
            Checksum(sha256=sha256)
    for sha256 in re.findall(r"`([0-9a-f]{64})`", readme):
        assert sha256 in "".join(path.read_text(encoding="utf-8") for path in recipe.folder.glob("*.toml"))


@pytest.mark.parametrize("name", NAMES)
def test_the_reader_takes_its_options_and_the_map_can_be_read(name):
    recipe = find_recipe(name)
    check_options(recipe.graph["format"], recipe.graph.get("options", {}))
    if "relation_map" in recipe.graph:
        relation_map = RelationMap.read(recipe.folder / recipe.graph["relation_map"])
        assert len({target for target, direction in relation_map.targets.values() if direction != "dropped"}) == 17


OF_DATA = [pytest.param(name, marks=pytest.mark.data) for name in ("codex-types", "conceptnet", "fb15k237", "wn18rr")]


@pytest.mark.parametrize("name", ["everyday", *OF_DATA])
def test_train_and_the_catalog_share_one_compiled_graph(name, tmp_path, request):
    data_dir = tmp_path if name == "everyday" else request.getfixturevalue("data_dir")
    places = {"paths": {"data_dir": str(data_dir), "graphs_dir": str(GRAPHS)}}
    composed = OmegaConf.create({**places, "graph": OmegaConf.load(CONF / f"{name.replace('-', '_')}.yaml")})
    trained = GraphRecipe(**OmegaConf.to_container(composed, resolve=True)["graph"])
    assert find_recipe(name).graph_recipe(tmp_path, data_dir).content_key() == trained.content_key()


def test_the_everyday_graph_needs_nothing_but_the_package(tmp_path, monkeypatch):
    monkeypatch.delenv("KGLM_DATA_DIR", raising=False)
    graph = open_recipe("everyday", tmp_path)
    assert (graph.num_entities, graph.num_triples) == (3_374, 7_946)
    assert open_recipe("everyday", tmp_path).folder == graph.folder


@pytest.mark.data
@pytest.mark.parametrize("name", SIZES)
def test_a_graph_has_the_size_that_its_readme_says(name, data_dir, tmp_path):
    graph = open_recipe(name, tmp_path, data_dir)
    assert (graph.num_entities, graph.num_relations, graph.num_triples) == SIZES[name]
    readme = (find_recipe(name).folder / "README.md").read_text(encoding="utf-8")
    assert f"{graph.num_entities:,}" in readme
    assert f"{graph.num_triples:,}" in readme
    assert not list((tmp_path / "downloads").glob("*")), "what the data folder holds is not downloaded"
    if name.startswith("codex"):
        assert graph.labels[graph.entity_id("Q100")] == "Boston"
    if name in {"fb15k237", "wn18rr"}:
        assert graph.num_entities - _without(graph.labels, graph) == {"fb15k237": 14_479, "wn18rr": 40_559}[name]
        assert sum(map(bool, graph.descriptions)) == {"fb15k237": 13_634, "wn18rr": 40_559}[name]
    if name == "fb15k237":
        denton = graph.entity_id("/m/010016")
        assert graph.labels[denton] == "Denton"
        assert "Denton, Texas" in _aliases(graph, denton)
        assert graph.descriptions[denton] == "city in Texas, United States"
        assert "King's College, Cambridge" in _aliases(graph, graph.entity_id("/m/013nky"))
    if name == "wn18rr":
        dog = graph.entity_id("02084071")
        assert graph.labels[dog] == "dog"
        assert "domestic dog" in _aliases(graph, dog)
        assert graph.descriptions[dog].startswith("a member of the genus Canis")
    if name == "wordnet":
        assert graph.labels[graph.entity_id("n02084071")] == "dog"


def _without(labels, graph):
    """Count the entities that are shown by their names."""
    return sum(label == name for label, name in zip(labels, graph.entities, strict=True))


def _aliases(graph, entity):
    surfaces = np.repeat(np.arange(len(graph.surfaces)), np.diff(graph.surface_indptr))
    return set(graph.surfaces.take(surfaces[np.asarray(graph.surface_entities) == entity]))


def test_the_conceptnet5_recipes_compile_lines_of_the_official_format(tmp_path, monkeypatch):
    lines = [
        ("FormOf", "en/dogs/n", "en/dog"),
        ("HasA", "en/dog/n", "en/tail"),
        ("IsA", "en/dog/n/wn/animal", "en/animal"),
        ("Synonym", "en/dog", "de/hund"),
    ]
    metadata = '{"dataset": "/d/wordnet/3.1", "license": "cc:by/4.0", "sources": [], "weight": 2.0}'
    path = tmp_path / "assertions.csv"
    path.write_text(
        "".join(f"/a/[/r/{r}/,/c/{s}/,/c/{e}/]\t/r/{r}\t/c/{s}\t/c/{e}\t{metadata}\n" for r, s, e in lines)
    )
    found = {}
    for name in ("conceptnet5", "conceptnet5-full"):
        monkeypatch.setattr("kglm.kg.catalog.RecipeFile.find", lambda *arguments: path)
        graph = open_recipe(name, tmp_path / "cache")
        found[name] = {triple[:3] for triple in graph.triples()}
    assert found["conceptnet5"] == {("dog", "IsA", "animal"), ("tail", "PartOf", "dog")}
    assert found["conceptnet5-full"] == {(start, relation, end) for relation, start, end in lines}
