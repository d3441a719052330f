"""The synthetic file is in ConceptNet's format, skewed as ConceptNet is, and the same every time."""

import gzip
import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import zstandard

from kglm.kg.readers.conceptnet5 import read_conceptnet5
from kglm.kg.records import TripleBatch
from kglm.kg.tally import Tally

SCRIPTS = Path(__file__).parents[2] / "scripts" / "benchmark"
NUM_LINES = 60_000


@pytest.fixture(scope="module")
def script():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        import synthetic_conceptnet

        yield synthetic_conceptnet
        for name in ("synthetic_conceptnet", "synthetic_lines"):
            sys.modules.pop(name)


@pytest.fixture(scope="module")
def content(script):
    return b"".join(bytes(chunk) for chunk in script.Writer(NUM_LINES, 0, 0.01, 0.0).chunks())


@pytest.fixture(scope="module")
def rows(content):
    return [line.split("\t") for line in content.decode().splitlines()]


def test_each_line_is_an_assertion(rows):
    assert len(rows) == NUM_LINES
    for uri, relation, start, end, metadata in rows:
        slashed = f"/{end}/" if end.startswith("http") else f"{end}/"
        assert uri in {f"/a/[{relation}/,{start}/,{slashed}]", f"/a/[{relation}/,{start}/,/{end}/]"}
        assert relation.startswith("/r/")
        assert start.startswith("/c/")
        assert end.startswith("/c/") or (relation == "/r/ExternalURL" and end.startswith("http://"))
        values = json.loads(metadata)
        assert values["dataset"].startswith("/d/")
        assert values["weight"] > 0
        assert values["sources"][0]["contributor"].startswith("/s/")
        if "surfaceText" in values:
            assert f"[[{values['surfaceStart']}]]" in values["surfaceText"]
            assert values["surfaceText"].endswith(f"[[{values['surfaceEnd']}]]")
            assert values["surfaceStart"].replace(" ", "_") == start.split("/")[3]
            assert values["surfaceEnd"].replace(" ", "_") == end.split("/")[3]


def test_it_looks_like_conceptnet_from_afar(content, rows):
    assert 265 < len(content) / NUM_LINES < 295
    ends = Counter(end for row in rows for end in row[2:4])
    assert 0.8 < len(ends) / NUM_LINES < 1.05  # 0.83 at 34 million lines
    assert 0.8 < sum(count == 1 for count in ends.values()) / len(ends) < 0.97
    assert max(ends.values()) > 0.0015 * NUM_LINES
    english = [row for row in rows if row[2].startswith("/c/en/") and row[3].startswith("/c/en/")]
    assert 0.09 < len(english) / NUM_LINES < 0.11
    mix = Counter(row[1] for row in english)
    assert 0.45 < mix["/r/RelatedTo"] / len(english) < 0.55
    assert 0.05 < sum("surfaceText" in row[4] for row in rows) / NUM_LINES < 0.08
    assert sum(not row[2].isascii() for row in rows) / NUM_LINES > 0.02
    relations = [row[1] for row in rows]
    assert relations == sorted(relations)


def test_different_concepts_have_different_names(script):
    writer = script.Writer(1000, 0, 0.0, 0.0)
    for language in {int(np.flatnonzero(writer.scripts == kind)[0]) for kind in set(writer.scripts.tolist())}:
        seen = set()
        for concept in range(30_000):
            out = np.empty(200, dtype=np.uint8)
            size = script.lines.put_text(
                out,
                0,
                language,
                concept,
                95,
                writer.syllables,
                writer.syllable_offsets,
                writer.bounds,
                writer.scripts,
            )
            seen.add(out[:size].tobytes())
        assert len(seen) == 30_000


def test_it_is_the_same_every_time_in_every_compression(script, content, tmp_path):
    for ending, unpack in (
        (".csv", bytes),
        (".csv.gz", gzip.decompress),
        (".csv.zst", lambda packed: zstandard.ZstdDecompressor().decompressobj().decompress(packed)),
    ):
        path = tmp_path / f"synthetic{ending}"
        assert script.write(path, script.Writer(NUM_LINES, 0, 0.01, 0.0)) == len(content)
        assert unpack(path.read_bytes()) == content
    other = b"".join(bytes(chunk) for chunk in script.Writer(NUM_LINES, 1, 0.01, 0.0).chunks())
    assert other != content
    with pytest.raises(SystemExit, match="another ending"):
        script.compressor(Path("synthetic.txt"))


@pytest.mark.parametrize("malformed", [0.0, 0.05])
def test_the_reader_rejects_what_was_broken_and_nothing_else(script, tmp_path, malformed):
    writer = script.Writer(20_000, 3, 0.0, malformed)
    script.write(tmp_path / "synthetic.csv", writer)
    tally = Tally(limit=20_000)
    batches = read_conceptnet5(tmp_path / "synthetic.csv", tally, languages=None)
    read = sum(len(batch) for batch in batches if isinstance(batch, TripleBatch))
    broken = int((writer._defects(0, 20_000) > 0).sum())
    assert tally.lines == 20_000
    assert read == tally.accepted
    # The metadata of a line that is skipped are not looked at, so that their defects pass.
    assert 0.9 * broken <= tally.rejected <= broken
    assert tally.accepted + tally.skipped.total() + tally.rejected == 20_000


def test_some_lines_repeat_what_stands_before_them(script):
    def repeated(share):
        text = b"".join(bytes(chunk) for chunk in script.Writer(20_000, 0, share, 0.0).chunks()).decode()
        keys = [tuple(row.split("\t")[0].split(",")[:3]) for row in text.splitlines()]
        return len(keys) - len(set(keys))

    assert repeated(0.2) > repeated(0.0) + 1000


def test_the_command_prints_what_it_wrote(script, tmp_path, monkeypatch, capsys):
    path = tmp_path / "small.csv.gz"
    monkeypatch.setattr(sys, "argv", ["synthetic_conceptnet.py", str(path), "--lines", "5000", "--seed", "7"])
    script.main()
    told = json.loads(capsys.readouterr().out)
    content = gzip.decompress(path.read_bytes())
    assert told["lines"] == content.count(b"\n") == 5000
    assert told["bytes"] == len(content)
    assert told["file_bytes"] == path.stat().st_size
