"""Write a file in ConceptNet 5's official format that looks like ConceptNet 5.7 from afar, of any length.

    python scripts/benchmark/synthetic_conceptnet.py OUT.csv.gz --lines 34000000 --seed 0

The words are invented. What is meant to be like the real file, whose 34,074,917 lines nobody needs to have for a
measurement: the format (https://github.com/commonsense/conceptnet5/wiki/Downloads), the order (by relation, language
and start), the mix of relations and languages, about 280 bytes a line, a tenth of the lines between English concepts,
some 28 million distinct concepts of which most occur once, hubs with more than 100,000 assertions, sense tags, 6 % of
lines with a sentence, scripts other than Latin. The counts of English relations are those of 5.7; the others are
rounded estimates. What is not like it: words, and which concepts have neighbours in common.

OUT ends in .csv, .csv.gz or .csv.zst. The same arguments give the same bytes (uncompressed, whatever the platform).
Prints one line of JSON.
"""

import argparse
import json
import time
import zlib
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import synthetic_lines as lines
import zstandard

from kglm.files import atomic_file

CHUNK_LINES = 100_000
FULL = 34_074_917

# Assertions between English concepts in 5.7; all with at least 3,000, and some rare ones.
ENGLISH = {
    "Antonym": 19_066, "AtLocation": 27_797, "CapableOf": 22_677, "Causes": 16_801, "CausesDesire": 4_688,
    "CreatedBy": 263, "DefinedAs": 2_173, "DerivedFrom": 325_374, "Desires": 3_170, "DistinctFrom": 3_315,
    "Entails": 405, "EtymologicallyDerivedFrom": 71, "EtymologicallyRelatedTo": 32_075, "FormOf": 378_859,
    "HasA": 5_545, "HasContext": 232_935, "HasFirstSubevent": 3_347, "HasLastSubevent": 2_874,
    "HasPrerequisite": 22_710, "HasProperty": 8_433, "HasSubevent": 25_238, "InstanceOf": 1_480, "IsA": 230_137,
    "LocatedNear": 49, "MadeOf": 545, "MannerOf": 12_715, "MotivatedByGoal": 9_489, "NotCapableOf": 329,
    "NotDesires": 2_886, "NotHasProperty": 327, "PartOf": 13_077, "ReceivesAction": 6_037, "RelatedTo": 1_703_582,
    "SimilarTo": 30_280, "SymbolOf": 4, "Synonym": 222_156, "UsedFor": 39_790, "dbpedia/genre": 3_824,
    "dbpedia/influencedBy": 1_273, "dbpedia/product": 519,
}  # fmt: skip
# Estimated shares of the relations among all other assertions.
OTHERS = {
    "Antonym": 0.004, "AtLocation": 0.002, "CapableOf": 0.0015, "Causes": 0.0015, "DerivedFrom": 0.05,
    "EtymologicallyDerivedFrom": 0.004, "EtymologicallyRelatedTo": 0.012, "ExternalURL": 0.065, "FormOf": 0.30,
    "HasContext": 0.055, "HasProperty": 0.001, "HasSubevent": 0.001, "IsA": 0.035, "MotivatedByGoal": 0.001,
    "NotDesires": 0.0002, "PartOf": 0.003, "RelatedTo": 0.295, "SimilarTo": 0.001, "Synonym": 0.165, "UsedFor": 0.001,
    "dbpedia/genre": 0.0018,
}  # fmt: skip
# Relations that join languages, and how often they do.
ACROSS = {"RelatedTo": 0.4, "Synonym": 0.35, "EtymologicallyRelatedTo": 0.5, "EtymologicallyDerivedFrom": 0.5}
# Estimated shares of the other languages' assertions, and the scripts they are written in.
LANGUAGES = {
    "ar": (0.012, "arabic"), "bg": (0.015, "cyrillic"), "ca": (0.012, "accented"), "cs": (0.012, "accented"),
    "da": (0.01, "accented"), "de": (0.07, "accented"), "el": (0.008, "greek"), "eo": (0.012, "latin"),
    "es": (0.075, "accented"), "fa": (0.007, "arabic"), "fi": (0.055, "accented"), "fr": (0.24, "accented"),
    "ga": (0.007, "accented"), "grc": (0.006, "greek"), "he": (0.005, "hebrew"), "hi": (0.004, "devanagari"),
    "hu": (0.015, "accented"), "it": (0.085, "latin"), "ja": (0.05, "kana"), "ko": (0.008, "hangul"),
    "la": (0.065, "latin"), "ms": (0.012, "latin"), "nl": (0.025, "latin"), "no": (0.01, "accented"),
    "pl": (0.02, "accented"), "pt": (0.04, "accented"), "ro": (0.01, "accented"), "ru": (0.04, "cyrillic"),
    "sh": (0.012, "latin"), "sl": (0.008, "latin"), "sv": (0.02, "accented"), "tr": (0.006, "accented"),
    "vi": (0.005, "accented"), "zh": (0.028, "han"),
}  # fmt: skip
SMALL_LANGUAGES = 60
SCRIPTS = {
    "latin": (list("bcdfghlmnprstvz"), ["a", "e", "i", "o", "u", "an", "er", "in", "ol"]),
    "accented": (list("bcdfglmnprstvz"), ["a", "e", "é", "i", "o", "ö", "u", "ai", "en", "er"]),
    "cyrillic": (list("бвгдзклмнпрст"), ["а", "е", "и", "о", "у", "ан", "ов", "ий"]),
    "greek": (list("βγδθκλμνπρστφ"), ["α", "ε", "ι", "ο", "ης", "ος"]),
    "arabic": (list("بتجدرسعفقكلمن"), ["ا", "و", "ي", "ة", "ان"]),
    "hebrew": (list("בגדהזחטלמנסר"), ["א", "ו", "י", "ים"]),
    "devanagari": (list("कखगचजतदनपबमरल"), ["ा", "ि", "ी", "ु", "े", "ो"]),
    "hangul": ([chr(code) for code in range(0xAC00, 0xAC00 + 28 * 90, 28)], [""]),
    "kana": ([chr(code) for code in range(0x304B, 0x308D)], [""]),
    "han": ([chr(code) for code in range(0x4E00, 0x4E00 + 300)], [""]),
}
SENSES = ["/n"] * 5 + ["/v"] * 3 + ["/a"] * 2 + ["/r", "/n/wn/animal", "/n/wp/film", "/v/wn/motion", "", ""]
WIKTIONARY = (
    '{{"dataset": "/d/wiktionary/{0}", "license": "cc:by-sa/4.0", "sources": [{{"contributor": '
    '"/s/resource/wiktionary/{0}", "process": "/s/process/wikiparsec/2"}}]'
)
TWO = WIKTIONARY.format("en").removesuffix("]") + (
    ', {"contributor": "/s/resource/wiktionary/fr", "process": "/s/process/wikiparsec/2"}]'
)
OMCS = '{{"dataset": "/d/conceptnet/4/{}", "license": "cc:by/4.0", "sources": [{{"activity": "/s/activity/omcs/{}", '
OMCS_PERSON = '"contributor": "/s/contributor/omcs/'
PLAIN = '{{"dataset": "/d/{0}", "license": "{1}", "sources": [{{"contributor": "/s/resource/{2}"}}]'


class Template(NamedTuple):
    """Metadata of a data set up to the sources: text, text before a person's name, text after; share by language."""

    begin: str
    person: str
    end: str
    surfaced: bool
    english: float
    others: float


TEMPLATES = [
    Template(WIKTIONARY.format("en"), "", "", False, 0.50, 0.52),
    Template(WIKTIONARY.format("fr"), "", "", False, 0.02, 0.27),
    Template(WIKTIONARY.format("de"), "", "", False, 0.01, 0.065),
    Template(TWO, "", "", False, 0.03, 0.03),
    Template(OMCS.format("en", "omcs1_possibly_free_text"), OMCS_PERSON, '"}]', True, 0.2, 0.0),
    Template(OMCS.format("pt", "globalmind"), OMCS_PERSON, '"}]', True, 0.0, 0.02),
    Template(PLAIN.format("verbosity", "cc:by/4.0", "verbosity"), "", "", True, 0.08, 0.0),
    Template(PLAIN.format("wordnet/3.1", "cc:by/4.0", "wordnet/rdf/3.1"), "", "", True, 0.08, 0.015),
    Template(PLAIN.format("dbpedia/en", "cc:by-sa/4.0", "dbpedia/2015/en"), "", "", False, 0.05, 0.05),
    Template(PLAIN.format("jmdict", "cc:by-sa/4.0", "jmdict/1.07"), "", "", False, 0.03, 0.03),
]
WEIGHTS = {"1.0": 0.93, "2.0": 0.035, "0.5": 0.015, "2.828": 0.008, "3.464": 0.005, "0.299": 0.004, "5.291": 0.003}
PIECES = [
    "/a/[", "/,", "/]", ', "surfaceEnd": "', '", "surfaceStart": "', '", "surfaceText": "[[', "", ']]"',
    ', "weight": ', "http://en.wiktionary.org/wiki/",
]  # fmt: skip


class Cell(NamedTuple):
    """Assertions of one relation between two languages."""

    relation: str
    head: str
    tail: str
    share: float


def cells() -> list[Cell]:
    """Return the parts of the file in their order, with shares that sum to 1."""
    english = sum(ENGLISH.values()) / FULL
    small = {f"x{a}{b}": 1.0 for a, b in list(product("abcdefgh", repeat=2))[:SMALL_LANGUAGES]}
    rest = 1.0 - sum(share for share, _ in LANGUAGES.values())
    languages = {name: share for name, (share, _) in LANGUAGES.items()}
    languages |= {name: rest / len(small) for name in small}
    found = [Cell(name, "en", "en", english * count / sum(ENGLISH.values())) for name, count in ENGLISH.items()]
    for (relation, part), (language, weight) in product(OTHERS.items(), languages.items()):
        share = (1.0 - english) * weight * part / sum(OTHERS.values())
        across = ACROSS.get(relation, 0.0)
        found.append(Cell(relation, language, language, share * (1.0 - across)))
        if across:
            found.append(Cell(relation, language, "en", share * across * 0.8))
            found.append(Cell(relation, language, "fr" if language != "fr" else "la", share * across * 0.2))
    return sorted(cell for cell in found if cell.share > 0)


class Pool:
    """Texts end to end, for compiled code."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []

    def add(self, *texts: str) -> int:
        """Append texts and return the place of the first."""
        self.texts.extend(text.encode() for text in texts)
        return len(self.texts) - len(texts)

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the bytes, and where each text begins and the last ends."""
        lengths = [len(text) for text in self.texts]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return np.frombuffer(b"".join(self.texts), dtype=np.uint8), offsets


class Writer:
    """Draws the file chunk by chunk."""

    def __init__(self, num_lines: int, seed: int, repeated: float, malformed: float) -> None:
        self.num_lines, self.seed, self.repeated, self.malformed = num_lines, seed, repeated, malformed
        self.cells = cells()
        self.relations = sorted({cell.relation for cell in self.cells})
        self.languages = sorted({cell.head for cell in self.cells} | {cell.tail for cell in self.cells})
        bounds = np.round(np.cumsum([cell.share for cell in self.cells]) * num_lines).astype(np.int64)
        self.ends = np.minimum(bounds, num_lines)
        self.ends[-1] = num_lines
        self._fill_tables()
        self._fill_pools()

    def _fill_tables(self) -> None:
        relation_ids = {name: index for index, name in enumerate(self.relations)}
        language_ids = {name: index for index, name in enumerate(self.languages)}
        self.cell_relations = np.array([relation_ids[cell.relation] for cell in self.cells])
        self.cell_heads = np.array([language_ids[cell.head] for cell in self.cells])
        self.cell_tails = np.array([language_ids[cell.tail] for cell in self.cells])
        share = np.zeros(len(self.languages))
        np.add.at(share, self.cell_heads, [cell.share for cell in self.cells])
        # English terms come back more often than others, most of which are inflected forms.
        english = np.array([name == "en" for name in self.languages])
        self.vocabulary = np.maximum(self.num_lines * share * np.where(english, 0.18, 0.06), 50).astype(np.int64)
        self.fresh_head = np.where(english, 0.17, 0.79)
        self.fresh_tail = np.where(english, 0.04, 0.07)
        self.is_english = english

    def _fill_pools(self) -> None:
        names, syllables = Pool(), Pool()
        prefix = names.add("/c/")
        relations = names.add(*(f"/r/{name}" for name in self.relations))
        languages = names.add(*self.languages)
        senses = names.add(*SENSES)
        templates = names.add(*(text for template in TEMPLATES for text in template[:3]))
        weights = names.add(*WEIGHTS)
        self.places = np.array([prefix, relations, languages, senses, len(SENSES), templates, weights])
        self.pieces = np.array([names.add(piece) for piece in PIECES])
        self.phrases = np.array([names.add(f"]] {spelled(name)} [[") for name in self.relations])
        starts = {name: syllables.add(*map("".join, product(*parts))) for name, parts in SCRIPTS.items()}
        self.bounds = np.array([*starts.values(), len(syllables.texts)])
        order = list(SCRIPTS)
        self.scripts = np.array([order.index(LANGUAGES.get(name, (0, "latin"))[1]) for name in self.languages])
        self.names, self.name_offsets = names.arrays()
        self.syllables, self.syllable_offsets = syllables.arrays()

    def chunks(self) -> Iterator[memoryview]:
        """Yield the file in pieces."""
        out = np.empty(CHUNK_LINES * 600 + lines.MAX_LINE_BYTES, dtype=np.uint8)
        for first in range(0, self.num_lines, CHUNK_LINES):
            yield memoryview(out)[: self._write(out, first, min(CHUNK_LINES, self.num_lines - first))]

    def _write(self, out: np.ndarray, first: int, count: int) -> int:
        cell = np.searchsorted(self.ends, np.arange(first, first + count), side="right")
        relations, head_languages, tail_languages = (
            table[cell] for table in (self.cell_relations, self.cell_heads, self.cell_tails)
        )
        heads, tails = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
        lines.draw_ends(
            self.seed, first, heads, tails, head_languages, tail_languages, self.vocabulary, self.fresh_head,
            self.fresh_tail, self.num_lines,
        )  # fmt: skip
        order = np.lexsort((heads, cell))
        self._repeat(first, order, cell, heads, tails)
        english = self.is_english[head_languages] & self.is_english[tail_languages]
        templates = np.where(
            english,
            self._choose(first, count, lines.TEMPLATE, [template.english for template in TEMPLATES]),
            self._choose(first, count, lines.TEMPLATE, [template.others for template in TEMPLATES]),
        )
        size = lines.put_lines(
            out, self.seed, first, order, relations, head_languages, tail_languages, heads, tails,
            relations == self.relations.index("ExternalURL"), templates,
            self._choose(first, count, lines.WEIGHT, list(WEIGHTS.values())),
            np.array([template.surfaced for template in TEMPLATES]), self._defects(first, count),
            self.names, self.name_offsets, self.places, self.pieces, self.syllables, self.syllable_offsets,
            self.bounds, self.scripts, self.phrases,
        )  # fmt: skip
        if size < 0:
            raise RuntimeError(f"a line among {first} to {first + count} is longer than {lines.MAX_LINE_BYTES} bytes")
        return size

    def _uniform(self, first: int, count: int, purpose: int) -> np.ndarray:
        return lines.uniforms(self.seed, first, count, purpose)

    def _choose(self, first: int, count: int, purpose: int, shares: list[float]) -> np.ndarray:
        bounds = np.cumsum(shares) / sum(shares)
        return np.minimum(np.searchsorted(bounds, self._uniform(first, count, purpose), "right"), len(shares) - 1)

    def _repeat(self, first: int, order: np.ndarray, cell: np.ndarray, heads: np.ndarray, tails: np.ndarray) -> None:
        """Let some lines state once more what stands before them, with another source or sense."""
        chosen = np.flatnonzero(self._uniform(first, len(order), lines.REPEATED)[1:] < self.repeated) + 1
        chosen = chosen[cell[order[chosen]] == cell[order[chosen - 1]]]
        heads[order[chosen]], tails[order[chosen]] = heads[order[chosen - 1]], tails[order[chosen - 1]]

    def _defects(self, first: int, count: int) -> np.ndarray:
        broken = self._uniform(first, count, lines.MALFORMED) < self.malformed
        kinds = 1 + self._choose(first, count, lines.KIND, [1.0] * lines.NUM_DEFECTS)
        return np.where(broken, kinds, 0)


def spelled(relation: str) -> str:
    """Return a relation as words: ``UsedFor`` becomes ``used for``."""
    name = relation.rpartition("/")[2]
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()


def write(path: Path, writer: Writer) -> int:
    """Write the file, compressed as its name says; return the number of bytes before compression."""
    size = 0
    with atomic_file(path, "wb") as handle:
        packer = compressor(path)
        for chunk in writer.chunks():
            size += len(chunk)
            handle.write(chunk if packer is None else packer.compress(chunk))
        if packer is not None:
            handle.write(packer.flush())
    return size


def compressor(path: Path):
    """Return what compresses a file of this name, or None."""
    if path.suffix == ".gz":
        return zlib.compressobj(1, zlib.DEFLATED, 31)
    if path.suffix == ".zst":
        return zstandard.ZstdCompressor(level=1).compressobj()
    if path.suffix == ".csv":
        return None
    raise SystemExit(f"the name '{path}' has another ending than .csv, .csv.gz or .csv.zst")


def main() -> None:
    """Parse the arguments, write the file, print what was written."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--lines", type=int, default=FULL)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeated", type=float, default=0.01, help="share of lines that state the same once more")
    parser.add_argument("--malformed", type=float, default=0.0, help="share of lines that no reader can use")
    options = parser.parse_args()
    begin = time.perf_counter()
    writer = Writer(options.lines, options.seed, options.repeated, options.malformed)
    size = write(options.out, writer)
    seconds = time.perf_counter() - begin
    row = {
        "lines": options.lines,
        "bytes": size,
        "bytes_per_line": round(size / max(options.lines, 1), 1),
        "file_bytes": options.out.stat().st_size,
        "seconds": round(seconds, 1),
        "lines_per_s": round(options.lines / seconds),
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main()
