"""Help, completion, and what a command loads."""

import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

from kglm.cli.graph import completion, opening
from kglm.cli.graph.app import COMMANDS
from kglm.kg import manifest
from kglm.kg.readers import dataset

NAMES = [command.__name__ for command in COMMANDS]


def test_constants_that_stand_apart_so_that_completion_is_quick():
    assert opening.MANIFEST == manifest.MANIFEST
    assert opening.HUB_PREFIX == dataset.HUB_PREFIX


def test_the_group_lists_its_commands_in_the_order_of_use(kglm):
    outcome = kglm("graph", "--help")
    listed = re.findall(r"^│ ([a-z]+) ", outcome.out, flags=re.MULTILINE)
    assert listed == NAMES
    assert (
        "build stats search neighbors path subgraph coverage sparql questions export diff verify".split()
    ) == NAMES  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_help_has_an_example_and_names_the_keys(kglm, name):
    outcome = kglm("graph", name, "--help")
    assert outcome.code == 0
    assert f"Example: kglm graph {name} " in outcome.out
    assert "JSON keys: " in outcome.out
    assert "--json" in outcome.out


def context(graph):
    return SimpleNamespace(params={"graph": str(graph)})


def test_completion_of_entities_and_relations(tools):
    assert completion.complete_entity(context(tools), "tro") == ["trowel"]
    assert completion.complete_entity(context(tools), "Hand") == ["hand_trowel"]
    assert completion.complete_entity(context(tools), "hand tro") == ["hand trowel"]
    assert completion.complete_relation(context(tools), "at") == ["AtLocation"]


@pytest.mark.parametrize("variable", ["COMP_WORDS", "_TYPER_COMPLETE_ARGS"])
def test_completion_at_the_value_of_an_option_reads_the_line(tools, monkeypatch, variable):
    for line in (f"kglm graph neighbors {tools} trowel -r Us", f"kglm graph neighbors {tools} 'hand -r Us"):
        monkeypatch.setenv(variable, line)
        assert completion.complete_relation(context(""), "Us") == ["UsedFor"]


def test_completion_compiles_nothing_and_shows_no_error(triples_file, tmp_path, monkeypatch):
    monkeypatch.setenv("KGLM_CACHE_DIR", str(tmp_path))
    for graph in (triples_file, "nowhere", "everyday", ""):
        assert completion.complete_entity(context(graph), "t") == []
        assert completion.complete_relation(context(graph), "U") == []
    assert list(tmp_path.iterdir()) == []


def test_completion_of_graphs_and_files(tools, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evening.ttl").write_text("")
    (tmp_path / "events").mkdir()
    (tmp_path / ".hidden").write_text("")
    assert list(completion.complete_graph("eve")) == ["everyday", "evening.ttl", "events/"]
    assert ".hidden" not in list(completion.complete_path(""))
    parent = str(tools.parent)
    assert f"{parent}/{tools.name}" in list(completion.complete_path(f"{parent}/"))  # a compiled graph has no slash
    assert list(completion.complete_path("nowhere/x")) == []


def test_completion_of_names_of_options():
    assert completion.complete_format("ts") == ["tsv"]
    assert completion.complete_export_format("g") == ["gexf", "graphml"]
    assert completion.complete_normalization("case") == ["casefold-1"]
    assert "conceptnet/relations.tsv" in list(completion.complete_relation_map("conceptnet/"))


def loaded_by(*arguments, cache):
    """The modules that a command loads in a process of its own."""
    code = (
        "import sys\nfrom kglm.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print(*sys.modules, sep='\\n', file=sys.stderr)"
    )
    environment = {**os.environ, "KGLM_CACHE_DIR": str(cache)}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return set(done.stderr.split())


def test_help_loads_no_numbers(tmp_path):
    loaded = loaded_by("graph", "--help", cache=tmp_path)
    assert loaded & {"numpy", "numba", "pyarrow", "rdflib", "torch", "transformers", "kglm.kg"} == set()


@pytest.mark.parametrize("arguments", [("stats",), ("subgraph", "trowel")])
def test_looks_load_no_torch(tools, tmp_path, arguments):
    command, *rest = arguments
    loaded = loaded_by("graph", command, tools, *rest, "--json", cache=tmp_path)
    assert "kglm.kg.graph" in loaded
    assert loaded & {"torch", "transformers", "hydra", "matplotlib"} == set()
