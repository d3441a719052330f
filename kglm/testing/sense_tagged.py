"""Sense-tagged sentences over the sample of WordNet, in the format of SemCor's conversion."""

from __future__ import annotations

import json
from pathlib import Path

TOKENS = {
    "n00000700": ["the", "river", "left", "its", "bank"],
    "n00000800": ["money", "lies", "in", "the", "bank"],
}
"""Beginnings of sentences by what ``bank`` means in them."""


def tagged_line(document: str, number: int, synset: str) -> str:
    """Return a sentence with a bank and a dog."""
    name = f"{document}.s{number}"
    senses = [
        [4, "bank", "NN", "bank%1:17:00::", synset, f"{name}.t0"],
        [7, "dog", "NN", "dog%1:05:00::", "n00000400", f"{name}.t1"],
    ]
    return json.dumps({"id": name, "tokens": [*TOKENS[synset], "and", "a", "dog"], "senses": senses})


def write_tagged(path: Path, *, documents: int = 8, sentences: int = 4) -> Path:
    """Write sentences in which a bank is the river's or the money's, by turns from document to document."""
    lines = [
        tagged_line(f"d{document:03d}", number, list(TOKENS)[document % 2])
        for document in range(documents)
        for number in range(sentences)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
