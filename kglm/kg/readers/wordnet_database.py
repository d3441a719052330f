"""WordNet's own database: ``data.*``, ``index.*``, ``index.sense``, ``cntlist.rev`` (wndb(5WN), senseidx(5WN))."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kglm.kg.readers.lines import BLANK
from kglm.kg.readers.wordnet_lexicon import (
    LEXICAL,
    UNKNOWN_COUNT,
    Lexicon,
    Synset,
    find_file,
    numbered_lines,
    parse_count,
    sense_key,
)
from kglm.kg.tally import Tally

LICENCE = "licence"
ABSENT = "pointer into a part of speech that is not there"

FILES = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
POINTERS = {
    "!": "antonym", "@": "hypernym", "@i": "instance_hypernym", "~": "hyponym", "~i": "instance_hyponym",
    "#m": "member_holonym", "#s": "substance_holonym", "#p": "part_holonym",
    "%m": "member_meronym", "%s": "substance_meronym", "%p": "part_meronym",
    "=": "attribute", "+": "derivationally_related", "*": "entailment", ">": "cause", "^": "also_see",
    "$": "verb_group", "&": "similar_to", "<": "participle_of", "\\": "pertainym",
    ";c": "domain_topic", ";r": "domain_region", ";u": "domain_usage",
    "-c": "member_of_domain_topic", "-r": "member_of_domain_region", "-u": "member_of_domain_usage",
}  # fmt: skip
SEMANTIC = "0000"
SIMILAR = "&"

_OFFSET = re.compile(r"[0-9]{8}")
_BEGIN = re.compile(r"[0-9]{8} [0-9]{2} [nvasr] [0-9a-fA-F]{2} ")
_MARKER = re.compile(r"\((?:a|p|ip)\)$")
_WORDS = re.compile(r"[0-9a-fA-F]{4}")
_LEX_IDS = frozenset("0123456789abcdefABCDEF")
_PARTS_OF_SPEECH = {"1": "n", "2": "v", "3": "a", "4": "r", "5": "a"}
_KEY = re.compile(r"([^%\s]+)%([1-5]):[0-9]{2}:[0-9]{2}:[^:\s]*:(?:[0-9]{2})?")


class Line(NamedTuple):
    """A synset as its line in a data file tells it.

    ``words`` still bear their markers, as the head word does in the sense keys of a cluster (``preceding(a)``);
    ``pointers`` come in groups of four: symbol, offset, part of speech, numbers of the words.
    """

    path: Path
    number: int
    ss_type: str
    file: str
    words: list[str]
    lex_ids: list[str]
    pointers: list[str]
    gloss: str


def is_database(folder: Path) -> bool:
    """Say whether a folder holds a data file of WordNet."""
    return any(find_file(folder, f"data.{name}") for name in FILES.values())


def read_database(folder: Path, tally: Tally, *, lexical: bool) -> Lexicon:
    """Return the WordNet of a folder of database files; the arguments are those of ``read_wordnet``.

    The order of senses comes from ``index.sense`` or, where that is missing, from ``index.noun`` and its like; counts
    from ``cntlist.rev`` or, where that is missing, from ``index.sense``. Sense keys are derived from the data files.

    Raises:
        DataError: a file is damaged, or more entries are rejected than allowed.
    """
    lines: dict[str, Line] = {}
    present = [pos for pos, name in FILES.items() if find_file(folder, f"data.{name}")]
    for pos in present:
        _read_data(folder, pos, lines, tally)
    lexicon = Lexicon({entity: _synset(line, lines) for entity, line in lines.items()})
    _add_pointers(lexicon, lines, present, tally, lexical)
    known = lexicon.known_keys()
    by_key = find_file(folder, "index.sense")
    counted = find_file(folder, "cntlist.rev")
    if by_key:
        _read_sense_index(by_key, lexicon, known, tally, with_counts=counted is None)
    else:
        for pos in present:
            _read_index(folder, pos, lexicon, tally)
    if counted:
        _read_counts(counted, lexicon, known, tally)
    return lexicon


def _lines(path: Path, tally: Tally) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file with their numbers, but for its licence, which is indented, and blank ones."""
    for number, line in numbered_lines(path, tally):
        if line and not line[0].isspace():
            yield number, line
        else:
            tally.skip(LICENCE if line.strip() else BLANK)


def _read_data(folder: Path, pos: str, lines: dict[str, Line], tally: Tally) -> None:
    path = find_file(folder, f"data.{FILES[pos]}") or folder
    before = len(lines)
    for number, text in _lines(path, tally):
        found = _parse_synset(text, pos, path, number)
        entity = pos + text[:8]
        if isinstance(found, str):
            tally.reject(found, number, text)
        elif entity in lines:
            tally.reject(f"synset {text[:8]} stands twice", number, text)
        else:
            lines[entity] = found
    tally.accept(len(lines) - before)


def _parse_synset(text: str, pos: str, path: Path, number: int) -> Line | str:
    """Return a line of a data file in its parts, or why it is none.

    ``offset lex_filenum ss_type w_cnt word lex_id ... p_cnt [symbol offset pos words ...] [frames] | gloss``
    """
    data, bar, gloss = text.partition("|")
    if not bar or not _BEGIN.match(data):
        return "no synset; expected 'offset lex_filenum ss_type w_cnt word lex_id ... p_cnt ... | gloss'"
    fields = data.split()
    ss_type = fields[2]
    if ss_type != pos and not (ss_type == "s" and pos == "a"):
        return f"a synset of type '{ss_type}' in a file of type '{pos}'"
    words_end = 4 + 2 * int(fields[3], 16)
    words, lex_ids = fields[4:words_end:2], fields[5:words_end:2]
    count = fields[words_end] if words_end < len(fields) else ""
    if not words or not (len(count) == 3 and count.isascii() and count.isdigit()):
        return f"the number of pointers after {fields[3]} (hexadecimal) words is '{count}', expected three digits"
    if not _LEX_IDS.issuperset(lex_ids):
        return f"the lex_ids are {' '.join(lex_ids)}, expected a hexadecimal digit each"
    pointers_end = words_end + 1 + 4 * int(count)
    rest = fields[pointers_end:]
    frames = int(rest[0]) if rest and len(rest[0]) == 2 and rest[0].isascii() and rest[0].isdigit() else 0
    if len(fields) < pointers_end or (len(rest) != 1 + 3 * frames if rest else False) or (rest and pos != "v"):
        return f"{len(fields) - words_end - 1} fields after the words, expected {count} pointers of four fields each"
    pointers = fields[words_end + 1 : pointers_end]
    return Line(path, number, ss_type, fields[1], words, lex_ids, pointers, gloss.strip())


def _synset(line: Line, lines: dict[str, Line]) -> Synset:
    """Return a synset with the keys of its words, which name the head of a satellite's cluster."""
    words, head, head_id = line.words, "", -1
    if line.ss_type in "as":
        words = [_MARKER.sub("", word) for word in words]
    if line.ss_type == "s" and SIMILAR in line.pointers[::4]:
        at = 4 * line.pointers[::4].index(SIMILAR)
        cluster = lines.get("a" + line.pointers[at + 1])
        if cluster is not None:
            head, head_id = cluster.words[0], int(cluster.lex_ids[0], 16)
    keys = [
        sense_key(word, line.ss_type, line.file, int(lex_id, 16), head, head_id)
        for word, lex_id in zip(words, line.lex_ids, strict=True)
    ]
    return Synset(words, keys, line.gloss)


def _add_pointers(lexicon: Lexicon, lines: dict[str, Line], present: list[str], tally: Tally, lexical: bool) -> None:
    """Turn pointers into relations; only now are all synsets known."""
    heads: list[str] = []
    relations: list[str] = []
    tails: list[str] = []
    relation_of = POINTERS.get
    for entity, line in lines.items():
        pointers = line.pointers
        tally.read(len(pointers) // 4)
        for symbol, offset, pos, words in zip(
            pointers[::4], pointers[1::4], pointers[2::4], pointers[3::4], strict=True
        ):
            relation, tail = relation_of(symbol), ("a" if pos == "s" else pos) + offset
            if relation is None or tail not in lines or not (words == SEMANTIC or _WORDS.fullmatch(words)):
                _judge_pointer(line, f"{symbol} {offset} {pos} {words}", pos, present, tally)
            elif words != SEMANTIC and not lexical:
                tally.skip(LEXICAL)
            else:
                heads.append(entity)
                relations.append(relation)
                tails.append(tail)
    tally.accept(len(heads))
    lexicon.pointers.append((heads, relations, tails))


def _judge_pointer(line: Line, text: str, pos: str, present: list[str], tally: Tally) -> None:
    symbol, offset, _, words = text.split(" ")
    part = "a" if pos == "s" else pos
    if symbol in POINTERS and part in FILES and part not in present and _OFFSET.fullmatch(offset):
        tally.skip(ABSENT)
        return
    tally.path = line.path
    expected = "expected a known symbol, the offset and part of speech of a synset, and four hexadecimal digits"
    tally.reject(f"pointer '{symbol} {offset} {pos} {words}', {expected}", line.number, text)


def _read_index(folder: Path, pos: str, lexicon: Lexicon, tally: Tally) -> None:
    """Read ``lemma pos synset_cnt p_cnt [symbols] sense_cnt tagsense_cnt offsets`` of a part of speech."""
    path = find_file(folder, f"index.{FILES[pos]}")
    if path is None:
        return
    expected = "expected 'lemma pos synset_cnt p_cnt [symbols] sense_cnt tagsense_cnt offsets'"
    for number, line in _lines(path, tally):
        fields = line.split()
        symbols = parse_count(fields[3]) if len(fields) > 3 else None
        offsets = fields[6 + symbols :] if symbols is not None else []
        if symbols is None or fields[1] != pos or fields[2] != str(len(offsets)) or len(fields) < 6 + symbols:
            tally.reject(f"no index entry; {expected}", number, line)
        elif reason := lexicon.add_senses(fields[0], pos, [pos + offset for offset in offsets]):
            tally.reject(reason, number, line)
        else:
            tally.accept()


def _read_sense_index(path: Path, lexicon: Lexicon, known: set[str], tally: Tally, *, with_counts: bool) -> None:
    """Read ``sense_key offset sense_number tag_cnt``, sorted by key rather than by number."""
    numbered: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for place, line in _lines(path, tally):
        fields = line.split(" ")
        key = _KEY.fullmatch(fields[0])
        numbers = [parse_count(text) for text in fields[2:]]
        if key is None or len(fields) != 4 or None in numbers or not _OFFSET.fullmatch(fields[1]):
            tally.reject("no sense; expected 'sense_key synset_offset sense_number tag_cnt'", place, line)
            continue
        pos = _PARTS_OF_SPEECH[key[2]]
        if pos + fields[1] not in lexicon.synsets:
            tally.reject(f"sense '{fields[0]}' names the synset '{pos}{fields[1]}', which is not there", place, line)
            continue
        tally.accept()
        number, count = numbers
        numbered.setdefault((key[1], pos), []).append((number or 0, pos + fields[1]))
        if with_counts and count and fields[0] in known:
            lexicon.counts[fields[0]] = count
    for lemma, senses in numbered.items():
        lexicon.senses[lemma] = [entity for _, entity in sorted(set(senses))]


def _read_counts(path: Path, lexicon: Lexicon, known: set[str], tally: Tally) -> None:
    """Read ``sense_key sense_number tag_cnt``; the file also counts senses of other versions."""
    for place, line in _lines(path, tally):
        fields = line.split()
        count = parse_count(fields[2]) if len(fields) == 3 else None
        if count is None:
            tally.reject("no count; expected 'sense_key sense_number tag_cnt'", place, line)
        elif fields[0] not in known:
            tally.skip(UNKNOWN_COUNT)
        else:
            tally.accept()
            lexicon.counts[fields[0]] = count
