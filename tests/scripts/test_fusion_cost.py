"""The benchmark of the fusion encoder runs, and its last line is what it promises."""

import json
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "scripts" / "benchmark"
SMALL = "--hidden 64 --layers 2 --batch 2 --tokens 16 --entities 3 --entity-dim 8 --turns 2".split()


def test_last_line_is_the_figures(capsys, monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import fusion_cost

    monkeypatch.setattr(sys, "argv", ["fusion_cost.py", *SMALL])
    assert fusion_cost.main() == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures["ratio_train"] > 0
    assert figures["ratio_eval"] > 0
    assert len(figures["ratios_train"]) == 2
    assert figures["parameters_added"] > 0
