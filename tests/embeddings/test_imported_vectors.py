import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from kglm.embeddings.imported_vectors import import_vectors
from kglm.errors import ConfigError, DataError
from kglm.kg.records import Label, Triple


@pytest.fixture(scope="module")
def graph(graph_of):
    return graph_of(
        Triple("Q1", "UsedFor", "Q2"),
        Triple("Q3", "RelatedTo", "Q4"),
        Label("Q1", "garden trowel", preferred=True),
        Label("Q2", "dig", preferred=True),
        Label("Q2", "digging"),
        Label("Q3", "dig"),
        Label("Q4", "delve", preferred=True),
    )


VECTORS = np.array([[1, 2], [3, 4], [5, 6], [7, 8]], dtype=np.float32)
NAMES = ["garden_trowel", "dig", "Q3", "nothing"]
# Q3 goes by its own name before its alias; Q4 has none.
EXPECTED = [[1, 2], [3, 4], [5, 6], [0, 0]]
REPORT = (
    "3 of 4 entities have a vector (75.0 %: 1 by name, 2 by label, 0 by alias); "
    "1 of 4 vectors are not used (such as nothing)"
)


def word2vec(header=True):
    lines = [f"{name} {a:g} {b:g}" for name, (a, b) in zip(NAMES, VECTORS.tolist(), strict=True)]
    return "\n".join([*(["4 2"] if header else []), *lines, ""]).encode()


def written(folder, kind):
    """Write the vectors, and return what import_vectors is told of them."""
    (folder / "names.txt").write_text("".join(f"{name}\n" for name in NAMES))
    if kind == "numpy":
        np.save(folder / "v.npy", VECTORS.astype(np.float64))
        return folder / "v.npy", {"names": folder / "names.txt"}
    if kind == "safetensors":
        save_file({"ent": VECTORS, "rel": VECTORS[:1]}, folder / "v.safetensors")
        return folder / "v.safetensors", {"names": folder / "names.txt", "tensor": "ent"}
    content = word2vec(header=kind != "glove")
    path = folder / ("v.txt.gz" if kind == "compressed" else "v.txt")
    path.write_bytes(gzip.compress(content) if kind == "compressed" else content)
    return path, {}


@pytest.mark.parametrize("kind", ["numpy", "safetensors", "word2vec", "glove", "compressed"])
def test_vectors_find_their_entities(graph, tmp_path, kind):
    path, options = written(tmp_path, kind)
    table, report = import_vectors(path, graph, **options)
    assert table.textual.tolist() == EXPECTED
    assert str(report) == REPORT
    assert (table.fingerprint, table.source["covered"]) == (graph.fingerprint, 3)


def test_an_alias_serves_where_nothing_better_does(graph, tmp_path):
    (tmp_path / "v.txt").write_text("digging 1 1\ndelve 2 2\ndig 3 3\n")
    table, report = import_vectors(tmp_path / "v.txt", graph, block="structural")
    assert table.structural.tolist() == [[0, 0], [3, 3], [3, 3], [2, 2]]
    assert report.by == {"name": 0, "label": 2, "alias": 1}


def test_a_name_may_hold_blanks_where_the_first_line_tells_the_dimensions(graph, tmp_path):
    (tmp_path / "v.txt").write_text("1 2\ngarden trowel 1 2\n")
    assert import_vectors(tmp_path / "v.txt", graph)[1].covered == 1


MALFORMED = [
    ("dig 1 2\nQ1 1\n", "v.txt:2: 1 numbers; expected a name and 2"),
    ("dig 1 2\nQ1 1 x\n", "v.txt:2: not a name and 2 numbers"),
    ("dig\n", "v.txt:1: 0 numbers; expected a name and some"),
    ("", "the file of vectors is empty"),
    ("dig 1 nan\n", "the vector of 'dig' (row 1) is not finite"),
    ("other 1 2\n", "0 of 4 entities have a vector"),
]


@pytest.mark.parametrize(("content", "message"), MALFORMED)
def test_malformed_files_are_refused(graph, tmp_path, content, message):
    (tmp_path / "v.txt").write_text(content)
    with pytest.raises(DataError) as error:
        import_vectors(tmp_path / "v.txt", graph)
    assert message in str(error.value)


def test_too_few_are_refused(graph, tmp_path):
    path, _ = written(tmp_path, "word2vec")
    with pytest.raises(DataError, match=r"3 of 4 entities .*expected at least 90\.0%"):
        import_vectors(path, graph, min_coverage=0.9)


def test_arguments_that_do_not_fit_are_named(graph, tmp_path):
    path, options = written(tmp_path, "safetensors")
    for wrong, message in [
        ({"tensor": "entities"}, "holds no 'entities' (it has: ent, rel)"),
        ({"tensor": None}, "holds ent, rel; name one with tensor="),
        ({"names": None}, "names is missing"),
        ({"min_coverage": 2}, "min_coverage is 2"),
    ]:
        with pytest.raises(ConfigError) as error:
            import_vectors(path, graph, **{**options, **wrong})
        assert message in str(error.value)
    text, _ = written(tmp_path, "word2vec")
    with pytest.raises(ConfigError, match="not allowed with"):
        import_vectors(text, graph, names=tmp_path / "names.txt")


def test_names_and_rows_must_be_as_many_and_matrices_numbers(graph, tmp_path):
    path, options = written(tmp_path, "numpy")
    (tmp_path / "names.txt").write_text("dig\n")
    with pytest.raises(DataError, match=r"has 1 names, but .* 4 rows"):
        import_vectors(path, graph, **options)
    for content in (np.arange(4), np.array([["a"]])):
        np.save(path, content)
        with pytest.raises(DataError, match="expected numbers"):
            import_vectors(path, graph, **options)
    path.write_bytes(b"no numpy file")
    with pytest.raises(DataError, match="no matrix that can be read"):
        import_vectors(path, graph, **options)


@settings(max_examples=60)
@given(st.binary(max_size=40) | st.text("1 2\t\ndigQ.-e", max_size=40).map(str.encode))
def test_whatever_a_file_holds_it_is_read_or_refused(graph, tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzz.vec"
    path.write_bytes(content)
    try:
        table, report = import_vectors(path, graph)
    except DataError:
        return
    assert table.vectors.shape[0] == graph.num_entities
    assert report.covered >= 1
