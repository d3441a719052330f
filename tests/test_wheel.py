"""The wheel holds all that kglm needs away from its sources, and works from wherever it lies."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ("kglm", "conf", "graphs", "pyproject.toml", "README.md", "LICENSE")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    if importlib.util.find_spec("build") is None:
        pytest.skip("the package 'build' is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # a copy: a build leaves folders beside pyproject.toml
    source.mkdir()
    for name in SOURCES:
        place = ROOT / name
        if place.is_dir():
            shutil.copytree(place, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(place, source / name)
    shutil.copytree(ROOT / "tests", source / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder / "dist"), "."]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = (folder / "dist").glob("*.whl")
    return file


@pytest.fixture(scope="module")
def unpacked(wheel):
    folder = wheel.parent / "unpacked"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def kglm(unpacked, tmp_path):
    """A function that runs a command of the unpacked wheel in another process and folder."""
    environment = {**os.environ, "PYTHONPATH": str(unpacked), "KGLM_CACHE_DIR": str(tmp_path / "cache")}
    code = (
        "import sys, kglm, kglm.conf, kglm.graphs\n"
        "places = [str(module.__path__[0]) for module in (kglm, kglm.conf, kglm.graphs)]\n"
        "print(*places, sep='\\n', file=open('places', 'w'))\n"
        "from kglm.cli.main import main\n"
        "main(sys.argv[1:])\n"
    )

    def run(*arguments):
        command = [sys.executable, "-c", code, *map(str, arguments)]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        expected = [unpacked / "kglm", unpacked / "kglm" / "conf", unpacked / "kglm" / "graphs"]
        assert (tmp_path / "places").read_text().splitlines() == [str(path) for path in expected]
        return done.stdout

    return run


def test_it_holds_what_it_needs_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for folder, patterns in (
        ("conf", ["*.yaml"]),
        ("graphs", ["*.ttl", "*.tsv", "*.toml", "*.jsonl"]),
        ("kglm", ["*.py", "assets/*"]),
    ):
        files = {path.relative_to(ROOT) for pattern in patterns for path in (ROOT / folder).rglob(pattern)}
        assert files
        expected = {str(path) if folder == "kglm" else f"kglm/{path}" for path in files}
        assert expected <= names, expected - names
    assert "kglm/py.typed" in names
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"kglm"}
    assert not [name for name in names if "/test_" in name or name.startswith("kglm/tests") or name.endswith(".pyc")]


def test_help(kglm):
    shown = kglm("--help")
    for command in ("train", "evaluate", "answer", "predict"):
        assert command in shown


@pytest.mark.parametrize("arguments", [[], ["experiment=csqa_kagnet"]], ids=["defaults", "experiment"])
def test_configuration_is_composed(kglm, arguments):
    assert "kind: " in kglm("train", "--cfg", "job", *arguments)


def test_it_trains_on_its_own_graph_and_answers(kglm, tmp_path, tiny_encoder):
    rows = (ROOT / "graphs" / "everyday" / "qa" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    for number, split in enumerate(("train", "dev", "test")):
        (tmp_path / f"{split}.jsonl").write_text("\n".join(rows[4 * number : 4 * number + 4]), encoding="utf-8")
    files = ("task=files", "task.train=train.jsonl", "task.dev=dev.jsonl", "task.test=test.jsonl")
    quick = (f"encoder.name={tiny_encoder}", "trainer.max_steps=1", "reasoner.schema.max_hops=2")
    kglm("train", *files, "graph=everyday", "reasoner=kagnet", "run_dir=run", *quick)
    told = kglm("answer", "What do I dig with?", "-c", "trowel", "-c", "pillow", "--model", "run", "--json")
    assert {choice["text"] for choice in json.loads(told)["choices"]} == {"trowel", "pillow"}
