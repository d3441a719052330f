"""The benchmark of the vector index runs, keeps its indexes, and its last line is what it promises."""

import json
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "scripts" / "benchmark"
SMALL = "--vectors 1500 --dim 16 --queries 300 --pairs 2".split()


def test_last_line_is_the_figures(capsys, monkeypatch, tmp_path) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import faiss_overhead

    monkeypatch.setattr(sys, "argv", ["faiss_overhead.py", *SMALL, "--keep", str(tmp_path)])
    faiss_overhead.main()
    printed = capsys.readouterr().out
    figures = json.loads(printed.splitlines()[-1])
    for kind in ("flat", "hnsw", "ivf"):
        ours, theirs = figures[f"recall_{kind}"]
        assert ours == theirs > 0.1
        assert figures[f"ratio_{kind}"] > 0
        assert f"{kind}: built in" in printed
    assert figures["recall_flat"] == [1.0, 1.0]
    assert figures["open_ms"] > 0
    assert set(figures["exact_speedup"]) == {"1", "32", "64", "256"}
    faiss_overhead.main()
    assert "built in" not in capsys.readouterr().out
