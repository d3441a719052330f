import json

import pytest

from kglm.data.task import CommonsenseQATask, JsonlTask
from kglm.errors import ConfigError, DataError, UnknownNameError


def rows(names, text="question {}"):
    for name in names:
        yield {
            "id": name,
            "question": {
                "stem": text.format(name),
                "choices": [{"label": "A", "text": "yes"}, {"label": "B", "text": "no"}],
            },
            "answerKey": "A",
        }


def write(path, names, **options):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows(names, **options)), encoding="utf-8")
    return str(path)


@pytest.fixture
def csqa(tmp_path):
    questions = write(tmp_path / "all.jsonl", "abcdefgh")
    ids = tmp_path / "ids.txt"
    ids.write_text("h\ng\nf\ne\nd\n")
    return lambda **options: CommonsenseQATask(name="t", questions=questions, train_ids=str(ids), **options)


def test_in_house_split(csqa):
    splits = csqa(dev_size=2).load()
    assert [example.id for example in splits["train"]] == ["h", "g", "f"]
    assert [example.id for example in splits["dev"]] == ["e", "d"]
    assert [example.id for example in splits["test"]] == ["a", "b", "c"]


def test_in_house_split_refuses_a_slice_that_leaves_nothing(csqa):
    with pytest.raises(ConfigError, match="less than the 5 training questions"):
        csqa(dev_size=5).load()
    with pytest.raises(ConfigError, match="dev_size is 0"):
        csqa(dev_size=0)


def test_in_house_split_names_an_unknown_id(csqa, tmp_path):
    (tmp_path / "ids.txt").write_text("a\nzz\n")
    with pytest.raises(DataError, match=r"ids.txt:2: question id 'zz'"):
        csqa(dev_size=1).load()


def test_jsonl_task_refuses_a_question_in_dev_and_test(tmp_path):
    files = {name: write(tmp_path / name, [name], text="the same") for name in ("dev", "test")}
    with pytest.raises(DataError, match="'the same' stands in both dev and test"):
        JsonlTask(name="t", train=write(tmp_path / "train", "abc"), **files).load()


def test_training_questions_of_dev_and_test_are_left_out(tmp_path, caplog):
    files = {
        name: write(tmp_path / name, names) for name, names in (("train", "abcde"), ("dev", "bx"), ("test", "ey"))
    }
    splits = JsonlTask(name="t", **files).load()
    assert [example.id for example in splits["train"]] == ["a", "c", "d"]
    assert [len(splits[name]) for name in ("dev", "test")] == [2, 2]
    assert "left out: 2" in caplog.text
    own = JsonlTask(name="t", train=files["dev"], dev=files["dev"], test=files["test"])
    with pytest.raises(DataError, match="every training question stands in dev or test too"):
        own.load()


def test_a_question_set_aside_is_not_trained_on_where_it_is_repeated(tmp_path):
    train = write(tmp_path / "train", "abcx")
    with open(train, "a", encoding="utf-8") as file:
        file.write(json.dumps(next(rows("d", text="question b"))) + "\n")
    splits = JsonlTask(name="t", train=train, dev=None, dev_size=1, test=write(tmp_path / "test", "x")).load()
    assert [example.id for example in splits["train"]] == ["a", "c"]
    assert [example.id for example in splits["dev"]] == ["d"]


@pytest.mark.data
def test_openbookqa_has_repeated_questions(data_dir):
    files = {part: str(data_dir / "openbookqa" / f"{part}.jsonl") for part in ("train", "dev")}
    splits = JsonlTask(name="openbookqa", train=files["train"], dev=None, dev_size=500, test=files["dev"]).load()
    assert [len(splits[part]) for part in ("train", "dev", "test")] == [4441, 500, 500]


def test_the_same_words_with_other_choices_are_another_question(tmp_path):
    files = {name: write(tmp_path / name, [name], text="which?") for name in ("train", "dev", "test")}
    for name in ("dev", "test"):
        path = tmp_path / name
        path.write_text(path.read_text().replace("yes", name))
    assert JsonlTask(name="t", **files).load().keys() == {"train", "dev", "test"}


def test_split_by_name(tmp_path):
    files = {name: write(tmp_path / name, [name]) for name in ("train", "dev", "test")}
    task = JsonlTask(name="t", **files)
    assert [example.id for example in task.split("dev")] == ["dev"]
    with pytest.raises(UnknownNameError, match="unknown split 'tset'; did you mean 'test'"):
        task.split("tset")


@pytest.mark.data
def test_the_real_in_house_split_has_the_published_sizes(data_dir):
    folder = data_dir / "commonsense_qa"
    task = CommonsenseQATask(
        name="csqa",
        questions=str(folder / "train_rand_split.jsonl.gz"),
        train_ids=str(folder / "inhouse_split_qids.txt"),
    )
    assert {name: len(split) for name, split in task.load().items()} == {"train": 8000, "dev": 500, "test": 1241}


def test_jsonl_task_sets_the_last_training_questions_aside(tmp_path):
    train, test = write(tmp_path / "train", "abcd"), write(tmp_path / "test", "x")
    splits = JsonlTask(name="t", train=train, dev=None, dev_size=1, test=test).load()
    assert {name: [example.id for example in examples] for name, examples in splits.items()} == {
        "train": ["a", "b", "c"], "dev": ["d"], "test": ["x"],
    }  # fmt: skip
    with pytest.raises(ConfigError, match="dev_size is 4, expected less than the 4 training questions"):
        JsonlTask(name="t", train=train, dev=None, dev_size=4, test=test).load()


@pytest.mark.parametrize("selection", [{"dev": None}, {"dev": "x", "dev_size": 3}, {"dev": None, "dev_size": 0}])
def test_jsonl_task_wants_one_way_to_select_the_model(selection):
    with pytest.raises(ConfigError, match="dev_size"):
        JsonlTask(name="t", train="a", test="b", **selection)
