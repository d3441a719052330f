import json
import runpy
import sys
from pathlib import Path

import pytest

from kglm.kg import Triple

SCRIPT = Path(__file__).parents[3] / "scripts" / "benchmark" / "graph_queries.py"


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    return ended.value.code


def test_the_benchmark_times_every_search(graph_of, monkeypatch, capsys):
    graph = graph_of(*(Triple(f"e{i}", "rs"[i % 2], f"e{i * 3 % 20}") for i in range(20)))
    assert run(monkeypatch, graph.folder, "--queries", 5) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["triples"], told["queries"]) == (graph.num_triples, 5)
    assert set(told["first_call_s"]) <= set(told)


def test_a_folder_without_a_graph_is_told(tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, tmp_path) == 1
    assert "holds no compiled graph" in capsys.readouterr().err
