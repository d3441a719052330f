"""The scripts are the commands."""

import contextlib
import io
import json
import runpy
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[3] / "scripts"


@pytest.mark.parametrize("name", ["stats", "neighbors", "coverage"])
def test_a_script_does_what_its_command_does(kglm, tools, questions_file, monkeypatch, name):
    rest = {"stats": [], "neighbors": ["trowel"], "coverage": [questions_file]}[name]
    arguments = [str(argument) for argument in (tools, *rest, "--json")]
    expected = kglm("graph", name, *arguments)
    monkeypatch.setattr(sys, "argv", [f"graph_{name}.py", *arguments])
    out = io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(io.StringIO()),
        pytest.raises(SystemExit) as stop,
    ):
        runpy.run_path(str(SCRIPTS / f"graph_{name}.py"), run_name="__main__")
    assert not stop.value.code
    assert json.loads(out.getvalue()) == json.loads(expected.out)
