"""Every command and every Python block of the README runs, in order, in one folder, as its reader would run them."""

import contextlib
import io
import json
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
from small_world import CSQA_DEV, csqa_rows, run_kglm, write_small_world

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(bash|python)\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)
TRIPLES = (
    "trowel UsedFor dig, spade UsedFor dig, excavator UsedFor dig, trowel UsedFor plant_flowers, "
    "tent UsedFor sleep, bed UsedFor sleep, trowel AtLocation garden, spade AtLocation garden, "
    "tent AtLocation garden, bed AtLocation room"
)
GRAPH = "".join("\t".join(triple.split()).replace("_", " ") + "\n" for triple in TRIPLES.split(", "))

pytestmark = pytest.mark.slow


def commands(block):
    """Return the commands of a block, each as its words; ``a && b`` is two."""
    joined = block.replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return [shlex.split(part, comments=True) for line in lines for part in line.split(" && ")]


def made_by(target):
    """Return the kglm commands behind a make target."""
    shown = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [["kglm", *words[1:]] for words in commands(shown) if words[0].endswith("/kglm")]


@pytest.fixture
def run(tmp_path, tmp_path_factory, tiny_encoder):
    """A function that runs or checks one command."""
    data, cache = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("cache")
    write_small_world(data)
    rows = [json.dumps(row) + "\n" for row in csqa_rows(["1", "2", "3"])]
    (tmp_path / "questions.jsonl").write_text("".join(rows), encoding="utf-8")
    made = [json.dumps(row) + "\n" for row in csqa_rows(map(str, range(9)))]
    for start, split in enumerate(("train", "dev", "test")):
        (tmp_path / f"{split}.jsonl").write_text("".join(made[start::3]), encoding="utf-8")
    (tmp_path / "my_graph.tsv").write_text(GRAPH, encoding="utf-8")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    short = ["trainer.max_steps=2", "trainer.precision=fp32"]
    asks = [f"encoder.name={tiny_encoder}", "report_splits=[test]"]  # of a stage that answers questions

    def run(words):
        if words[:2] == ["kglm", "train"] and "--cfg" not in words:
            words = [word.replace("seed=0,1,2", "seed=0,1") for word in words]
            csqa = any(word.startswith("experiment=csqa") for word in words)
            answers = not any(word.startswith("stage=") for word in words)
            words = [*words, *short, *(asks if answers else []), *([f"task.dev_size={CSQA_DEV}"] if csqa else [])]
        if words[:3] == ["kglm", "index", "build"]:
            words = [*words, "--encoder", str(tiny_encoder), "--max-length", "32"]
        if words[0] == "kglm":
            outcome = run_kglm(words[1:], tmp_path, data, cache)
            assert outcome.code == 0, f"{shlex.join(words)}\n{outcome.err}"
        elif words[0] == "make":
            assert words[1] in targets, words
            for command in made_by(words[1]) if words[1] == "demo" else ():
                run(command)
        elif words[:2] == ["pip", "install"]:
            named = re.findall(r"\[([\w,]+)\]", " ".join(words))
            assert {extra for names in named for extra in names.split(",")} <= extras.keys()
        else:
            assert words[0] in {"cd"} or words[:2] == ["git", "clone"], f"cannot check {words}"

    return run


def test_readme_runs(run, tmp_path, monkeypatch):
    assert {language for language, _ in BLOCKS} == {"bash", "python"}
    monkeypatch.chdir(tmp_path)
    for language, block in BLOCKS:
        if language == "bash":
            for words in commands(block):
                run(words)
        else:
            shown = io.StringIO()
            with contextlib.redirect_stdout(shown):
                exec(compile(block, "README.md", "exec"), {})
            assert shown.getvalue().strip()
