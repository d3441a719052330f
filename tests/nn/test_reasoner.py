from __future__ import annotations

from naive_reasoners import NAIVE, all_reasoners


def test_every_reasoner_has_a_naive_restatement() -> None:
    reasoners = all_reasoners()
    assert reasoners
    missing = [cls.__name__ for cls in reasoners if cls not in NAIVE]
    assert not missing, f"add a restatement to tests/nn/naive_reasoners.py for {missing}"
