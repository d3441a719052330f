"""WordNet as tab-separated tables with headers: synsets, triples, senses of lemmas, counts of senses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kglm.errors import DataError
from kglm.kg.readers.blocks import NOT_UTF8, FieldBlock, read_field_blocks
from kglm.kg.readers.lines import HEADER
from kglm.kg.readers.wordnet_lexicon import (
    LEXICAL,
    UNKNOWN_COUNT,
    Lexicon,
    Pointers,
    Synset,
    find_file,
    numbered_lines,
    parse_count,
)
from kglm.kg.tally import Tally

SYNSETS = ("synset", "ss_type", "lexfile", "lemmas", "sense_keys", "gloss")
TRIPLES = ("head", "relation", "tail", "head_lemma", "tail_lemma")
SENSES = ("lemma", "pos", "synsets_most_frequent_first")
COUNTS = ("sense_key", "synset", "semcor_count")


def is_tables(folder: Path) -> bool:
    """Say whether a folder holds these tables."""
    return find_file(folder, "synsets.tsv") is not None and find_file(folder, "triples.tsv") is not None


def read_tables(folder: Path, tally: Tally, *, lexical: bool) -> Lexicon:
    """Return the WordNet of a folder of tables; the arguments are those of ``read_wordnet``.

    Raises:
        DataError: a table has another header or is damaged, or more lines are rejected than allowed.
    """
    lexicon = Lexicon()
    for number, (entity, _, _, words, keys, gloss) in _rows(folder, "synsets.tsv", SYNSETS, tally):
        synset = Synset(words.split("|"), keys.split("|"), gloss)
        _settle(_add_synset(lexicon, entity, synset), number, entity, tally)
    lexicon.pointers += _pointers(folder, lexicon, tally, lexical)
    for number, (lemma, pos, entities) in _rows(folder, "lemma_senses.tsv", SENSES, tally):
        reason = lexicon.add_senses(lemma, pos, entities.split("|") if entities else [])
        _settle(reason, number, lemma, tally)
    known = lexicon.known_keys()
    for number, (key, _, text) in _rows(folder, "sense_counts.tsv", COUNTS, tally):
        count = parse_count(text)
        if count is not None and key not in known:
            tally.skip(UNKNOWN_COUNT)
            continue
        _settle("" if count is not None else f"the count is '{text}', expected a whole number", number, key, tally)
        lexicon.counts[key] = count or 0
    return lexicon


def _settle(reason: str, number: int, text: str, tally: Tally) -> None:
    """Pass the verdict on a row; ``text`` is its first field."""
    if reason:
        tally.reject(reason, number, text)
    else:
        tally.accept()


def _add_synset(lexicon: Lexicon, entity: str, synset: Synset) -> str:
    """Take a synset, and return an empty text, or why it cannot be taken."""
    if not entity or entity in lexicon.synsets:
        return f"synset '{entity}' stands twice" if entity else "the synset is empty"
    if len(synset.words) != len(synset.keys) or "" in synset.words:
        return f"{len(synset.words)} lemmas and {len(synset.keys)} sense keys, expected as many, none empty"
    lexicon.synsets[entity] = synset
    return ""


def _rows(folder: Path, name: str, columns: tuple[str, ...], tally: Tally) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a table with their numbers, those of another length rejected; nothing for a missing table."""
    path = find_file(folder, name)
    if path is None:
        return
    for number, line in numbered_lines(path, tally):
        row = line.split("\t")
        if number == 1:
            _require_header(path, tuple(row), columns)
            tally.skip(HEADER)
        elif len(row) != len(columns):
            reason = f"{len(row)} tab-separated columns, expected {len(columns)}: {' '.join(columns)}"
            tally.reject(reason, number, line)
        else:
            yield number, row


def _require_header(path: Path, found: tuple[str, ...], expected: tuple[str, ...]) -> None:
    if found != expected:
        raise DataError.at(path, 1, f"the header is {list(found)}, expected {list(expected)}")


def _pointers(folder: Path, lexicon: Lexicon, tally: Tally, lexical: bool) -> Iterator[Pointers]:
    path = find_file(folder, "triples.tsv")
    known = pa.array(lexicon.synsets, pa.string())
    for block in read_field_blocks(path or folder, tally, len(TRIPLES)):
        tally.unit = "entry"
        rows = np.arange(len(block))
        if block.first_line == 1:
            _require_header(tally.path, tuple(block.text(0).split("\t")), TRIPLES)
            tally.skip(HEADER)
            rows = rows[1:]
        yield from _block_pointers(block, rows, known, tally, lexical)


def _block_pointers(
    block: FieldBlock, rows: np.ndarray, known: pa.Array, tally: Tally, lexical: bool
) -> Iterator[Pointers]:
    whole = block.utf8[rows] & (block.counts[rows] == len(TRIPLES))
    for row in rows[~whole]:
        fields = f"{block.counts[row]} tab-separated columns, expected {len(TRIPLES)}: {' '.join(TRIPLES)}"
        tally.reject(fields if block.utf8[row] else NOT_UTF8, int(block.first_line + row), block.text(row))
    rows = rows[whole]
    heads, relations, tails, words = (block.column(field, rows) for field in range(4))
    fits = pc.and_(
        pc.and_(pc.is_in(heads, known), pc.is_in(tails, known)), pc.greater(pc.binary_length(relations), 0)
    )
    fits = fits.to_numpy(zero_copy_only=False)
    for row in rows[~fits]:
        reason = "head or tail is no synset of synsets.tsv, or the relation is empty"
        tally.reject(reason, int(block.first_line + row), block.text(row))
    wanted = fits
    if not lexical:
        wanted = fits & (pc.binary_length(words).to_numpy(zero_copy_only=False) == 0)
        tally.skip(LEXICAL, int(np.count_nonzero(fits & ~wanted)))
    tally.accept(int(np.count_nonzero(wanted)))
    mask = pa.array(wanted)
    yield heads.filter(mask), relations.filter(mask), tails.filter(mask)
