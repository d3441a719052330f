"""Gold sets in ELEVANT's JSON lines: ``{"id", "text", "labels": [{"span": [start, end], "entity_id"}]}``.

Source: Bast, Hertel and Prange, *A Fair and In-Depth Evaluation of Existing End-to-End Entity Linking Systems*,
EMNLP 2023. An id that is no Wikidata id (``<NIL>``, ``<NO_MAPPING>``, ``Unknown1``) marks an entity that Wikidata
does not have; labels that are part of another (``parent``) are read as any other.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from kglm.errors import DataError
from kglm.kg.readers.compression import open_bytes
from kglm.linking.evaluation.gold import GoldDocument, GoldMention, sorted_mentions

_WIKIDATA_ID = re.compile(r"Q[1-9][0-9]*")


def read_elevant(path: Path) -> list[GoldDocument]:
    """Return the documents of a file, plain or compressed.

    Raises:
        DataError: a line is malformed; names it.
    """
    documents = []
    with open_bytes(path) as handle:
        for number, line in enumerate(handle, start=1):
            if not line.strip():
                continue
            try:
                documents.append(_document(json.loads(line)))
            except (ValueError, RecursionError) as error:
                raise DataError.at(path, number, str(error) or type(error).__name__) from error
            except (KeyError, TypeError, AttributeError, IndexError) as error:
                expected = 'expected {"id": ..., "text": ..., "labels": [{"span": [start, end], "entity_id": ...}]}'
                raise DataError.at(path, number, f"{type(error).__name__} {error}; {expected}") from error
    return documents


def _document(row: Any) -> GoldDocument:
    text = row["text"]
    if not isinstance(text, str):
        raise TypeError(f"text is {text!r}")
    return GoldDocument(str(row["id"]), text, sorted_mentions(text, [_mention(label) for label in row["labels"]]))


def _mention(label: Any) -> GoldMention:
    start, end = label["span"]
    entity = label["entity_id"]
    for value in (start, end):
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"span is {label['span']!r}")
    if not isinstance(entity, str):
        raise TypeError(f"entity_id is {entity!r}")
    return GoldMention(start, end, entity if _WIKIDATA_ID.fullmatch(entity) else None)
