"""A short run of the fuzzer; the long one is made by hand (docs/results.md)."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from kglm.errors import DataError
from kglm.kg.readers import READERS
from kglm.kg.records import Label, Triple

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture(scope="module")
def script():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        import fuzz_readers

        yield fuzz_readers
        sys.modules.pop("fuzz_readers")


def test_two_thousand_inputs_find_nothing():
    command = [sys.executable, str(SCRIPTS / "fuzz_readers.py"), "--inputs", "2000", "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout.splitlines()[-1])
    assert counts["finds"] == 0
    assert counts["unfuzzed"] == []
    assert counts["readers"].keys() == READERS.keys()
    assert 1900 < counts["inputs"] < 2100
    assert all(outcome in {"read", "refused"} for counted in counts["readers"].values() for outcome in counted)


def test_all_samples_are_read_as_they_stand(script, tmp_path):
    for number, case in enumerate(script.cases()):
        for sample in case.samples:
            folder = script.write_files(tmp_path / str(number), (case.folder or {}) | {case.file: sample})
            assert script.check(case, folder if case.folder else folder / case.file) == "read", case


def test_inputs_are_the_same_for_the_same_seed_and_few_are_the_sample(script):
    first, second = (
        [script.mutated(b"a\tr\tb\n" * 9, chance) for _ in range(200)] for chance in map(random.Random, "xx")
    )
    assert first == second
    assert len(set(first)) > 150


READINGS = {
    "lost line": lambda path, tally: tally.read() or iter(()),
    "no name": lambda path, tally: tally.read() or tally.accept() or iter([Triple("", "r", "b")]),
    "weight": lambda path, tally: tally.read() or tally.accept() or iter([Triple("a", "r", "b", 0.0)]),
    "half a character": lambda path, tally: tally.read() or tally.accept() or iter([Label("a", "\ud800")]),
    "count": lambda path, tally: tally.read() or tally.accept() or iter([Label("a", "A", count=2**31)]),
    "crash": lambda path, tally: iter([[][0]]),
    "hang": lambda path, tally: iter(int, 1),
}


@pytest.mark.parametrize("fault", READINGS)
def test_faults_of_a_reader_are_found(script, monkeypatch, tmp_path, fault):
    monkeypatch.setattr(script, "read_records", lambda path, tally, *_: READINGS[fault](path, tally))
    monkeypatch.setattr(script, "one_by_one", lambda records: (r for r in records if r != 0))
    monkeypatch.setattr(script, "SECONDS_AN_INPUT", 0.2)
    counts = script.run(1, 0, "tsv", tmp_path)
    assert counts["finds"] == 1
    assert counts["readers"] == {"tsv": {"failed": 1}}


def test_a_clear_error_is_no_find(script, monkeypatch, tmp_path):
    def refuse(*_):
        raise DataError("no")

    monkeypatch.setattr(script, "read_records", refuse)
    assert script.run(1, 0, "tsv", tmp_path)["readers"] == {"tsv": {"refused": 1}}
