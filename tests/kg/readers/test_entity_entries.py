import json

import pytest

from kglm.errors import ConfigError, DataError
from kglm.kg.readers import one_by_one, read_records
from kglm.kg.records import Description, Label, Triple
from kglm.kg.tally import Tally

TRIPLES = {"tsv": "/m/1\tin\t/m/2\n", "csv": '/m/1,"in",/m/2\n'}
WIKI = "https://en.wikipedia.org/wiki/King%27s_Lynn"


def read(folder, format, limit=0, **options):
    path = folder / f"triples.{format}"
    path.write_text(TRIPLES[format])
    tally = Tally(limit=limit)
    return list(one_by_one(read_records(path, tally, format, options))), tally


@pytest.mark.parametrize("format", TRIPLES)
def test_a_table_of_triples_takes_labels_from_a_file_beside_it(tmp_path, format):
    labels = tmp_path / "labels.tsv"
    labels.write_text("/m/1\tLynn\ttown\tKing's Lynn|Bishop's Lynn\n/m/9\tunused\n")
    records, tally = read(tmp_path, format, labels=str(labels))
    assert records == [
        Triple("/m/1", "in", "/m/2"),
        Label("/m/1", "Lynn", preferred=True),
        Label("/m/1", "King's Lynn"),
        Label("/m/1", "Bishop's Lynn"),
        Label("/m/9", "unused", preferred=True),
        Description("/m/1", "town"),
    ]
    assert tally.accepted == 3


def test_the_keys_can_be_named_and_a_page_stands_for_its_title(tmp_path):
    labels = tmp_path / "labels.jsonl"
    row = {"mid": "/m/1", "wikidata_id": "Q1", "title": "Lynn", "alternatives": ["Lynn", "Lenne"], "page": WIKI}
    labels.write_text(json.dumps(row | {"gloss": "town"}) + "\n")
    layout = {"id": "mid", "label": "title", "aliases": ["alternatives", "page"], "description": "gloss"}
    records, _ = read(tmp_path, "tsv", labels=str(labels), label_layout=layout)
    assert records[1:] == [
        Label("/m/1", "Lynn", preferred=True),
        Label("/m/1", "Lenne"),
        Label("/m/1", "King's Lynn"),
        Description("/m/1", "town"),
    ]


WORDS = "synset\tkind\tlemmas\tgloss\nn00000001\tn\tdog|domestic_dog\ta canine\nx00000002\tn\tcat\ta feline\n"
WORDNET = {"id": "synset", "id_pattern": "[nvar](\\d{8})", "label": "lemmas", "aliases": "lemmas",
           "description": "gloss", "underscores": True}  # fmt: skip


def test_columns_a_pattern_of_ids_and_the_first_alias_as_label(tmp_path):
    (tmp_path / "words.tsv").write_text(WORDS)
    records, tally = read(tmp_path, "tsv", labels=str(tmp_path / "words.tsv"), label_layout=WORDNET)
    assert records[1:] == [
        Label("00000001", "dog", preferred=True),
        Label("00000001", "domestic dog"),
        Description("00000001", "a canine"),
    ]
    assert tally.skipped["id of another kind"] == 1


def test_the_same_from_one_json_object(tmp_path):
    (tmp_path / "words.json").write_text(
        json.dumps({"n00000001": {"lemmas": "dog|domestic_dog", "gloss": "a canine"}})
    )
    layout = {name: value for name, value in WORDNET.items() if name != "id"}
    records, _ = read(tmp_path, "tsv", labels=str(tmp_path / "words.json"), label_layout=layout)
    assert records[1:3] == [Label("00000001", "dog", preferred=True), Label("00000001", "domestic dog")]


WRONG = [
    ({"lable": "x"}, "label_layout has no 'lable'; did you mean 'label'?"),
    ({"label": 5}, "label_layout.label is 5; allowed: the name of a key or column"),
    ({"aliases": []}, "label_layout.aliases is []; allowed"),
    ({"id_pattern": "("}, "label_layout.id_pattern is '(', not a regular expression"),
    ({"underscores": "yes"}, "label_layout.underscores is 'yes'; allowed: true, false"),
]


@pytest.mark.parametrize(("layout", "message"), WRONG)
def test_a_wrong_layout_is_named(tmp_path, layout, message):
    (tmp_path / "words.tsv").write_text(WORDS)
    with pytest.raises(ConfigError) as error:
        read(tmp_path, "tsv", labels=str(tmp_path / "words.tsv"), label_layout=layout)
    assert message in str(error.value)


def test_a_layout_needs_a_file_and_named_columns_a_header(tmp_path):
    with pytest.raises(ConfigError, match="label_layout is given without labels"):
        read(tmp_path, "csv", label_layout=WORDNET)
    (tmp_path / "words.tsv").write_text(WORDS.partition("\n")[2])
    with pytest.raises(DataError, match=r"words.tsv:1: no header with a column for the id: synset"):
        read(tmp_path, "tsv", labels=str(tmp_path / "words.tsv"), label_layout=WORDNET)
