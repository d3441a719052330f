import importlib
from pathlib import Path

import pytest

from kglm.cli.evaluations import EVALUATIONS, run_evaluation
from kglm.cli.stages import STAGES, run_stage
from kglm.errors import UnknownNameError

CONF = Path(__file__).parents[3] / "conf"


def options(group):
    return {path.stem for path in (CONF / group).glob("*.yaml")}


def test_stages_and_evaluations_are_the_options_of_their_groups():
    assert set(STAGES) == options("stage")
    assert set(EVALUATIONS) == options("evaluation")


@pytest.mark.parametrize("module", [*(f"stages.{n}" for n in STAGES), *(f"evaluations.{n}" for n in EVALUATIONS)])
def test_each_can_be_run(module):
    assert callable(importlib.import_module(f"kglm.cli.{module}").run)


def test_an_unknown_one_is_refused(tmp_path):
    with pytest.raises(UnknownNameError, match="unknown stage 'kgee'"):
        run_stage({"stage": "kgee"}, tmp_path)
    with pytest.raises(UnknownNameError, match="unknown evaluation 'None'"):
        run_evaluation({}, tmp_path)
