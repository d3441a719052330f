"""ConceptNet 5 as its authors publish it: one assertion a line, 34 million of them.

Five tab-separated columns: the assertion's URI, the relation ``/r/IsA``, the start ``/c/en/dog/n``, the end, and a
JSON object with ``weight``, ``dataset``, ``sources``, and where there is a sentence ``surfaceText``,
``surfaceStart`` and ``surfaceEnd`` (https://github.com/commonsense/conceptnet5/wiki/Downloads). Compiled code takes
plain lines in bulk; a line that is unusual in any way goes through ``parse_assertion``, which holds the rules.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kglm.errors import ConfigError
from kglm.kg.readers import conceptnet5_kernels as kernels
from kglm.kg.readers.batches import merged_batches
from kglm.kg.readers.blocks import NOT_UTF8, FieldBlock, read_field_blocks, strings
from kglm.kg.readers.lines import BLANK
from kglm.kg.records import MAX_WEIGHT, MIN_WEIGHT, WEIGHT_EXPECTED, LabelBatch, Record, TripleBatch
from kglm.kg.strings import is_unicode
from kglm.kg.tally import Tally

COLUMNS = 5
EXTERNAL = "external URL"
OTHER_LANGUAGE = "other language"
NEGATED = "negated relation"
NOT_NEGATED = "relation not negated"
SENSES = ("merge", "keep")
NEGATION = ("keep", "skip", "only")


@dataclass(frozen=True, kw_only=True)
class Options:
    """How assertions become triples; see :func:`read_conceptnet5`."""

    languages: tuple[str, ...] = ("en",)
    senses: str = "merge"
    negated: str = "keep"
    surfaces: bool = False

    def __post_init__(self) -> None:
        for field, allowed in (("senses", SENSES), ("negated", NEGATION)):
            if getattr(self, field) not in allowed:
                raise ConfigError(f"{field} is {getattr(self, field)!r}; allowed: {', '.join(allowed)}")
        for code in self.languages:
            if not isinstance(code, str) or not 0 < len(code.encode()) <= kernels.MAX_LANGUAGE_BYTES or "/" in code:
                raise ConfigError(f"languages holds {code!r}; allowed: codes such as en, zh or roa_opt")

    @property
    def named_after_language(self) -> bool:
        """Whether a concept's name begins with its language."""
        return len(self.languages) != 1

    @property
    def labelled(self) -> bool:
        """Whether a concept's name differs from its text, so that labels are needed."""
        return self.named_after_language or self.senses == "keep"


class Assertion(NamedTuple):
    """What is used of a line."""

    head: str
    relation: str
    tail: str
    weight: float
    source: str
    head_surface: str = ""
    tail_surface: str = ""


class Skipped(NamedTuple):
    """A line that is well-formed but not wanted."""

    reason: str


def read_conceptnet5(
    path: Path | str,
    tally: Tally,
    *,
    languages: Sequence[str] | None = ("en",),
    senses: str = "merge",
    negated: str = "keep",
    surfaces: bool = False,
) -> Iterator[Record]:
    """Yield batches of triples, and of labels where a concept's name is not its text.

    A triple's relation is the one of the assertion without ``/r/`` (``IsA``, ``dbpedia/genre``), its weight that of
    the metadata, its source the data set without ``/d/``. Self-loops and repeated assertions are passed on.

    - Assertions with an end outside ``languages`` are skipped, as are ``ExternalURL`` and all ends that begin with
      ``http``. Another end that is no ``/c/language/concept`` is rejected.
    - A line is rejected where it has not five columns, is not UTF-8 text, or where its metadata are not a JSON object
      with a weight from 1e-38 to 1e38 and a data set ``/d/...``. Of a skipped line the metadata are not looked at.

    Args:
        path: ``assertions.csv``, plain or compressed.
        tally: counts lines.
        languages: codes of the languages wanted (a single code may be a bare text); None or empty for all. With
            one language a concept is named ``dog``, else ``en/dog``.
        senses: ``merge`` names a concept without part of speech and sense (``dog``), ``keep`` with them
            (``dog/n/wn/animal``).
        negated: relations that begin with ``Not`` (``NotDesires``, ``NotCapableOf``) always stay relations of
            their own; ``keep`` has them beside the others, ``skip`` leaves them out, ``only`` leaves out all others
            (for a graph of negated facts kept apart).
        surfaces: also yield the texts ``surfaceStart`` and ``surfaceEnd`` as aliases of the ends.

    Raises:
        ConfigError: an option has a value that is not allowed.
        DataError: the file is missing or damaged, or more lines are rejected than allowed.
    """
    wanted = (languages,) if isinstance(languages, str) else tuple(languages or ())
    options = Options(languages=wanted, senses=senses, negated=negated, surfaces=surfaces)
    return merged_batches(_records(path, tally, options))


def _records(path: Path | str, tally: Tally, options: Options) -> Iterator[TripleBatch | LabelBatch]:
    languages = np.array([kernels.pack_language(code) for code in options.languages], dtype=np.uint64)
    for block in read_field_blocks(path, tally, COLUMNS):
        verdicts = np.empty(len(block), dtype=np.uint8)
        slices = np.empty((len(block), kernels.SLICE_COLUMNS), dtype=np.int32)
        kernels.judge(
            block.data, block.starts, block.counts, block.line_ends, block.utf8, languages,
            options.senses == "merge", verdicts, slices,
        )  # fmt: skip
        weights = _weights(block, slices, verdicts)
        tally.skip(EXTERNAL, int(np.count_nonzero(verdicts == kernels.EXTERNAL)))
        tally.skip(OTHER_LANGUAGE, int(np.count_nonzero(verdicts == kernels.OTHER_LANGUAGE)))
        odd = _parse_odd(block, np.flatnonzero(verdicts == kernels.ODD), tally, options)
        yield from _bulk(block, np.flatnonzero(verdicts == kernels.TAKEN), slices, weights, tally, options)
        yield from odd


def _weights(block: FieldBlock, slices: np.ndarray, verdicts: np.ndarray) -> np.ndarray:
    """Return the weights of the taken lines; those that cannot be stored turn odd."""
    rows = np.flatnonzero(verdicts == kernels.TAKEN)
    texts = _slice(block, slices, rows, kernels.WEIGHT)
    weights = pc.cast(texts, pa.float64()).to_numpy(zero_copy_only=False)
    fits = (weights >= MIN_WEIGHT) & (weights <= MAX_WEIGHT)
    verdicts[rows[~fits]] = kernels.ODD
    return weights[fits]


def _slice(block: FieldBlock, slices: np.ndarray, rows: np.ndarray, column: int) -> pa.Array:
    return strings(block.data, slices[rows, column], slices[rows, column + 1])


def _bulk(
    block: FieldBlock,
    rows: np.ndarray,
    slices: np.ndarray,
    weights: np.ndarray,
    tally: Tally,
    options: Options,
) -> Iterator[TripleBatch | LabelBatch]:
    """Yield what the taken lines of a block say."""
    if options.negated != "keep":
        relations = _slice(block, slices, rows, kernels.RELATION)
        negative = pc.starts_with(relations, "Not").to_numpy(zero_copy_only=False)
        kept = negative == (options.negated == "only")
        tally.skip(NEGATED if options.negated == "skip" else NOT_NEGATED, int(np.count_nonzero(~kept)))
        rows, weights = rows[kept], weights[kept]
    if not len(rows):
        return
    tally.accept(len(rows))
    batch = TripleBatch(
        heads=_slice(block, slices, rows, kernels.HEAD),
        relations=_slice(block, slices, rows, kernels.RELATION),
        tails=_slice(block, slices, rows, kernels.TAIL),
        weights=pa.array(weights),
        sources=_slice(block, slices, rows, kernels.DATASET),
        lines=pa.array(block.numbers(rows)),
    )
    yield batch
    if options.labelled:
        yield _concept_labels(batch, options)
    if options.surfaces:
        for names, column in ((batch.heads, kernels.SURFACE_START), (batch.tails, kernels.SURFACE_END)):
            there = slices[rows, column + 1] > 0
            texts = _slice(block, slices, rows[there], column)
            yield _aliases(names.filter(pa.array(there)), texts)


def _parse_odd(block: FieldBlock, rows: np.ndarray, tally: Tally, options: Options) -> list[TripleBatch | LabelBatch]:
    """Return what the unusual lines of a block say, read one by one."""
    taken: list[Assertion] = []
    numbers: list[int] = []
    for row, number in zip(rows.tolist(), block.numbers(rows).tolist(), strict=True):
        found = parse_assertion(block.line(row), options)
        if isinstance(found, Assertion):
            tally.accept()
            taken.append(found)
            numbers.append(number)
        elif isinstance(found, Skipped):
            tally.skip(found.reason)
        else:
            tally.reject(found, number, block.text(row))
    if not taken:
        return []
    columns = [pa.array(column) for column in zip(*taken, strict=True)]
    heads, relations, tails, weights, sources, head_surfaces, tail_surfaces = columns
    batch = TripleBatch(
        heads=heads, relations=relations, tails=tails, weights=weights, sources=sources, lines=pa.array(numbers)
    )
    found_records: list[TripleBatch | LabelBatch] = [batch]
    if options.labelled:
        found_records.append(_concept_labels(batch, options))
    if options.surfaces:
        for names, texts in ((heads, head_surfaces), (tails, tail_surfaces)):
            there = pc.not_equal(texts, "")
            found_records.append(_aliases(names.filter(there), texts.filter(there)))
    return found_records


def _concept_labels(batch: TripleBatch, options: Options) -> LabelBatch:
    """Return the text of each concept of a batch as its label."""
    names = pc.unique(pa.chunked_array([batch.heads, batch.tails]))
    rest = pc.replace_substring_regex(names, "^[^/]*/", "") if options.named_after_language else names
    texts = pc.replace_substring(pc.replace_substring_regex(rest, "/.*", ""), "_", " ")
    return LabelBatch(entities=names, texts=texts, preferred=pa.array(np.ones(len(names), dtype=bool)))


def _aliases(names: pa.Array, texts: pa.Array) -> LabelBatch:
    return LabelBatch(entities=names, texts=texts, preferred=pa.array(np.zeros(len(names), dtype=bool)))


def parse_assertion(line: bytes, options: Options) -> Assertion | Skipped | str:
    """Return what a line says, why it is skipped, or as a text why it cannot be used: the rules of this reader."""
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        return f"{NOT_UTF8} ({error.reason})"
    fields = text.split("\t")
    if not text.strip():
        return Skipped(BLANK)
    if len(fields) != COLUMNS:
        return f"{len(fields)} tab-separated columns, expected {COLUMNS}: URI, relation, start, end, metadata"
    _, relation, start, end, metadata = fields
    if not relation.startswith("/r/") or relation == "/r/":
        return f"the relation is '{relation}', expected /r/NAME"
    if relation == "/r/ExternalURL" or start.startswith("http") or end.startswith("http"):
        return Skipped(EXTERNAL)
    names = []
    for role, uri in (("start", start), ("end", end)):
        parts = uri.rstrip("/").split("/")
        if len(parts) < 4 or parts[:2] != ["", "c"] or not parts[2] or not parts[3]:
            return f"the {role} is '{uri}', expected /c/LANGUAGE/CONCEPT"
        names.append(parts[2:4] if options.senses == "merge" else parts[2:])
    if options.languages and not all(language in options.languages for language, *_ in names):
        return Skipped(OTHER_LANGUAGE)
    head, tail = ("/".join(parts if options.named_after_language else parts[1:]) for parts in names)
    found = _parse_metadata(metadata)
    if isinstance(found, str):
        return found
    name = relation.removeprefix("/r/")
    if options.negated != "keep" and name.startswith("Not") != (options.negated == "only"):
        return Skipped(NEGATED if options.negated == "skip" else NOT_NEGATED)
    return Assertion(head, name, tail, *found)


def _parse_metadata(text: str) -> tuple[float, str, str, str] | str:
    """Return weight, data set and surface texts of an assertion, or why they cannot be told."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"the metadata are not JSON ({error})"
    if not isinstance(values, dict):
        return f"the metadata are {type(values).__name__} in JSON, expected an object"
    weight, dataset = values.get("weight"), values.get("dataset")
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not MIN_WEIGHT <= weight <= MAX_WEIGHT:
        return f"the metadata give weight {weight!r}, {WEIGHT_EXPECTED}"
    if not isinstance(dataset, str) or not dataset.startswith("/d/") or dataset == "/d/":
        return f"the metadata give dataset {dataset!r}, expected /d/NAME"
    start, end = values.get("surfaceStart"), values.get("surfaceEnd")
    surfaces = [surface if isinstance(surface, str) else "" for surface in (start, end)]
    if not all(map(is_unicode, (dataset, *surfaces))):
        return "the metadata escape half a character, which UTF-8 cannot write"
    return float(weight), dataset.removeprefix("/d/"), surfaces[0], surfaces[1]
