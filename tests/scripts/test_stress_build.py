"""A small run of the stress on builds and on compiled graphs, and whether it notices what it should."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


def run(*command, folder):
    """Run Python in a process of its own: the stress forks, and this process has threads."""
    done = subprocess.run(
        [sys.executable, *map(str, command)], cwd=SCRIPTS, capture_output=True, text=True, timeout=300
    )
    assert list(folder.iterdir()) == [], "the stress leaves nothing behind"
    return done


def test_kills_and_damage_never_give_a_wrong_answer(tmp_path):
    done = run("stress_build.py", "--kills", 20, "--flips", 1, "--every", 40, "--folder", tmp_path, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["failures"] == 0
    random = told["killed_at_random"]
    assert sum(random["outcomes"].values()) == sum(random["phases"].values()) == 20
    allowed = {"old -> old", "old -> new", "none -> none", "none -> new"}
    steps = told["killed_at_each_step"]["outcomes"]
    assert set(random["outcomes"]) <= allowed
    assert set(steps) <= allowed
    assert {"old -> old", "none -> none", "old -> new", "none -> new"} <= set(steps)
    assert set(told["damage"]["outcomes"]) == {"open: refused; verify: seen", "open: right answers; verify: not seen"}
    assert set(told["damage"]["times_put_back"]) == {"open: refused; verify: seen"}


CARELESS = """
import sys, pathlib
import stress_build
from kglm.kg import store

folder = pathlib.Path(sys.argv[1]) / "work"
folder.mkdir()
stress = stress_build.Stress(folder)
store.ArrayStore._require_checked = lambda self: None
stress.damage(1)
print(len(stress.failures))

def build(seed, folder, whole=stress_build.build):
    if folder == stress.destination:
        (folder / "manifest.json").unlink(missing_ok=True)  # an old graph is broken before the new one stands
    whole(seed, folder)

before = len(stress.failures)
stress_build.build = build
stress.kill_at_each_step(every=60)
print(len(stress.failures) - before)
stress_build.shutil.rmtree(folder)
"""


@pytest.mark.slow
def test_the_stress_notices_a_store_and_a_builder_that_are_careless(tmp_path):
    done = run("-c", CARELESS, tmp_path, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    damage, kills = map(int, done.stdout.split())
    assert damage > 20
    assert kills > 0
