"""Feeds mutated and generated sources to every reader: nothing but a clear error may come of them.

    python scripts/fuzz_readers.py --inputs 1000000 [--seed 0] [--reader rdf]

For each input: only a KglmError is raised; reading ends in time; every line read is accepted, skipped or rejected;
what is accepted has valid fields. Prints one JSON line with counts per reader; the exit status is 1 if anything was
found, and each find is told on standard error with the bytes that caused it.
"""

from __future__ import annotations

import argparse
import bz2
import faulthandler
import gzip
import json
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from kglm.errors import KglmError
from kglm.kg.readers import READERS, read_records
from kglm.kg.readers.batches import one_by_one
from kglm.kg.records import MAX_WEIGHT, MIN_WEIGHT, Description, Label, Triple
from kglm.kg.tally import Tally
from kglm.testing.wordnet_samples import SENSE_INDEX, database_files, table_files, write_files

SECONDS_AN_INPUT = 10
SECONDS_A_THOUSAND = 600
MAX_COUNT = 2**31 - 1
FINDS_TOLD = 20

PREFIXES = """@prefix : <http://e.org/> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
TURTLE = (
    PREFIXES
    + """:a :r :b , :c ; rdfs:label "A"@en, 'b' ; :n 1.5e3 .
[] a rdf:Statement ; rdf:subject :a ; rdf:predicate :r ; rdf:object :b ; :weight 2.5 .
:b :r :c {| :weight "3"^^xsd:float |} . << :a :r :b >> :weight 4 . _:x :r ( :a [ :s "t" ] ) .
"""
)
NTRIPLES = """<http://e.org/a> <http://e.org/r> <http://e.org/b> .
# remark
_:x <http://www.w3.org/2000/01/rdf-schema#label> "A\\u0041\\n"@en-GB .
<http://e.org/a> <http://e.org/r> "1"^^<http://www.w3.org/2001/XMLSchema#int> .
_:s <http://www.w3.org/1999/02/22-rdf-syntax-ns#reifies> <<( <http://e.org/a> <http://e.org/r> <http://e.org/b> )>> .
"""
NQUADS = "<http://e.org/a> <http://e.org/r> <http://e.org/b> <http://e.org/g> .\n_:x <urn:p> _:y _:g .\n"
TRIG = PREFIXES + ":g { :a :r :b . :b :r [] } { :c :r :d } GRAPH :h { :a :s 'x'@de }\n"
RDFXML = """<?xml version="1.0"?>
<!DOCTYPE r [<!ENTITY e "http://e.org/">]>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://e.org/" xml:base="http://b.org/">
  <rdf:Description rdf:about="&e;a"><r rdf:resource="b"/><s xml:lang="en">A &amp; B</s>
    <t rdf:parseType="Collection"><C rdf:ID="c"/></t><u rdf:ID="st" rdf:nodeID="n"/></rdf:Description>
</rdf:RDF>
"""
JSONLD = """{"@context": {"e": "http://e.org/", "@vocab": "http://v.org/", "l": {"@id": "e:l", "@language": "en"}},
 "@graph": [{"@id": "e:a", "@type": "e:T", "e:r": [{"@id": "e:b"}, {"@list": [1, true, "x"]}], "l": "A", "n": null},
  {"@id": "e:b", "@reverse": {"e:r": {"@id": "e:c"}}}]}
"""
N3 = PREFIXES + ":a :r :b ; is :s of :c . { :a :r ?x } => { ?x :s :a } . :a!:r^:s :t :b .\n"
TSV = "head\trelation\ttail\tweight\nbread\tMadeOf\tflour\t2.5\n# remark\n\noven\tUsedFor\tbake bread\t1\n"
CSV = 'head,relation,tail,weight\nbread,"Made, Of","fl""our",2.5\n\noven,UsedFor,"bake\nbread",1\n'
MERGED = (
    "head\trelation\ttail\tweights\thead_norm\ttail_norm\na dog\tIsA\tpets\tcn100k=1;cn4=0.5\tdog\tpet\n"
    "dogs\tCapableOf\tbark\tcn4=2\tdog\tbark\n"
)
CONCEPTNET = (
    '/a/[/r/IsA/,/c/en/dog/n/,/c/en/animal/]\t/r/IsA\t/c/en/dog/n\t/c/en/animal\t{"dataset": "/d/verbosity", '
    '"license": "cc:by/4.0", "sources": [{"contributor": "/s/x"}], "surfaceText": "[[a dog]] is [[an animal]]", '
    '"surfaceStart": "a dog", "surfaceEnd": "an animal", "weight": 2.0}\n'
    '/a/[/r/NotDesires/]\t/r/NotDesires\t/c/en/cat\t/c/fr/bain\t{"dataset": "/d/x", "weight": 1}\n'
    '/a/x\t/r/ExternalURL\t/c/en/a\thttp://e.org/a\t{"dataset": "/d/dbpedia", "weight": 1.0}\n'
)
TYPES = '{"Q1": ["Q5", "Q6"], "Q3": ["Q5"], "Q9": []}'
WIKIDATA = "Q1\tP2\tQ3\nQ3 P4 Q5\n# remark\nQ1\tP31\tQ5\n"

TOKENS = [
    b"\0", b"\t", b"\n", b"\r", b"\r\n", b" ", b'"', b"'", b"\\", b"<", b">", b"{", b"}", b"[", b"]", b"(", b")",
    b".", b",", b";", b":", b"|", b"#", b"@", b"%", b"&", b"=", b"_:", b"^^", b"@prefix ", b"@base <",
    b"http://e.org/", b"-1", b"0", b"1e999", b"1e-999", b"nan", b"inf", b"9" * 40, b"null", b"true", b"[]", b"{}",
    b'"""', b"<<", b"<<(", b"{|", b"\\ud800", b"\\u0000", b"\\U0010ffff", b"\xff", b"\xc3", b"\xed\xa0\x80",
    b"\xef\xbb\xbf", b"\xf0\x9f\x98\x80", "\u2028".encode(), "\u00e9e\u0301".encode(), b"\x1f\x8b", b"BZh9",
    b"\x28\xb5\x2f\xfd", b"PAR1", b"ARROW1", b"/c/en/", b"/r/", b"Q1", b"00000400", b" n 0000", b"weight",
    b"rdf:Statement", b"a", b"b", b"x" * 300,
]  # fmt: skip
COMPRESSIONS: list[Callable[[bytes], bytes]] = [
    lambda content: gzip.compress(content, 1, mtime=0),
    lambda content: bz2.compress(content, 1),
    zstandard.ZstdCompressor(level=1).compress,
]


@dataclass(frozen=True)
class Case:
    """Sources for a reader: a file of some name, or one file of a folder; ``share`` of the inputs go to it."""

    format: str
    file: str
    samples: tuple[bytes, ...]
    options: dict[str, Any] = field(default_factory=dict)
    folder: dict[str, bytes] | None = None
    share: float = 1.0


def cases() -> list[Case]:
    """Return the cases for all readers."""
    texts = {
        "turtle": TURTLE, "ntriples": NTRIPLES, "nquads": NQUADS, "trig": TRIG, "rdfxml": RDFXML, "jsonld": JSONLD,
        "n3": N3,
    }  # fmt: skip
    found = [
        Case("rdf", f"{syntax}.rdf-text", (text.encode(),), {"syntax": syntax, "blank_nodes": blank}, share=1.5)
        for syntax, text in texts.items()
        for blank in ("skip", "keep")
    ]
    found += [
        Case("turtle", "x.ttl", (TURTLE.encode(),)),
        Case("tsv", "x.tsv", (TSV.encode(),), share=2),
        Case("csv", "x.csv", (CSV.encode(),), share=2),
        Case("conceptnet_merged", "x.tsv", (MERGED.encode(),), share=2),
        Case("conceptnet5", "x.csv", (CONCEPTNET.encode(),), share=2),
        Case("conceptnet5", "x.csv", (CONCEPTNET.encode(),), {"languages": (), "senses": "keep", "surfaces": True}),
        Case("wikidata", "x.txt", (WIKIDATA.encode(),), share=2),
        Case("entity_types", "x.json", (TYPES.encode(),), share=2),
        *_binary_cases(),
    ]
    for files in (database_files(), database_files() | {"index.sense": SENSE_INDEX.encode()}, table_files()):
        found += [Case("wordnet", name, (content,), folder=files, share=0.1) for name, content in files.items()]
    return found


def _binary_cases() -> list[Case]:
    table = pa.table({"head": ["a", "b"], "relation": ["r", "s"], "tail": ["b", "c"], "weight": [1.0, 2.0]})
    parquet, arrow, stream = (pa.BufferOutputStream() for _ in range(3))
    pq.write_table(table, parquet)
    for sink, writer in ((arrow, pa.ipc.new_file), (stream, pa.ipc.new_stream)):
        with writer(sink, table.schema) as handle:
            handle.write_table(table)
    samples = [sink.getvalue().to_pybytes() for sink in (parquet, arrow, stream)]
    state = json.dumps({"_data_files": [{"filename": "data.arrow"}]}).encode()
    saved = {"state.json": state, "data.arrow": samples[2]}
    return [
        Case("parquet", "x.parquet", (samples[0],)),
        Case("arrow", "x.arrow", (samples[1], samples[2])),
        Case("dataset", "state.json", (state,), folder=saved, share=0.5),
        Case("dataset", "data.arrow", (samples[2],), folder=saved, share=0.5),
    ]


def mutated(sample: bytes, chance: random.Random) -> bytes:
    """Return a source made from a valid one by a few changes, or from tokens alone; now and then compressed."""
    kind = chance.random()
    if kind < 0.1:
        data = bytearray(b"".join(chance.choices(TOKENS, k=chance.randrange(20))))
    else:
        data = bytearray(sample)
        for _ in range(chance.choice((1, 1, 2, 3, 6))):
            _change(data, chance)
    content = bytes(data)
    if kind > 0.93:
        content = chance.choice(COMPRESSIONS)(content)
        if kind > 0.95:
            data = bytearray(content)
            _change(data, chance)
            content = bytes(data)
    return content


def _change(data: bytearray, chance: random.Random) -> None:
    """Make one change in place."""
    at, other = sorted((chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)))
    other = min(other, at + chance.choice((1, 4, 30, 1 << 30)))
    match chance.randrange(9):
        case 0 if data:
            data[at - 1] ^= 1 << chance.randrange(8)
        case 1 if data:
            data[at - 1] = chance.randrange(256)
        case 2:
            del data[at:other]
        case 3:
            data[at:at] = data[at:other]
        case 4:
            lines = data.split(b"\n")
            chance.shuffle(lines)
            data[:] = b"\n".join(lines)
        case 5:
            data[chance.randrange(len(data) + 1) :] = b""
        case 6:
            data[at:at] = data[at:other] * chance.choice((2, 50))
        case _:
            data[at : at + chance.choice((0, 0, 1, 5))] = chance.choice(TOKENS)


class _TooSlow(BaseException):
    """An input took longer than it may."""


def check(case: Case, path: Path) -> str:
    """Read a source, and return what became of it: ``read`` or ``refused``.

    Raises:
        AssertionError: the tally does not add up, or a record has an invalid field.
        BaseException: whatever else escapes the reader.
    """
    tally = Tally(limit=5)
    try:
        for record in one_by_one(read_records(path, tally, case.format, case.options)):
            require_valid(record)
    except KglmError:
        assert tally.accepted + tally.skipped.total() + tally.rejected <= tally.lines + 1, (
            f"too many verdicts: {tally}"
        )
        return "refused"
    assert tally.lines == tally.accepted + tally.skipped.total() + tally.rejected, f"lines lost: {tally}"
    return "read"


def require_valid(record: Triple | Label | Description) -> None:
    """Check the fields of a record.

    Raises:
        AssertionError: one is not what the builder may expect.
    """
    texts = record[:3] if isinstance(record, Triple) else record[:1]
    assert all(isinstance(text, str) and text for text in texts), f"an empty name in {record}"
    for text in record:
        if isinstance(text, str):
            text.encode()
    if isinstance(record, Triple):
        assert MIN_WEIGHT <= record.weight <= MAX_WEIGHT, f"a weight out of range in {record}"
    elif isinstance(record, Label):
        assert 0 <= record.count <= MAX_COUNT, f"a count out of range in {record}"
        assert isinstance(record.text, str), f"no text in {record}"


def run(inputs: int, seed: int, reader: str | None, folder: Path) -> dict[str, Any]:
    """Fuzz the readers, and return the counts."""
    chosen = [case for case in cases() if reader in (None, case.format)]
    outcomes: dict[str, Counter[str]] = {case.format: Counter() for case in chosen}
    finds: list[str] = []
    share = inputs / sum(case.share for case in chosen)
    began = time.monotonic()
    for number, case in enumerate(chosen):
        place = folder / str(number)
        path = write_files(place, case.folder or {}) if case.folder else write_files(place, {}) / case.file
        amount = max(1, round(share * case.share))
        for outcome, find in _fuzz(case, path, amount, random.Random(f"{seed} {number}")):
            outcomes[case.format][outcome] += 1
            if find:
                finds.append(f"{case.format} {case.file} {case.options}: {find}")
                if len(finds) <= FINDS_TOLD:
                    print(finds[-1], file=sys.stderr, flush=True)
        done = f"{time.monotonic() - began:.0f} s: {amount} inputs for {case.format} {case.file}"
        print(done, file=sys.stderr, flush=True)
    return {
        "inputs": sum(counts.total() for counts in outcomes.values()),
        "seconds": round(time.monotonic() - began, 1),
        "seed": seed,
        "readers": {name: dict(counts) for name, counts in sorted(outcomes.items())},
        "unfuzzed": sorted(READERS.keys() - {case.format for case in chosen}) if reader is None else [],
        "finds": len(finds),
    }


def _fuzz(case: Case, path: Path, inputs: int, chance: random.Random) -> Iterator[tuple[str, str]]:
    """Yield the outcome of each input, and what was found."""
    target = path / case.file if case.folder else path
    before = signal.signal(signal.SIGALRM, _stop)
    try:
        yield from _outcomes(case, path, target, inputs, chance)
    finally:
        signal.signal(signal.SIGALRM, before)
        faulthandler.cancel_dump_traceback_later()


def _outcomes(case: Case, path: Path, target: Path, inputs: int, chance: random.Random) -> Iterator[tuple[str, str]]:
    for number in range(inputs):
        if number % 1000 == 0:
            # For a hang in compiled code, where no signal is handled.
            faulthandler.dump_traceback_later(SECONDS_A_THOUSAND, exit=True)
        content = mutated(chance.choice(case.samples), chance)
        target.write_bytes(content)
        signal.setitimer(signal.ITIMER_REAL, SECONDS_AN_INPUT)
        try:
            yield check(case, path), ""
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            yield "failed", f"{type(error).__name__}: {str(error)[:300]} on {content[:600]!r}"
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def _stop(*_: object) -> None:
    raise _TooSlow(f"no end after {SECONDS_AN_INPUT} s")


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, required=True, help="how many inputs in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reader", choices=sorted(READERS), help="fuzz this reader alone")
    options = parser.parse_args(arguments)
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        counts = run(options.inputs, options.seed, options.reader, Path(folder))
    print(json.dumps(counts))
    return 1 if counts["finds"] else 0


if __name__ == "__main__":
    sys.exit(main())
