"""Which format a graph source has, told from its content and its name."""

from __future__ import annotations

import re
from pathlib import Path

from kglm.errors import DataError, require_file
from kglm.kg.readers.compression import DamagedFileError, open_bytes, plain_suffix
from kglm.kg.readers.conceptnet_merged import COLUMNS as MERGED_COLUMNS
from kglm.kg.readers.dataset import HUB_PREFIX, is_saved_dataset
from kglm.kg.readers.parquet import ARROW_FILE_MAGIC, PARQUET_MAGIC
from kglm.kg.readers.table import is_header
from kglm.kg.readers.wordnet_database import is_database
from kglm.kg.readers.wordnet_tables import is_tables

RDF_ENDINGS = frozenset(
    {".ttl", ".turtle", ".nt", ".ntriples", ".nq", ".nquads", ".trig", ".n3", ".rdf", ".owl", ".xml", ".jsonld"}
)
SAMPLE_BYTES = 1 << 16
EXPECTED = (
    "expected ConceptNet 5 assertions, tab-separated or CSV triples, Wikidata triples (Q1 P2 Q3), RDF, Parquet, "
    "Arrow, a WordNet or data set folder, or hf://NAME"
)

_TURTLE = re.compile(r"@prefix\b|@base\b|prefix\s+[\w-]*:\s*<|base\s+<", re.IGNORECASE)
_NTRIPLES = re.compile(r"(<[^<>\s]+>|_:\S+)\s*<[^<>\s]+>\s*\S")
_JSON_LD = re.compile(r'"@(context|graph|id|type)"')
_WIKIDATA = re.compile(r"Q\d+\s+P\d+\s+Q\d+\s*")


def detect_format(source: Path | str) -> str:
    """Return the name of the reader for a source: a file, a folder, or ``hf://NAME``.

    Raises:
        DataError: the source is missing, damaged, or shows no known format.
    """
    if str(source).startswith(HUB_PREFIX):
        return "dataset"
    path = Path(source)
    found = _folder_format(path) if path.is_dir() else _file_format(require_file(path, "graph source"))
    if not found:
        raise DataError(f"the format of graph source '{path}' cannot be told; {EXPECTED}; or name the format")
    return found


def rdf_files(folder: Path) -> list[Path]:
    """Return the RDF files of a folder, by their names, in alphabetical order."""
    return sorted(path for path in folder.iterdir() if path.is_file() and plain_suffix(path) in RDF_ENDINGS)


def _folder_format(folder: Path) -> str:
    if is_saved_dataset(folder):
        return "dataset"
    if is_database(folder) or is_database(folder / "dict") or is_tables(folder):
        return "wordnet"
    return "rdf" if rdf_files(folder) else ""


def _file_format(path: Path) -> str:
    sample = _sample(path)
    if sample.startswith(PARQUET_MAGIC):
        return "parquet"
    ending = plain_suffix(path)
    if sample.startswith(ARROW_FILE_MAGIC) or ending in {".arrow", ".feather"}:
        return "arrow"
    if ending in RDF_ENDINGS:
        return "rdf"
    text = sample.decode("utf-8-sig", "replace")
    return _text_format(text, ending)


def _sample(path: Path) -> bytes:
    """Return the first bytes of a file's content; of a damaged file those before the damage, if there are any."""
    sample = b""
    with open_bytes(path) as handle:
        try:
            while len(sample) < SAMPLE_BYTES and (more := handle.read1(SAMPLE_BYTES)):  # type: ignore[attr-defined]
                sample += more
        except DamagedFileError:
            if not sample:
                raise
    return sample


def _text_format(text: str, ending: str) -> str:
    """Return the format that the beginning of a text shows."""
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    fields = first.split("\t")
    if tuple(fields) == MERGED_COLUMNS:
        return "conceptnet_merged"
    if len(fields) == 5 and fields[0].startswith("/a/") and fields[1].startswith("/r/"):
        return "conceptnet5"
    if _WIKIDATA.fullmatch(first):
        return "wikidata"
    if ending not in {".tsv", ".csv"} and _looks_like_rdf(text.lstrip()):
        return "rdf"
    if ending == ".csv" or (len(fields) == 1 and is_header([field.strip(' "') for field in first.split(",")])):
        return "csv"
    if ending in {".tsv", ".txt"} or 3 <= len(fields) <= 4:
        return "tsv"
    return ""


def _looks_like_rdf(text: str) -> bool:
    if text.startswith(("<?xml", "<rdf:RDF")):
        return True
    if text.startswith(("{", "[")):
        return _JSON_LD.search(text) is not None
    line = next(
        (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")), ""
    ).lstrip()
    return _TURTLE.match(line) is not None or _NTRIPLES.match(line) is not None
