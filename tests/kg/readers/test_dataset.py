import sys

import pytest

from kglm.errors import ConfigError, DataError
from kglm.kg.readers import one_by_one, read_records
from kglm.kg.readers.dataset import read_rows
from kglm.kg.records import Triple
from kglm.kg.tally import Tally

datasets = pytest.importorskip("datasets")

DATA = {
    "head": ["dog", "cat", ""],
    "relation": ["IsA", "IsA", "IsA"],
    "tail": ["pet", "pet", "x"],
    "weight": [2, 1, 1],
}
TRIPLES = [Triple("dog", "IsA", "pet", 2.0), Triple("cat", "IsA", "pet")]


@pytest.fixture(autouse=True)
def quiet_and_offline(monkeypatch, tmp_path):
    datasets.disable_progress_bars()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def read(source, limit=9, **options):
    tally = Tally(limit=limit)
    return list(one_by_one(read_records(source, tally, None, options))), tally


def test_a_saved_data_set_is_read_without_its_package(tmp_path, monkeypatch):
    datasets.Dataset.from_dict(DATA).save_to_disk(tmp_path / "saved", num_shards=2)
    monkeypatch.setitem(sys.modules, "datasets", None)
    records, tally = read(tmp_path / "saved")
    assert records == TRIPLES
    assert tally.counts() == {"unit": "row", "lines": 3, "accepted": 2, "skipped": {}, "rejected": 1}


def test_splits_are_read_one_after_another_or_one_alone(tmp_path):
    both = datasets.DatasetDict(
        {
            "train": datasets.Dataset.from_dict(DATA),
            "test": datasets.Dataset.from_dict({**DATA, "tail": ["y", "", ""]}),
        }
    )
    both.save_to_disk(tmp_path / "saved")
    assert read(tmp_path / "saved")[0] == [*TRIPLES, Triple("dog", "IsA", "y", 2.0)]
    assert read(tmp_path / "saved", split="train")[0] == TRIPLES
    with pytest.raises(DataError, match=r"has no split 'tset'; did you mean 'test'\? \(splits: train, test\)"):
        read(tmp_path / "saved", split="tset")


def test_columns_may_have_other_names(tmp_path):
    data = {"a": ["x"], "b": ["y"], "c": ["z"]}
    datasets.Dataset.from_dict(data).save_to_disk(tmp_path / "saved")
    assert read(tmp_path / "saved", columns={"head": "c", "relation": "b", "tail": 0})[0] == [Triple("z", "y", "x")]
    with pytest.raises(DataError, match="no column 'head' for 'head'"):
        read(tmp_path / "saved")


def test_a_name_is_loaded_through_the_package(tmp_path):
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "train.csv").write_text("head,relation,tail\ndog,IsA,pet\n")
    records, tally = read(f"hf://{tmp_path}/hub")
    assert records == [Triple("dog", "IsA", "pet")]
    assert tally.lines == 1
    with pytest.raises(DataError, match=r"the data set '.*' cannot be loaded"):
        read(f"hf://{tmp_path}/nothing")


def test_without_the_package_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ConfigError, match=r"needs the package 'datasets': pip install 'kglm\[datasets\]'"):
        read("hf://somebody/triples")


def test_options_of_the_hub_do_not_fit_a_folder(tmp_path):
    datasets.Dataset.from_dict(DATA).save_to_disk(tmp_path / "saved")
    with pytest.raises(ConfigError, match=r"revision is 'x', but the source '.*' is a folder"):
        read(tmp_path / "saved", revision="x")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("state.json", "{", "not JSON"),
        ("state.json", "[]", "expected an object"),
        ("state.json", '{"_data_files": [{"filename": "../x"}]}', "expected a list of files of this folder"),
        ("state.json", '{"_data_files": [{"filename": "x.arrow"}]}', "names 'x.arrow', which is not in the folder"),
        ("dataset_dict.json", '{"splits": "train"}', "expected a list of names under 'splits'"),
        ("dataset_dict.json", '{"splits": ["train"]}', "is no saved data set: it has no state.json"),
    ],
)
def test_a_damaged_folder_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=message):
        read(tmp_path)


@pytest.mark.parametrize(
    "rows",
    [datasets.Dataset.from_dict(DATA), [dict(zip(DATA, r, strict=True)) for r in zip(*DATA.values(), strict=True)]],
)
def test_rows_in_memory_are_read(rows):
    tally = Tally()
    assert list(one_by_one(read_rows(rows, tally))) == TRIPLES
    assert (tally.lines, tally.rejected) == (3, 1)


def test_mixed_types_become_text():
    rows = [{"s": 1, "p": "r", "o": "x"}, {"s": "a", "p": "r", "o": None}]
    tally = Tally()
    columns = {"head": "s", "relation": "p", "tail": "o"}
    assert list(one_by_one(read_rows(rows, tally, columns=columns))) == [Triple("1", "r", "x")]
    assert tally.examples == ["rows:2: the tail is empty"]
    with pytest.raises(DataError, match=r"column 's' holds '\\ud800', which UTF-8 cannot write"):
        list(read_rows([{"s": "\ud800", "p": "r", "o": "x"}], Tally(), columns=columns))
    assert list(read_rows([], Tally())) == []
