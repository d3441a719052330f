import importlib.util
import json
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "benchmark" / "kge_ranking.py"


def test_the_last_line_says_how_fast_each_model_ranks(monkeypatch, capsys):
    spec = importlib.util.spec_from_file_location("kge_ranking", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(sys, "argv", ["x", "--entities", "50", "--relations", "3", "--dim", "8", "--triples", "20"])
    module.main()
    results = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(results) == {"transe", "distmult", "complex", "rotate"}
    assert all(one["ours_per_s"] > 0 and one["pyg_per_s"] > 0 for one in results.values())
