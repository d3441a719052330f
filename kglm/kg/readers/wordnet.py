"""WordNet: synsets as entities, pointers as relations, glosses as descriptions, words as labels with their counts.

Fellbaum (ed.), WordNet: An Electronic Lexical Database, MIT Press 1998; files as in wndb(5WN) and senseidx(5WN).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kglm.errors import ConfigError, DataError
from kglm.kg.readers.wordnet_database import is_database, read_database
from kglm.kg.readers.wordnet_lexicon import Lexicon, collection_paused
from kglm.kg.readers.wordnet_tables import is_tables, read_tables
from kglm.kg.records import Description, LabelBatch, Record, TripleBatch
from kglm.kg.tally import Tally

if TYPE_CHECKING:
    from kglm.kg.graph import KnowledgeGraph

BATCH_ROWS = 100_000
LEXICAL_POINTERS = ("merge", "skip")


def read_wordnet(
    path: Path | str, tally: Tally, *, lexical: str = "merge", sense_names: bool = True
) -> Iterator[Record]:
    """Yield a WordNet folder: the official database (``data.noun``, ..., there or in ``dict/``), or tables.

    The tables are ``synsets.tsv`` and ``triples.tsv``, and where they exist ``lemma_senses.tsv`` and
    ``sense_counts.tsv``; all files may be compressed. The tally counts entries: lines, and in the database also each
    pointer.

    - An entity is a synset, whether a pointer joins it to others or not, named by its part of speech (``n v a r``;
      satellites are ``a``) and its offset of eight digits: ``n02084071``.
    - A pointer is a relation: ``hypernym``, ``part_meronym``, ``antonym``, ... in both directions, as in WordNet.
      Pointers from word to word (antonyms, derivations) link the synsets of the two words.
    - Words are labels, underscores read as blanks and adjective markers such as ``(p)`` left out. WordNet's first
      word of a synset is the preferred one; the count is how often SemCor has the word in this sense.
    - With ``sense_names`` each sense of a lemma is also an alias like ``dog.n.01``, numbered in WordNet's order, most
      frequent first. It keeps that order in a compiled graph, as most counts are equal; see :func:`senses`.
    - The gloss is the description.

    Args:
        path: the folder.
        tally: counts entries.
        lexical: ``merge`` takes pointers from word to word, ``skip`` leaves them out.
        sense_names: whether to yield the aliases like ``dog.n.01``.

    Raises:
        ConfigError: an option has a value that is not allowed.
        DataError: the folder holds neither layout, a file is damaged, or more entries are rejected than allowed.
    """
    if lexical not in LEXICAL_POINTERS:
        raise ConfigError(f"lexical is '{lexical}'; allowed: {', '.join(LEXICAL_POINTERS)}")
    return _read(Path(path), tally, lexical == "merge", sense_names)


def _read(path: Path, tally: Tally, lexical: bool, sense_names: bool) -> Iterator[Record]:
    tally.start(path, unit="entry")
    with collection_paused():
        lexicon = _read_lexicon(path, tally, lexical)
        batches: list[Record] = [*_triples(lexicon), _words(lexicon)]
        if sense_names and lexicon.senses:
            batches.append(_sense_names(lexicon))
    yield from batches
    for entity, synset in lexicon.synsets.items():
        if synset.gloss:
            yield Description(entity, synset.gloss)


def _read_lexicon(path: Path, tally: Tally, lexical: bool) -> Lexicon:
    folder = path / "dict" if is_database(path / "dict") else path
    if is_database(folder):
        return read_database(folder, tally, lexical=lexical)
    if is_tables(folder):
        return read_tables(folder, tally, lexical=lexical)
    raise DataError(
        f"'{path}' is no WordNet folder; expected data.noun, data.verb, data.adj or data.adv there or in dict/, "
        "or synsets.tsv and triples.tsv (also compressed)"
    )


def _triples(lexicon: Lexicon) -> Iterator[TripleBatch]:
    for heads, relations, tails in lexicon.pointers:
        for begin in range(0, len(heads), BATCH_ROWS):
            columns = [column[begin : begin + BATCH_ROWS] for column in (heads, relations, tails)]
            first, second, third = (pa.array(column, pa.string()) for column in columns)
            yield TripleBatch(heads=first, relations=second, tails=third, weights=pa.array(np.ones(len(first))))


def _words(lexicon: Lexicon) -> LabelBatch:
    entities: list[str] = []
    texts: list[str] = []
    preferred: list[bool] = []
    counts: list[int] = []
    for entity, synset in lexicon.synsets.items():
        words = len(synset.words)
        entities += [entity] * words
        texts += synset.words
        preferred += [True] + [False] * (words - 1)
        counts += [lexicon.counts.get(key, 0) for key in synset.keys]
    words = pc.replace_substring(pa.array(texts, pa.string()), "_", " ")
    # A thousand synsets, most of them adverbs such as "not" and "very", have no pointer.
    return replace(_labels(entities, words, preferred, counts), standalone=True)


def _sense_names(lexicon: Lexicon) -> LabelBatch:
    """Return the aliases ``lemma.pos.number`` with the counts of the senses."""
    counted: Counter[tuple[str, str]] = Counter()
    for entity, synset in lexicon.synsets.items():
        # Two spellings of a lemma (with and without capitals) in a synset are one sense.
        for key in synset.keys:
            if key in lexicon.counts:
                counted[key.partition("%")[0], entity] += lexicon.counts[key]
    entities: list[str] = []
    texts: list[str] = []
    counts: list[int] = []
    for (lemma, pos), meant in lexicon.senses.items():
        entities += meant
        texts += [f"{lemma}.{pos}.{number:02d}" for number in range(1, len(meant) + 1)]
        counts += [counted[lemma, entity] for entity in meant]
    return _labels(entities, pa.array(texts, pa.string()), [False] * len(entities), counts)


def _labels(entities: list[str], texts: pa.Array, preferred: list[bool], counts: list[int]) -> LabelBatch:
    return LabelBatch(
        entities=pa.array(entities, pa.string()),
        texts=texts,
        preferred=pa.array(preferred, pa.bool_()),
        counts=pa.array(counts, pa.int64()),
    )


@dataclass(frozen=True)
class Sense:
    """A synset that a lemma may mean, and how often SemCor has it so."""

    entity: str
    count: int


def senses(graph: KnowledgeGraph, lemma: str, pos: str) -> list[Sense]:
    """Return the senses of a lemma in WordNet's order, so that the first is the most frequent one.

    Looks up the aliases ``lemma.pos.01``, ``lemma.pos.02``, ... until one is missing; the graph must have been
    compiled with ``sense_names``.

    Args:
        graph: a compiled WordNet.
        lemma: as in WordNet's index, or with blanks and capitals.
        pos: ``n``, ``v``, ``a`` or ``r``.
    """
    lemma = lemma.lower().replace(" ", "_")
    found: list[Sense] = []
    while (surface := graph.surfaces.find(f"{lemma}.{pos}.{len(found) + 1:02d}")) >= 0:
        at = int(graph.surface_indptr[surface])
        found.append(Sense(graph.entities[int(graph.surface_entities[at])], int(graph.surface_counts[at])))
    return found
