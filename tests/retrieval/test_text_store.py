import operator

import pytest

from kglm.errors import DataError, RetrievalIndexError
from kglm.retrieval.text_store import CHUNK, Document, TextStore, write_texts


def test_what_was_written_is_read_at_any_place(tmp_path):
    count = CHUNK + 5
    written = write_texts(tmp_path / "t", (Document(3 * i, f"key {i}", f"text {i} é\x00🌍") for i in range(count)))
    store = TextStore(tmp_path / "t")
    assert written == len(store) == count
    for position in (0, 1, CHUNK - 1, CHUNK, count - 1):
        assert store.describe([position]) == [(f"text {position} é\x00🌍", f"key {position}")]
    assert store.describe([CHUNK, 0])[1][1] == "key 0"
    assert store.ids().tolist() == list(range(0, 3 * count, 3))
    assert [len(chunk) for chunk in store.chunks()] == [CHUNK, 5]
    assert list(map(operator.itemgetter(-1), store.keys())) == [f"key {CHUNK - 1}", f"key {count - 1}"]


def test_no_texts(tmp_path):
    assert write_texts(tmp_path / "t", []) == 0
    assert len(TextStore(tmp_path / "t")) == 0


@pytest.mark.parametrize(
    ("document", "message"),
    [(Document(-1, "", "a"), "id -1 is negative"), (Document(1, "", "\ud800"), "lone surrogate")],
)
def test_what_cannot_be_kept(tmp_path, document, message):
    with pytest.raises(DataError, match=message):
        write_texts(tmp_path / "t", [document])


def test_a_damaged_file(tmp_path):
    (tmp_path / "t").write_bytes(b"ARROW1 and then nothing")
    with pytest.raises(RetrievalIndexError, match="cannot be read"):
        TextStore(tmp_path / "t")
