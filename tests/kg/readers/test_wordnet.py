import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.errors import ConfigError, DataError
from kglm.kg.readers.batches import one_by_one
from kglm.kg.readers.wordnet import Sense, read_wordnet, senses
from kglm.kg.readers.wordnet_database import POINTERS
from kglm.kg.records import Description, Label, Triple
from kglm.kg.tally import Tally
from kglm.testing.wordnet_samples import SENSE_INDEX, database_files, table_files
from kglm.testing.wordnet_samples import write_files as write


def records_of(folder, tally=None, **options):
    tally = tally or Tally(limit=0)
    records = list(one_by_one(read_wordnet(folder, tally, **options)))
    tally.require_settled()
    return records


@pytest.fixture
def database(tmp_path):
    return write(tmp_path / "database", database_files())


def test_synsets_words_pointers_and_glosses(database):
    tally = Tally(limit=0)
    records = records_of(database, tally)
    assert {Triple("n00000400", "hypernym", "n00000300"), Triple("r00001300", "pertainym", "a00000900")} <= set(
        records
    )
    assert [r for r in records if isinstance(r, Label) and r.entity == "n00000800"] == [
        Label("n00000800", "Bank", preferred=True, count=7),
        Label("n00000800", "bank building"),
        Label("n00000800", "bank.n.01", count=7),
        Label("n00000800", "bank_building.n.01"),
    ]
    # A marker is left out of the label, but stands in the sense keys of the cluster, by which the count is found.
    assert {Label("a00000950", "afraid", True), Label("a00000970", "scared", True, 5)} <= set(records)
    assert Description("n00000400", "it barks | or whines") in records
    assert sum(isinstance(r, Label) and r.entity == "n00000500" for r in records) == 10 + 2
    assert tally.skipped == {"licence": 32, "count of a sense that is not there": 1}
    assert tally.lines == 32 + 13 + 22 + 15 + 7


def test_both_layouts_give_the_same_graph(database, tmp_path, graph_of):
    tables = write(tmp_path / "tables", table_files())
    tally = Tally(limit=0)
    first, second = records_of(database), records_of(tables, tally)
    assert set(first) == set(second)
    assert len(first) == len(second)
    assert tally.skipped == {"header": 4}
    assert graph_of(*first).fingerprint == graph_of(*second).fingerprint


def test_the_database_may_lie_in_dict_and_have_its_counts_in_the_sense_index(database, tmp_path):
    files = {name: content for name, content in database_files().items() if name.startswith("data")}
    elsewhere = write(tmp_path / "elsewhere" / "dict", files | {"index.sense": SENSE_INDEX.encode()})
    assert set(records_of(elsewhere.parent)) == set(records_of(database))


def test_without_indexes_there_are_no_sense_names_and_without_counts_no_counts(tmp_path):
    files = {name: content for name, content in database_files().items() if name.startswith("data")}
    labels = [record for record in records_of(write(tmp_path, files)) if isinstance(record, Label)]
    assert not any(label.count for label in labels)
    assert not any(re.search(r"\.[nvar]\.\d", label.text) for label in labels)


def test_sense_names_and_lexical_pointers_can_be_left_out(database, tmp_path):
    tally = Tally()
    records = records_of(database, tally, lexical="skip", sense_names=False)
    assert not any(r.relation in {"antonym", "pertainym"} for r in records if isinstance(r, Triple))
    assert sum(isinstance(r, Label) for r in records) == 27
    assert tally.skipped["pointer from word to word"] == 7
    assert set(records_of(write(tmp_path / "t", table_files()), lexical="skip", sense_names=False)) == set(records)


def test_senses_come_in_the_order_of_wordnet(database, graph_of):
    graph = graph_of(*records_of(database))
    # Both have been counted seven times; only the names of the senses tell which one goes first.
    assert senses(graph, "Bank", "n") == [Sense("n00000800", 7), Sense("n00000700", 7)]
    assert senses(graph, "domestic dog", "n") == [Sense("n00000400", 0)]
    assert senses(graph, "dog", "v") == []


def test_a_missing_part_of_speech_is_skipped(tmp_path):
    files = {name: content for name, content in database_files().items() if name.endswith("noun")}
    tally = Tally(limit=0)
    records_of(write(tmp_path, files), tally)
    assert tally.skipped["pointer into a part of speech that is not there"] == 2


NOUN = "00000400 05 n 02 dog 0 domestic_dog 0 003 @ 00000300 n 0000 + 00000900 a 0101 ;c 00000600 n 0000 | it barks"
MALFORMED = {
    "data.noun": {
        "junk": "no synset; expected 'offset lex_filenum ss_type w_cnt word lex_id ... p_cnt ... | gloss'",
        NOUN.replace("|", ""): "no synset; expected",
        NOUN.replace("00000400", "4"): "no synset; expected",
        NOUN.replace(" n 02", " v 02"): "a synset of type 'v' in a file of type 'n'",
        NOUN.replace(" n 02", " n 03"): "the number of pointers after 03 (hexadecimal) words is '00000300'",
        NOUN.replace("dog 0 dom", "dog x dom"): "the lex_ids are x 0, expected a hexadecimal digit each",
        NOUN.replace("0 003", "0 004"): "12 fields after the words, expected 004 pointers of four fields each",
        NOUN.replace("0 003", "0 002"): "12 fields after the words, expected 002 pointers of four fields each",
        NOUN: "synset 00000400 stands twice",
        NOUN.replace("00000400", "00000401", 1).replace(
            "@", "?"
        ): "pointer '? 00000300 n 0000', expected a known symbol",
        NOUN.replace("00000400", "00000401", 1).replace(
            "0300", "0301"
        ): "pointer '@ 00000301 n 0000', expected a known",
        NOUN.replace("00000400", "00000401", 1).replace(
            "0101", "1"
        ): "pointer '+ 00000900 a 1', expected a known symbol",
    },
    "index.noun": {
        "cow n 1 1 @ 1 0": "no index entry; expected 'lemma pos synset_cnt",
        "cow n": "no index entry; expected 'lemma pos synset_cnt",
        "cow n 1 1 @ 1 0 99999999": "lemma 'cow' names the synset 'n99999999', which is not there",
        "cow n 0 1 @ 1 0": "no lemma or no synset",
        "dog n 1 1 @ 1 0 00000400": "lemma 'dog' (n) stands twice",
    },
    "index.sense": {
        "dog 00000400 1 42": "no sense; expected 'sense_key synset_offset sense_number tag_cnt'",
        "dog%1:05:00:: 00000400 1": "no sense; expected",
        "dog%1:05:00:: 00000400 one 42": "no sense; expected",
        "dog%2:05:00:: 00000400 1 42": "sense 'dog%2:05:00::' names the synset 'v00000400', which is not there",
    },
    "cntlist.rev": {"dog%1:05:00:: 1 -42": "no count; expected 'sense_key sense_number tag_cnt'"},
}


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in MALFORMED.items() for line in lines])
def test_a_malformed_entry_is_rejected_with_its_place(tmp_path, name, line):
    files = database_files()
    if name == "index.sense":
        files[name] = SENSE_INDEX.encode()
    files[name] += f"{line}\n".encode()
    tally = Tally()
    records_of(write(tmp_path, files), tally)
    assert tally.rejected == 1
    number = files[name].count(b"\n")
    assert tally.examples[0].startswith(f"{tmp_path / name}:{number}: {MALFORMED[name][line]}")


MALFORMED_ROWS = {
    "synsets.tsv": {
        "n1|n|05|x|x%1:05:00::": "5 tab-separated columns, expected 6: synset ss_type",
        "n00000300|n|05|x|x%1:05:00::|g": "synset 'n00000300' stands twice",
        "|n|05|x|x%1:05:00::|g": "the synset is empty",
        "n1|n|05|x/y|x%1:05:00::|g": "2 lemmas and 1 sense keys, expected as many, none empty",
        "n1|n|05|||g": "1 lemmas and 1 sense keys, expected as many, none empty",
    },
    "triples.tsv": {
        "n00000300|hyponym": "2 tab-separated columns, expected 5: head relation tail",
        "n00000300|hyponym|n9||": "head or tail is no synset of synsets.tsv, or the relation is empty",
        "n00000300||n00000400||": "head or tail is no synset of synsets.tsv, or the relation is empty",
        "n00000300|\udcff|n00000400||": "not UTF-8 text",
    },
    "lemma_senses.tsv": {
        "cow|n|": "no lemma or no synset",
        "cow|n|n1/n00000300": "lemma 'cow' names the synset 'n1'",
    },
    "sense_counts.tsv": {"dog%1:05:00::|n00000400|many": "the count is 'many', expected a whole number"},
}


@pytest.mark.parametrize(("name", "row"), [(name, row) for name, rows in MALFORMED_ROWS.items() for row in rows])
def test_a_malformed_row_is_rejected_with_its_place(tmp_path, name, row):
    plain = table_files(compressed=False)
    plain[name] += row.translate(str.maketrans("|/", "\t|")).encode("utf-8", "surrogateescape") + b"\n"
    tally = Tally()
    records_of(write(tmp_path, plain), tally)
    assert tally.rejected == 1
    assert tally.examples[0].startswith(f"{tmp_path / name}:{plain[name].count(10)}: {MALFORMED_ROWS[name][row]}")


@pytest.mark.parametrize("name", ["synsets.tsv", "triples.tsv", "lemma_senses.tsv"])
def test_another_header_is_refused(tmp_path, name):
    folder = write(tmp_path, table_files())
    (folder / f"{name}.gz").unlink()
    (folder / name).write_text("synset\ttype\n")
    with pytest.raises(DataError, match=rf"{name}:1: the header is \['synset', 'type'\], expected \["):
        records_of(folder)


def test_another_folder_and_other_options_are_refused(tmp_path, database):
    with pytest.raises(DataError, match="is no WordNet folder"):
        records_of(tmp_path)
    with pytest.raises(ConfigError, match="lexical is 'drop'; allowed: merge, skip"):
        records_of(database, lexical="drop")


word = st.from_regex(r"[a-z][a-z_'.-]{0,5}", fullmatch=True)


@given(
    st.dictionaries(st.integers(1, 99999999), st.lists(word, min_size=1, max_size=17), min_size=1, max_size=5),
    st.data(),
)
def test_any_database_round_trips(tmp_path_factory, words, data):
    offsets = st.sampled_from(sorted(words))
    symbols = st.sampled_from(sorted(POINTERS))
    lines, expected = [], set()
    for offset, lemmas in words.items():
        pointers = data.draw(st.lists(st.tuples(symbols, offsets), max_size=3))
        numbered = " ".join(f"{lemma} {index % 16:x}" for index, lemma in enumerate(lemmas))
        pointed = "".join(f" {symbol} {target:08d} n 0000" for symbol, target in pointers)
        lines.append(
            f"{offset:08d} 03 n {len(lemmas):02x} {numbered} {len(pointers):03d}{pointed} | gloss {offset}  \n"
        )
        expected |= {Triple(f"n{offset:08d}", POINTERS[symbol], f"n{target:08d}") for symbol, target in pointers}
        expected |= {Label(f"n{offset:08d}", lemma.replace("_", " ")) for lemma in lemmas}
        expected.add(Description(f"n{offset:08d}", f"gloss {offset}"))
    folder = write(tmp_path_factory.getbasetemp() / "any", {"data.noun": "".join(lines).encode()})
    records = records_of(folder)
    assert {r._replace(preferred=False) if isinstance(r, Label) else r for r in records} == expected
    assert {r.entity: r.text for r in records if isinstance(r, Label) and r.preferred} == {
        f"n{offset:08d}": lemmas[0].replace("_", " ") for offset, lemmas in words.items()
    }


@pytest.mark.data
def test_the_whole_of_wordnet(data_dir):
    tally = Tally(limit=0)
    *batches, words, names = [
        record for record in read_wordnet(data_dir / "wordnet", tally) if not isinstance(record, Description)
    ]
    assert sum(map(len, batches)) == 377_592
    assert len(words) == 206_978
    assert len(names) == 206_941  # some words stand in a synset in two spellings
    assert sum(words.counts.to_pylist()) == sum(names.counts.to_pylist()) > 200_000
    assert tally.lines == tally.accepted + 4


def test_a_synset_without_pointers_is_an_entity(tmp_path, graph_of):
    files = database_files()
    lonely = b"00001400 02 r 01 not 0 000 | negation  \n"
    files["data.adv"] += lonely
    files["index.adv"] += b"not r 1 0 1 0 00001400  \n"
    folder = write(tmp_path / "database", files)
    tally = Tally(limit=0)
    graph = graph_of(*read_wordnet(folder, tally))
    assert senses(graph, "not", "r") == [Sense("r00001400", 0)]
    assert len(graph.links.row(graph.entity_id("r00001400"))) == 0
