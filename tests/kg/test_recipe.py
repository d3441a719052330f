import json
import logging
from dataclasses import replace

import pytest

from kglm.errors import DataError, KglmError
from kglm.kg import GraphRecipe, Triple
from kglm.kg import recipe as recipe_module
from kglm.kg.manifest import MANIFEST

MAP = "source\ttarget\tdirection\nHasA\tPartOf\treversed\nIsA\tIsA\tsame\n"


@pytest.fixture
def recipe(tmp_path):
    (tmp_path / "x.tsv").write_text("dog\tHasA\ttail\ndog\tIsA\tpet\n")
    (tmp_path / "map.tsv").write_text(MAP)
    return GraphRecipe(name="dogs", source=str(tmp_path / "x.tsv"), relation_map=str(tmp_path / "map.tsv"))


def test_a_source_is_read_mapped_and_compiled(recipe, tmp_path):
    graph = recipe.open(tmp_path / "cache")
    assert list(graph.triples()) == [Triple("dog", "IsA", "pet"), Triple("tail", "PartOf", "dog")]
    assert graph.name == "dogs"
    assert graph.folder == tmp_path / "cache" / "graphs" / f"dogs-{recipe.content_key()}"
    assert json.loads((graph.folder / MANIFEST).read_text())["provenance"]["recipe"]["source"] == recipe.source


def test_a_compiled_graph_is_opened_from_the_cache(recipe, tmp_path, monkeypatch):
    made = recipe.open(tmp_path / "cache")
    monkeypatch.setattr(recipe_module, "build_graph", lambda *args, **kwargs: pytest.fail("compiled again"))
    assert recipe.open(tmp_path / "cache").fingerprint == made.fingerprint


def test_a_half_made_graph_is_compiled_again(recipe, tmp_path):
    made = recipe.open(tmp_path / "cache")
    (made.folder / MANIFEST).unlink()
    assert recipe.open(tmp_path / "cache").fingerprint == made.fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"name": "cats"},
        {"format": "tsv"},
        {"relation_map": None},
        {"normalization": "casefold-1"},
        {"merge_weights": "sum"},
        {"max_rejected": 7},
        {"shuffle_seed": 0},
        {"options": {"header": False}},
    ],
    ids=str,
)
def test_the_content_key_changes_with_every_option(recipe, change):
    assert replace(recipe, **change).content_key() != recipe.content_key()


def test_the_changes_above_are_all_the_options_beside_the_source():
    assert set(GraphRecipe.__dataclass_fields__) == {
        "name", "source", "format", "relation_map", "normalization", "merge_weights", "max_rejected", "shuffle_seed",
        "options",
    }  # fmt: skip


@pytest.mark.parametrize("file", ["x.tsv", "map.tsv"])
def test_the_content_key_changes_with_each_file(recipe, tmp_path, file):
    before = recipe.content_key()
    with (tmp_path / file).open("a") as handle:
        handle.write("\n")
    assert recipe.content_key() != before


def test_the_content_key_does_not_depend_on_where_the_files_lie(recipe, tmp_path):
    (tmp_path / "moved").mkdir()
    moved = {}
    for field in ("source", "relation_map"):
        old = tmp_path / getattr(recipe, field)
        moved[field] = str(tmp_path / "moved" / old.name)
        (tmp_path / "moved" / old.name).write_bytes(old.read_bytes())
    assert replace(recipe, **moved).content_key() == recipe.content_key()


def test_the_content_key_of_a_folder_covers_its_turtle_files(tmp_path):
    recipe = GraphRecipe(name="f", source=str(tmp_path))
    (tmp_path / "a.ttl").write_text("<a> <r> <b> .")
    (tmp_path / "b.ttl").write_text("")
    keys = [recipe.content_key()]
    (tmp_path / "b.ttl").write_text("<a> <r> <c> .")
    keys.append(recipe.content_key())
    (tmp_path / "b.ttl").rename(tmp_path / "c.ttl")
    keys.append(recipe.content_key())
    (tmp_path / "a.ttl").write_text("<a> <r> <b> .c.ttl<a> <r> <c> .")
    (tmp_path / "c.ttl").unlink()
    keys.append(recipe.content_key())
    (tmp_path / "notes.md").write_text("")
    assert len(set(keys)) == 4
    assert recipe.content_key() == keys[-1]


@pytest.mark.parametrize("field", ["source", "relation_map"])
def test_a_missing_file_is_named(recipe, tmp_path, field):
    gone = replace(recipe, **{field: str(tmp_path / "gone.tsv")})
    with pytest.raises(DataError, match=r"'.*gone.tsv' does not exist"):
        gone.open(tmp_path / "cache")
    with pytest.raises(DataError, match=r"'.*gone.tsv' does not exist"):
        gone.compile(tmp_path / "graph")


def test_rejected_lines_are_logged_up_to_the_limit(recipe, tmp_path, caplog):
    with (tmp_path / "x.tsv").open("a") as handle:
        handle.write("bad\ndog\tisa\tpet\n")
    with caplog.at_level(logging.WARNING):
        recipe.compile(tmp_path / "graph")
    assert f"2 of 4 line(s) rejected, the first: {tmp_path}/x.tsv:3: 1 tab-sep" in caplog.text
    with pytest.raises(DataError, match=r"(?s)limit of 1;.*x.tsv:4: unknown relation 'isa'; did you mean 'IsA'"):
        replace(recipe, max_rejected=1).compile(tmp_path / "strict")


def test_what_was_read_and_rejected_stands_beside_the_graph(recipe, tmp_path):
    with (tmp_path / "x.tsv").open("a") as handle:
        handle.write("# remark\nbad\ndog\tisa\tpet\n")
    graph = recipe.compile(tmp_path / "graph")
    intake = json.loads((graph.folder / MANIFEST).read_text())["intake"]
    assert intake == {"unit": "line", "lines": 5, "accepted": 2, "skipped": {"comment": 1}, "rejected": 2}
    rows = [json.loads(line) for line in (graph.folder / "rejected.jsonl").read_text().splitlines()]
    assert [(row["line"], row["text"]) for row in rows] == [(4, "bad"), (5, "dog\tisa\tpet")]


def test_concepts_are_normalised_and_weights_merged(tmp_path):
    (tmp_path / "x.tsv").write_text("The Dog\tIsA\ta_pet\t2\ndog\tIsA\tpet\t3\n")
    recipe = GraphRecipe(
        name="dogs", source=str(tmp_path / "x.tsv"), normalization="conceptnet-1", merge_weights="sum"
    )
    graph = recipe.compile(tmp_path / "graph")
    assert list(graph.triples()) == [Triple("dog", "IsA", "pet", 5.0)]
    assert set(graph.surfaces) == {"dog", "pet", "The Dog", "a pet"}


def test_options_reach_the_reader_and_their_files_the_key(tmp_path):
    (tmp_path / "x.txt").write_text("Q1 P2 Q3\n")
    (tmp_path / "labels.tsv").write_text("Q1\tuniverse\n")
    recipe = GraphRecipe(name="w", source=str(tmp_path / "x.txt"), options={"labels": str(tmp_path / "labels.tsv")})
    assert list(recipe.compile(tmp_path / "graph").labels) == ["universe", "Q3"]
    before = recipe.content_key()
    (tmp_path / "labels.tsv").write_text("Q1\tcosmos\n")
    assert recipe.content_key() != before
    (tmp_path / "labels.tsv").unlink()
    with pytest.raises(DataError, match=r"labels '.*labels.tsv' does not exist"):
        recipe.content_key()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"normalization": "casefold"}, "unknown normalization 'casefold'; did you mean 'casefold-1'?"),
        ({"merge_weights": "mean"}, "merge_weights is 'mean'; allowed: max, sum"),
        ({"max_rejected": -1}, "max_rejected is -1; allowed: a whole number of at least 0"),
        ({"shuffle_seed": -1}, "shuffle_seed is -1; allowed: None, or a whole number of at least 0"),
        (
            {"format": "tsv", "options": {"colums": {}}},
            "the reader 'tsv' has no option 'colums'; did you mean 'columns'?",
        ),
        ({"format": "tvs"}, "unknown graph format 'tvs'; did you mean 'tsv'"),
    ],
    ids=str,
)
def test_a_wrong_recipe_is_refused_when_it_is_made(recipe, change, message):
    with pytest.raises(KglmError) as caught:
        replace(recipe, **change)
    assert str(caught.value).startswith(message)


def test_the_key_of_a_hub_source_is_its_name_and_options():
    recipe = GraphRecipe(name="h", source="hf://somebody/triples")
    keys = {recipe.content_key(), replace(recipe, source="hf://somebody/others").content_key(),
            replace(recipe, options={"revision": "abc"}).content_key()}  # fmt: skip
    assert len(keys) == 3
