import gzip
import json
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kglm.errors import ConfigError, DataError
from kglm.kg.readers import blocks, one_by_one, read_records
from kglm.kg.records import MAX_WEIGHT, MIN_WEIGHT, Label, LabelBatch, Triple, TripleBatch
from kglm.kg.tally import Tally


def line(relation, start, end, **metadata):
    values = {"dataset": "/d/verbosity", "license": "cc:by/4.0", "sources": [{"contributor": "/s/x"}], "weight": 1.0}
    uri = f"/a/[{relation}/,{start}/,{end}/]"
    return "\t".join([uri, relation, start, end, json.dumps({**values, **metadata}, sort_keys=True)])


SAMPLE = [
    line("/r/IsA", "/c/en/dog/n", "/c/en/house_pet", weight=2.0, dataset="/d/conceptnet/4/en"),
    line("/r/Synonym", "/c/en/dog", "/c/fr/chien/n", sources=[{"process": "/s/y", "activity": "a\tb"}]),
    line("/r/NotDesires", "/c/en/dog", "/c/en/be_cold", surfaceStart="a dog", surfaceEnd="to be cold"),
    line("/r/ExternalURL", "/c/en/dog", "http://dbpedia.org/resource/Dog"),
    line("/r/dbpedia/genre", "/c/en/dog/n/wn/animal", "/c/en/cat/v", weight=3.4641016151377544),
]


def write(folder, lines, name="assertions.csv"):
    content = "\n".join(lines).encode() + b"\n"
    (folder / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    return folder / name


def read(path, limit=0, **options):
    tally = Tally(limit=limit)
    return list(one_by_one(read_records(path, tally, None, options))), tally.counts()


@pytest.mark.parametrize("name", ["assertions.csv", "assertions.csv.gz"])
def test_english_is_read_by_default_and_every_line_accounted_for(tmp_path, name):
    records, counts = read(write(tmp_path, SAMPLE, name))
    assert records == [
        Triple("dog", "IsA", "house_pet", 2.0, "conceptnet/4/en"),
        Triple("dog", "NotDesires", "be_cold", 1.0, "verbosity"),
        Triple("dog", "dbpedia/genre", "cat", 3.4641016151377544, "verbosity"),
    ]
    assert counts == {
        "unit": "line",
        "lines": 5,
        "accepted": 3,
        "skipped": {"external URL": 1, "other language": 1},
        "rejected": 0,
    }


@pytest.mark.parametrize("languages", [None, [], ["fr", "en"]])
def test_with_several_languages_names_begin_with_theirs(tmp_path, languages):
    records, _ = read(write(tmp_path, SAMPLE), languages=languages)
    assert Triple("en/dog", "Synonym", "fr/chien", 1.0, "verbosity") in records
    assert Label("en/house_pet", "house pet", preferred=True) in records
    assert Label("fr/chien", "chien", preferred=True) in records


def test_senses_can_be_kept(tmp_path):
    records, _ = read(write(tmp_path, SAMPLE), senses="keep")
    assert Triple("dog/n/wn/animal", "dbpedia/genre", "cat/v", 3.4641016151377544, "verbosity") in records
    assert {r for r in records if isinstance(r, Label)} == {
        Label(name, name.split("/")[0].replace("_", " "), preferred=True)
        for name in ("dog/n", "house_pet", "dog", "be_cold", "dog/n/wn/animal", "cat/v")
    }
    records, _ = read(write(tmp_path, SAMPLE), senses="keep", languages=None)
    assert Label("en/dog/n/wn/animal", "dog", preferred=True) in records


@pytest.mark.parametrize(("negated", "relations"), [("skip", ["IsA", "dbpedia/genre"]), ("only", ["NotDesires"])])
def test_negated_relations_can_be_kept_apart(tmp_path, negated, relations):
    records, counts = read(write(tmp_path, SAMPLE), negated=negated)
    assert [record.relation for record in records] == relations
    skipped = {"skip": {"negated relation": 1}, "only": {"relation not negated": 2}}[negated]
    assert counts["skipped"] == {"external URL": 1, "other language": 1, **skipped}


def test_texts_of_the_sentence_become_aliases_where_wanted(tmp_path):
    records, _ = read(write(tmp_path, SAMPLE), surfaces=True)
    assert records[-2:] == [Label("dog", "a dog"), Label("be_cold", "to be cold")]


METADATA = '{"dataset": "/d/x", "weight": 1.0}'
CONCEPTS = "/c/en/a\t/c/en/b"
REJECTED = {
    "a\tb": "2 tab-separated columns, expected 5: URI, relation, start, end, metadata",
    f"u\t/r/\t{CONCEPTS}\t{METADATA}": "the relation is '/r/', expected /r/NAME",
    f"u\tIsA\t{CONCEPTS}\t{METADATA}": "the relation is 'IsA', expected /r/NAME",
    f"u\t/r/IsA\tdog\t/c/en/b\t{METADATA}": "the start is 'dog', expected /c/LANGUAGE/CONCEPT",
    f"u\t/r/IsA\t/c/en/a\t/c/en/\t{METADATA}": "the end is '/c/en/', expected /c/LANGUAGE/CONCEPT",
    f"u\t/r/IsA\t/c/en/a\t/c//b\t{METADATA}": "the end is '/c//b', expected /c/LANGUAGE/CONCEPT",
    f"u\t/r/IsA\t{CONCEPTS}\t{{": "the metadata are not JSON (Expecting property name enclosed in double quotes",
    f"u\t/r/IsA\t{CONCEPTS}\t[]": "the metadata are list in JSON, expected an object",
    f"u\t/r/IsA\t{CONCEPTS}\t{METADATA}x": "the metadata are not JSON (Extra data",
    f"u\t/r/IsA\t{CONCEPTS}\t{'[' * 9999}": "the metadata are not JSON (",
    f'u\t/r/IsA\t{CONCEPTS}\t{{"dataset": "/d/x"}}': "the metadata give weight None, expected a positive number",
    f'u\t/r/IsA\t{CONCEPTS}\t{{"dataset": "/d/x", "weight": 0.0}}': "the metadata give weight 0.0, expected",
    f'u\t/r/IsA\t{CONCEPTS}\t{{"dataset": "/d/x", "weight": "1"}}': "the metadata give weight '1', expected",
    f'u\t/r/IsA\t{CONCEPTS}\t{{"dataset": "x", "weight": 1}}': "the metadata give dataset 'x', expected /d/NAME",
    f'u\t/r/IsA\t{CONCEPTS}\t{{"dataset": "/d/\\ud800", "weight": 1}}': "the metadata escape half a character",
}


@pytest.mark.parametrize("bad", REJECTED)
def test_a_malformed_line_is_rejected_with_its_number(tmp_path, bad):
    path = write(tmp_path, [SAMPLE[0], "", bad, SAMPLE[2]])
    tally = Tally()
    with tally.side_file(tmp_path / "rejected.jsonl"):
        records = list(one_by_one(read_records(path, tally)))
    assert len(records) == 2
    assert tally.examples[0].startswith(f"{path}:3: {REJECTED[bad]}")
    assert tally.skipped == {"blank line": 1}
    assert json.loads((tmp_path / "rejected.jsonl").read_text())["text"] == bad[:500]


def test_bytes_that_are_not_utf8_are_rejected(tmp_path):
    path = tmp_path / "assertions.csv"
    path.write_bytes(SAMPLE[0].encode() + b"\n" + SAMPLE[0].encode().replace(b"house", b"h\xffuse"))
    tally = Tally()
    assert len(list(one_by_one(read_records(path, tally)))) == 1
    assert tally.examples == [f"{path}:2: not UTF-8 text (invalid start byte)"]


def test_unusual_json_means_what_it_means_in_python(tmp_path):
    odd = '{ "weight" : 1e1, "x": [ {}, [], "\\u00e9\\"", null ], "weight" : 2.50 , "dataset":"/d/\\u0061" }'
    records, _ = read(write(tmp_path, [SAMPLE[0], f"u\t/r/IsA\t/c/en/a/\t/c/en/é\t{odd}"]))
    assert records[-1] == Triple("a", "IsA", "é", 2.5, "a")


def test_a_truncated_download_is_named_with_its_line(tmp_path):
    path = write(tmp_path, SAMPLE * 50, "assertions.csv.gz")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(
        DataError, match=r"assertions.csv.gz:\d+: the compressed file is damaged \(it ends in the mid"
    ):
        read(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"senses": "mrge"}, "senses is 'mrge'; allowed: merge, keep"),
        ({"negated": "no"}, "negated is 'no'; allowed: keep, skip, only"),
        ({"languages": ["en/us"]}, "languages holds 'en/us'; allowed: codes such as"),
        ({"language": "en"}, "the reader 'conceptnet5' has no option 'language'; did you mean 'languages'?"),
    ],
)
def test_options_are_checked(tmp_path, options, message):
    with pytest.raises(ConfigError) as caught:
        read(write(tmp_path, SAMPLE), **options)
    assert str(caught.value).startswith(message)


def test_batches_are_large(tmp_path):
    path = write(tmp_path, SAMPLE[:1] * 250_000)
    sizes = [len(b) for b in read_records(path, Tally(), "conceptnet5") if isinstance(b, TripleBatch)]
    assert sum(sizes) == 250_000
    assert min(sizes[:-1]) >= 100_000


def naive(content, languages, senses, negated, surfaces):
    """Return the records and the verdicts of a file, written as plainly as can be."""
    records, verdicts = [], Counter()
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    for raw in lines[:-1] if lines[-1] == b"" else lines:
        verdict, found = naive_line(raw.rstrip(b"\r"), languages, senses, negated, surfaces)
        verdicts[verdict] += 1
        records += found
    return records, verdicts


def naive_line(raw, languages, senses, negated, surfaces):
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return "rejected", []
    if not text.strip():
        return "blank line", []
    match = re.fullmatch(r"[^\t]*\t/r/([^\t]+)\t([^\t]*)\t([^\t]*)\t([^\t]*)", text, re.DOTALL)
    if not match:
        return "rejected", []
    relation, *ends, metadata = match.groups()
    if relation == "ExternalURL" or any(end.startswith("http") for end in ends):
        return "external URL", []
    concepts = [re.fullmatch(r"/c/([^/]+)/([^/]+)((?:/.*?)?)/*", end, re.DOTALL) for end in ends]
    if None in concepts:
        return "rejected", []
    if languages and any(concept[1] not in languages for concept in concepts):
        return "other language", []
    try:
        values = json.loads(metadata)
        weight, dataset = values["weight"], re.fullmatch("/d/(.+)", values["dataset"], re.DOTALL)[1]
        texts = [values.get(key) for key in ("surfaceStart", "surfaceEnd")]
        texts = [text if isinstance(text, str) else "" for text in texts]
        "".join([dataset, *texts]).encode()
        assert not isinstance(weight, bool)
        assert MIN_WEIGHT <= weight <= MAX_WEIGHT
    except (AssertionError, KeyError, TypeError, ValueError):
        return "rejected", []
    if negated != "keep" and relation.startswith("Not") != (negated == "only"):
        return "negated relation" if negated == "skip" else "relation not negated", []
    single = len(languages or ()) == 1
    names = [
        ("" if single else f"{language}/") + concept + (sense if senses == "keep" else "")
        for language, concept, sense in (match.groups() for match in concepts)
    ]
    records = [Triple(names[0], relation, names[1], weight, dataset)]
    if senses == "keep" or not single:
        records += [
            Label(name, concept[2].replace("_", " "), preferred=True)
            for name, concept in zip(names, concepts, strict=True)
        ]
    if surfaces:
        records += [Label(name, text) for name, text in zip(names, texts, strict=True) if text]
    return "accepted", records


ends = st.sampled_from(
    ["/c/en/dog", "/c/en/dog/n", "/c/en/a_b/n/wn/x", "/c/fr/chien", "/c/fr/é/v/", "/c/en/日本", "/c/en", "/c/en/",
     "/c//x", "/c/en//n", "/c/en\0/x", "http://x", "https", "/a/b", "", "x", "/c/zh_tw_long_code/x", "/c/en/b ",
     "/c/en/a\r"]
)  # fmt: skip
relations = st.sampled_from(["/r/IsA", "/r/NotHasA", "/r/dbpedia/genre", "/r/ExternalURL", "/r/", "IsA", "/r/Not"])
numbers = st.sampled_from(
    ["1.0", "2", "0.5", "0", "-1", "1e3", "3.4641016151377544", "01", "1.", ".5", "NaN", "1" * 30]
)
strings = st.sampled_from(
    ["x", "/d/x", "/d/", "/d/a\\u0062", "a dog", "\\ud800", "\\n", '\\"', "é", "\\x", "\x01", ""]
)
scalars = st.one_of(numbers, strings.map('"{}"'.format), st.sampled_from(["true", "false", "null", "tru", "{", "}"]))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(inner, max_size=2).map(lambda items: "{" + ",".join(f'"weight": {item}' for item in items) + "}"),
    ),
    max_leaves=4,
)
keys = st.sampled_from(["weight", "dataset", "surfaceStart", "surfaceEnd", "sources", "w\\u0065ight", "we"])
pairs = st.lists(st.tuples(keys, values), max_size=3)
common = st.sampled_from([[("dataset", '"/d/x"'), ("weight", "1.0")], [("weight", "2.5"), ("dataset", '"/d/y/z"')]])
objects = st.builds(
    lambda first, rest, colon, close: "{" + ", ".join(f'"{k}"{colon}{v}' for k, v in first + rest) + close,
    st.one_of(common, common, pairs), pairs, st.sampled_from([": ", ":", " : ", "", "\r:"]),
    st.sampled_from(["}", "}", "}", " }", "} ", ",}", "", "}}"]),
)  # fmt: skip
assertions = st.builds("\t".join, st.tuples(st.just("u"), relations, ends, ends, objects)).map(str.encode)
lines = st.one_of(assertions, assertions, assertions, st.sampled_from([line.encode() for line in SAMPLE]),
                  st.binary(max_size=9), st.just(b" "), st.just(b"a\xff\tb\tc\td\te"))  # fmt: skip
files = (
    st.lists(st.tuples(lines, st.sampled_from([b"\n", b"\r\n"])), max_size=12)
    .map(lambda rows: b"".join(part for row in rows for part in row))
    .filter(lambda content: not content.startswith((b"\x1f\x8b", b"BZh")))
)


@settings(max_examples=250)
@given(
    files,
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.booleans(),
    st.sampled_from([["en"], ["fr"], ["en", "fr"], None]),
    st.sampled_from(["merge", "keep"]),
    st.sampled_from(["keep", "skip", "only"]),
    st.booleans(),
    st.sampled_from([1, 50, 1 << 20]),
)
def test_all_is_as_the_naive_reader_says(
    tmp_path_factory, content, mark, whole, languages, senses, negated, surfaces, size
):
    content = mark + (content if whole else content.rstrip(b"\n"))
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    path.write_bytes(content)
    options = {"languages": languages, "senses": senses, "negated": negated, "surfaces": surfaces}
    tally = Tally(limit=99)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", size)
        found = list(read_records(path, tally, "conceptnet5", options))
    assert all(isinstance(batch, TripleBatch | LabelBatch) for batch in found)
    expected, verdicts = naive(content, languages, senses, negated, surfaces)
    assert Counter(one for one in one_by_one(found) if isinstance(one, Triple)) == Counter(
        one for one in expected if isinstance(one, Triple)
    )
    assert {one for one in one_by_one(found) if isinstance(one, Label)} == {
        one for one in expected if isinstance(one, Label)
    }
    assert {"accepted": tally.accepted, "rejected": tally.rejected, **tally.skipped} == {
        "accepted": 0, "rejected": 0, **verdicts,
    }  # fmt: skip
    assert tally.lines == verdicts.total()
