"""Recipes by name: where their files are looked for, what is checked, and what is said when something is missing."""

import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from kglm.errors import ConfigError, DataError, UnknownNameError
from kglm.kg import catalog
from kglm.kg.catalog import CatalogRecipe, find_recipe, open_recipe, recipe_names

TRIPLES = "dog\tIsA\tanimal\ncat\tIsA\tanimal\n"
SHA256 = hashlib.sha256(TRIPLES.encode()).hexdigest()
HEAD = 'title = "t"\nlicence = "CC0-1.0"\nattribution = "a"\nhomepage = "h"\n'


@pytest.fixture
def recipes(tmp_path, monkeypatch):
    """A function that makes a recipe file; the catalog holds these alone."""
    root = tmp_path / "graphs"
    root.mkdir()
    monkeypatch.setattr(catalog, "files", lambda package: root)
    monkeypatch.delenv("KGLM_DATA_DIR", raising=False)
    monkeypatch.chdir(tmp_path)

    def make(text, name="pets/recipe.toml"):
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(HEAD + text, encoding="utf-8")
        return path

    return make


@pytest.fixture
def downloads(monkeypatch):
    """What the web holds by URL; a download of another URL fails. The list of what was downloaded is ``made``."""
    web = {}
    made = []

    def fake(url, path, checksum, *, progress):
        made.append(url)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(web[url])
        progress(len(web[url]), None)
        assert not checksum.problem(path)
        return path

    monkeypatch.setattr(catalog, "download", fake)
    web["made"] = made
    return web


def test_names_come_from_folder_and_file(recipes):
    for name in ("pets/recipe.toml", "pets/small.toml", "cars/recipe.toml"):
        recipes('[files.source]\nbundled = "x.tsv"\n', name)
    assert recipe_names() == ("cars", "pets", "pets-small")
    assert find_recipe("pets-small").folder.name == "pets"
    with pytest.raises(UnknownNameError, match="unknown graph recipe 'pet'; did you mean 'pets'"):
        find_recipe("pet")


def test_a_bundled_file_needs_no_other_place(recipes, tmp_path):
    path = recipes('[files.source]\nbundled = "pets.tsv"\n[graph]\nformat = "tsv"\n')
    (path.parent / "pets.tsv").write_text(TRIPLES)
    graph = open_recipe("pets", tmp_path / "cache")
    assert list(graph.entities) == ["animal", "cat", "dog"]
    assert graph.manifest["provenance"]["recipe"]["name"] == "pets"


def test_a_file_is_taken_from_the_data_folder_before_it_is_downloaded(recipes, downloads, tmp_path, monkeypatch):
    recipes(f'[files.source]\npath = "p.tsv"\nurl = "http://x/p"\nsha256 = "{SHA256}"\ndata = "pets/p.tsv"\n')
    downloads["http://x/p"] = TRIPLES.encode()
    data = tmp_path / "data"
    assert open_recipe("pets", tmp_path / "cache", data).num_triples == 2
    assert downloads["made"] == ["http://x/p"]
    (data / "pets").mkdir(parents=True)
    (data / "pets" / "p.tsv").write_text(TRIPLES)
    assert find_recipe("pets").fetch(tmp_path / "cache", data) == {"source": data / "pets" / "p.tsv"}
    monkeypatch.setenv("KGLM_DATA_DIR", str(data))
    assert find_recipe("pets").fetch(tmp_path / "cache") == {"source": data / "pets" / "p.tsv"}
    assert downloads["made"] == ["http://x/p"]


def test_a_wrong_file_in_the_data_folder_is_refused(recipes, tmp_path):
    recipes(f'[files.source]\nsha256 = "{SHA256}"\ndata = "p.tsv"\n')
    (tmp_path / "p.tsv").write_text("dog\tIsA\tcat\n")
    with pytest.raises(DataError, match=f"expected {SHA256}"):
        open_recipe("pets", tmp_path / "cache", tmp_path)


def test_a_file_that_is_nowhere_is_told_with_what_to_do(recipes, tmp_path):
    recipes('[files.source]\ndata = "pets/p.tsv"\n')
    with pytest.raises(
        DataError, match=r"'pets/p.tsv' in the data folder '.*none', which does not exist.*KGLM_DATA_DIR"
    ):
        open_recipe("pets", tmp_path / "cache", tmp_path / "none")
    with pytest.raises(DataError, match="which does not hold it"):
        open_recipe("pets", tmp_path / "cache", tmp_path)


def test_the_data_folder_may_hold_another_form_with_checksums_of_its_own(recipes, tmp_path):
    recipes(f'[files.source]\ndata = "pets"\n[files.source.data_sha256]\n"p.tsv" = "{SHA256}"\n')
    (tmp_path / "pets").mkdir()
    with pytest.raises(DataError, match=r"p.tsv' does not exist"):
        find_recipe("pets").fetch(tmp_path / "cache", tmp_path)
    (tmp_path / "pets" / "p.tsv").write_text(TRIPLES)
    assert find_recipe("pets").fetch(tmp_path / "cache", tmp_path) == {"source": tmp_path / "pets"}
    (tmp_path / "pets" / "p.tsv").write_text("changed")
    with pytest.raises(DataError, match="is not the expected file"):
        find_recipe("pets").fetch(tmp_path / "cache", tmp_path)


def test_an_archive_is_unpacked_once(recipes, downloads, tmp_path):
    archive = tmp_path / "p.zip"
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("inside/p.ttl", "<http://x/a> <http://x/b> <http://x/c> .")
    downloads["http://x/p.zip"] = archive.read_bytes()
    recipes('[files.source]\npath = "p.zip"\nurl = "http://x/p.zip"\nunpack = "inside"\n')
    cache = tmp_path / "cache"
    places = [find_recipe("pets").fetch(cache)["source"] for _ in range(2)]
    assert places[0] == places[1]
    assert [path.name for path in places[0].iterdir()] == ["p.ttl"]
    assert open_recipe("pets", cache).num_triples == 1
    downloads["http://x/p.zip"] = b"no archive"
    with pytest.raises(DataError, match="is not a zip archive"):
        find_recipe("pets").fetch(tmp_path / "other")
    assert not [path for path in (tmp_path / "other").rglob("*") if path.is_dir() and path.name.startswith("p-")]


def test_options_may_name_files_of_the_recipe_and_maps_lie_beside_it(recipes, tmp_path):
    path = recipes(
        '[files.source]\nbundled = "p.tsv"\n[files.names]\nbundled = "labels.tsv"\n[graph]\nformat = "wikidata"\n'
        'relation_map = "../map.tsv"\n[graph.options]\nlabels = "@names"\n'
    )
    (path.parent / "p.tsv").write_text("Q1\tP1\tQ2\n")
    (path.parent / "labels.tsv").write_text("Q1\tdog\n")
    (path.parents[1] / "map.tsv").write_text("source\ttarget\tdirection\nP1\tIsA\treversed\n")
    graph = open_recipe("pets", tmp_path / "cache")
    assert graph.labels[graph.entity_id("Q1")] == "dog"
    assert [triple[:3] for triple in graph.triples()] == [("Q2", "IsA", "Q1")]
    recipes('[files.source]\nbundled = "p.tsv"\n[graph.options]\nlabels = "@nams"\n')
    with pytest.raises(ConfigError, match="'@nams' names no file of the recipe"):
        open_recipe("pets", tmp_path / "cache")


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("[files.source\n", DataError, "is not TOML"),
        ("", ConfigError, r"has no \[files.source\]"),
        ('[files.other]\nbundled = "x"\n', ConfigError, r"has no \[files.source\]"),
        ("[files.source]\n", ConfigError, "expected at least one of url, data, bundled"),
        ('[files.source]\nurl = "http://x"\n', ConfigError, "needs a plain file name"),
        ('[files.source]\nurl = "http://x"\npath = "../x"\n', ConfigError, "needs a plain file name"),
        ('[files.source]\nbundled = "x"\nsha265 = "y"\n', ConfigError, "sha265"),
        ('colour = "red"\n[files.source]\nbundled = "x"\n', ConfigError, "colour"),
        ('[files.source]\nbundled = "x"\n[graph]\nfromat = "tsv"\n', ConfigError, "fromat"),
    ],
)
def test_a_recipe_that_is_wrong_is_told(recipes, tmp_path, text, error, message):
    path = recipes(text)
    with pytest.raises(error, match=message):
        CatalogRecipe.read("pets", path).graph_recipe(tmp_path / "cache")


def test_a_download_shows_how_far_it_is_where_a_person_watches(capsys):
    with catalog._progress_bar("assertions") as progress:
        progress(5, 10)
        progress(10, None)
    assert "assertions" not in capsys.readouterr().err, "the error stream of a test is no terminal"


def test_recipes_are_read_as_utf8(recipes):
    path = recipes("")
    path.write_bytes(b'title = "\xff"')
    with pytest.raises(DataError, match="is not TOML"):
        CatalogRecipe.read("pets", Path(path))
    assert json.dumps(recipe_names()) == '["pets"]'
