import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.errors import DataError
from kglm.kg.readers import one_by_one, read_records
from kglm.kg.records import Description, Label, Triple
from kglm.kg.tally import Tally


def read(path, limit=0, **options):
    tally = Tally(limit=limit)
    return list(one_by_one(read_records(path, tally, "wikidata", options))), tally


@pytest.fixture
def triples(tmp_path):
    (tmp_path / "triples.txt").write_text("# a remark\nQ1\tP31 Q2\n\nQ2  P279 Q3 \n")
    return tmp_path / "triples.txt"


def test_names_stand_between_blanks_or_tabs(triples):
    records, tally = read(triples)
    assert records == [Triple("Q1", "P31", "Q2"), Triple("Q2", "P279", "Q3")]
    assert tally.counts()["skipped"] == {"blank line": 1, "comment": 1}


SAID = {
    Label("Q1", "Ada", preferred=True),
    Label("Q1", "Lovelace"),
    Label("Q1", "A. L."),
    Description("Q1", "mathematician"),
    Label("Q2", "human", preferred=True),
}
ADA = {"label": "Ada", "description": "mathematician"}
LABELS = {
    "plain.tsv": "Q1\tAda\tmathematician\tLovelace|A. L.\nQ2\thuman\n",
    "header.tsv": "qid\taliases\tlabel\tof\tdescription\nQ1\tLovelace|A. L.\tAda\tx\tmathematician\nQ2\t\thuman\n",
    "x.jsonl": json.dumps({"wikidata_id": "Q1", **ADA, "alternatives": ["Lovelace", " ", "A. L."]})
    + '\n\n{"id": "Q2", "label": "human", "description": null}\n',
    "x.json": json.dumps({"Q1": {**ADA, "aliases": "Lovelace|A. L."}, "Q2": "human"}),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_aliases_and_descriptions_come_from_a_file_beside(triples, name):
    (triples.parent / name).write_text(LABELS[name])
    records, tally = read(triples, labels=str(triples.parent / name))
    assert set(records[2:]) == SAID
    assert tally.accepted == 4


def test_the_key_of_the_id_can_be_named(triples):
    path = triples.parent / "x.jsonl"
    path.write_text('{"mid": "/m/1", "wikidata_id": "Q1", "label": "one"}\n')
    assert read(triples, labels=str(path), label_key="mid")[0][-1] == Label("/m/1", "one", preferred=True)


def test_relations_are_called_by_their_labels(triples):
    path = triples.parent / "relations.json"
    path.write_text(json.dumps({"P31": {"label": "instance of"}, "P1": {"label": "twin"}, "P2": {"label": "twin"}}))
    with triples.open("a") as handle:
        handle.write("Q1 P1 Q2\nQ1 P2 Q2\n")
    relations = [record.relation for record in read(triples, relation_labels=str(path))[0]]
    assert relations == ["instance of", "P279", "twin (P1)", "twin (P2)"]


MALFORMED = {
    "x.tsv": ("Q1\n\tlabel\nQ1\t\n", ["1 tab-separated columns, expected 2 to 4", "the id is empty"]),
    "x.jsonl": (
        '{\n[]\n{"label": "x"}\n{"id": "Q1", "label": 5}\n{"id": "Q1", "label": "\\ud800"}\n',
        ["not JSON (", "list in JSON", "no id; expected a text under", "label, description or aliases of 'Q1'",
         "half a character is escaped"],
    ),
    "x.json": ('{"Q1": [], "": "x", "Q2": {}}', ["list for 'Q1', expected a label", "the id is empty"]),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_entries_that_cannot_be_used_are_rejected(triples, name):
    content, reasons = MALFORMED[name]
    (triples.parent / name).write_text(content)
    tally = read(triples, limit=9, labels=str(triples.parent / name))[1]
    assert len(tally.examples) == len(reasons)
    for example, reason in zip(tally.examples, reasons, strict=True):
        assert f"{name}:" in example
        assert reason in example
    assert tally.skipped["no label"] == (1 if name != "x.jsonl" else 0)


@pytest.mark.parametrize("content", ["[]", "{", "5"])
def test_a_json_file_must_hold_an_object(triples, content):
    (triples.parent / "x.json").write_text(content)
    with pytest.raises(DataError, match=r"label file '.*x.json': "):
        read(triples, labels=str(triples.parent / "x.json"))


def test_a_line_without_three_names_is_rejected(triples):
    triples.write_text("Q1 P1\nQ1 P1 Q2 Q3\n")
    tally = read(triples, limit=2)[1]
    assert [example.rpartition(": ")[0].split(": ")[1] for example in tally.examples] == [
        "2 names between blanks, expected 3",
        "4 names between blanks, expected 3",
    ]


names = st.text(st.characters(exclude_categories=["Cs", "Z", "Cc"]), min_size=1, max_size=4).filter(
    lambda name: name == name.strip() and not name.startswith(("#", "\ufeff"))
)


@given(st.lists(st.tuples(names, names, names), max_size=8), st.sampled_from([" ", "\t", " \t "]))
def test_valid_triples_round_trip(tmp_path_factory, rows, blank):
    path = tmp_path_factory.getbasetemp() / "valid.txt"
    path.write_text("".join(blank.join(row) + "\n" for row in rows), encoding="utf-8", newline="")
    # Unusual lines come at the end of their block.
    assert sorted(read(path)[0]) == sorted(Triple(*row) for row in rows)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "label", "aliases"]), inner),
    max_leaves=6,
)


@given(
    st.sampled_from([".json", ".jsonl", ".tsv"]), st.binary(max_size=20) | json_values.map(json.dumps).map(str.encode)
)
def test_whatever_a_label_file_holds_nothing_is_lost(tmp_path_factory, kind, content):
    folder = tmp_path_factory.getbasetemp()
    (folder / "one.txt").write_text("Q1 P2 Q3\n")
    (folder / f"fuzz{kind}").write_bytes(content)
    try:
        records, tally = read(folder / "one.txt", limit=9, labels=str(folder / f"fuzz{kind}"))
    except DataError:
        return
    assert records[0] == Triple("Q1", "P2", "Q3")
    for record in records[1:]:
        record.entity.encode()
        record.text.encode()
    assert tally.lines == tally.accepted + tally.rejected + tally.skipped.total()


@pytest.mark.data
def test_codex_and_its_labels_are_read(data_dir):
    codex = data_dir / "codex"
    records, tally = read(
        codex / "codex-s" / "train.txt",
        labels=str(codex / "labels_recovered.tsv"),
        relation_labels=str(codex / "relations_en.json"),
    )
    assert sum(isinstance(record, Triple) for record in records) == 32_888
    assert any(isinstance(record, Triple) and record.relation == "occupation" for record in records)
    assert Label("Q100", "Boston", preferred=True) in records
    assert tally.rejected == 0


@pytest.mark.data
def test_the_labels_of_fb15k237_are_read(data_dir):
    folder = data_dir / "fb15k237"
    records, tally = read(folder / "train.tsv.gz", labels=str(folder / "entity2wikidata.jsonl.gz"), label_key="mid")
    assert Label("/m/010016", "Denton", preferred=True) in records
    assert Description("/m/010016", "city in Texas, United States") in records
    assert tally.rejected == 0
