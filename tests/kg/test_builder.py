import json
import random
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kglm.errors import ConfigError, DataError, GraphError
from kglm.kg import KnowledgeGraph, Label, Triple, build_graph
from kglm.kg.records import Description, LabelBatch, TripleBatch
from kglm.kg.staging import MAX_RELATIONS, MAX_SOURCES, Staging
from kglm.kg.store import ArrayWriter

names = st.sampled_from(["ant", "bee", "cat_nap", "döner", "\U0001f600", ""])
weights = st.sampled_from([0.5, 1.0, 2.0])
triples = st.builds(Triple, names, st.sampled_from(["IsA", "PartOf", "x\ny"]), names, weights)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
aliases = st.builds(Label, names, texts, st.just(False), st.integers(0, 2**70))

BASE = (
    Triple("ant", "IsA", "insect", 1.0),
    Triple("bee", "IsA", "insect", 2.0),
    Triple("bee", "Makes", "honey", 1.0),
    Label("bee", "a bee", preferred=True),
    Label("bee", "honey bee"),
)


def content(graph):
    """Return all that a graph says, through its public reading side."""
    surfaces = {
        text: graph.surface_entities[graph.surface_indptr[i] : graph.surface_indptr[i + 1]].tolist()
        for i, text in enumerate(graph.surfaces)
    }
    incoming = [[column.tolist() for column in graph.in_edges(e)] for e in range(graph.num_entities)]
    links = [graph.links.row(e).tolist() for e in range(graph.num_entities)]
    return list(graph.triples()), list(graph.labels), surfaces, incoming, links


@settings(max_examples=40)
@given(
    st.lists(triples, min_size=1, max_size=12),
    st.lists(aliases, max_size=4),
    st.dictionaries(names, texts, max_size=3),
    st.integers(0, 99),
)
def test_the_order_of_records_does_not_matter(graph_of, some, labels, preferred, seed):
    records = [*some, *labels, *(Label(name, text, preferred=True) for name, text in preferred.items())]
    shuffled = records.copy()
    random.Random(seed).shuffle(shuffled)
    first, second = graph_of(*records), graph_of(*shuffled)
    assert first.fingerprint == second.fingerprint
    assert content(first) == content(second)


@settings(max_examples=40)
@given(st.lists(triples, min_size=1, max_size=20))
def test_triples_come_back_once_each_with_the_largest_weight(graph_of, some):
    graph = graph_of(*some)
    heaviest = {}
    for triple in some:
        heaviest[triple[:3]] = max(triple.weight, heaviest.get(triple[:3], 0.0))
    assert {triple[:3]: triple.weight for triple in graph.triples()} == heaviest
    assert graph.num_triples == len(heaviest)
    assert list(graph.entities) == sorted({name for triple in some for name in (triple.head, triple.tail)})
    assert list(graph.relations) == sorted({triple.relation for triple in some})


def test_labels_are_the_preferred_ones_or_the_names(graph_of):
    graph = graph_of(Triple("hot_dog", "IsA", "bee"), *BASE, Label("hot_dog", "sausage"), Label("nobody", "ghost"))
    assert graph.labels[graph.entity_id("bee")] == "a bee"
    assert graph.labels[graph.entity_id("hot_dog")] == "hot dog"
    assert list(graph.surfaces) == ["a bee", "ant", "honey", "honey bee", "hot dog", "insect", "sausage"]


def test_the_first_preferred_label_wins_and_the_other_stays_an_alias(graph_of):
    graph = graph_of(*BASE, Label("bee", "buzzer", preferred=True))
    assert graph.labels[graph.entity_id("bee")] == "a bee"
    assert "buzzer" in list(graph.surfaces)


def test_a_surface_form_is_shared_by_all_that_bear_it(graph_of):
    graph = graph_of(*BASE, Label("ant", "insect"), Label("ant", "insect"))
    _, _, surfaces, _, _ = content(graph)
    assert surfaces["insect"] == [graph.entity_id("ant"), graph.entity_id("insect")]


def test_an_empty_label_is_none(graph_of):
    graph = graph_of(*BASE, Label("honey", "", preferred=True))
    assert graph.labels[graph.entity_id("honey")] == "honey"
    assert "" not in list(graph.surfaces)


CHANGES = {
    "a triple more": (*BASE, Triple("ant", "Makes", "honey")),
    "a triple less": BASE[1:],
    "another weight": (BASE[0]._replace(weight=1.5), *BASE[1:]),
    "another relation": (BASE[0]._replace(relation="Is"), *BASE[1:]),
    "all of a relation renamed": tuple(
        r._replace(relation="Brews") if isinstance(r, Triple) and r.relation == "Makes" else r for r in BASE
    ),
    "a triple reversed": (Triple("insect", "IsA", "ant"), *BASE[1:]),
    "another name": (BASE[0]._replace(head="termite"), *BASE[1:]),
    "another preferred label": (*BASE[:3], Label("bee", "the bee", preferred=True), BASE[4]),
    "the other label preferred": (*BASE[:3], Label("bee", "a bee"), Label("bee", "honey bee", preferred=True)),
    "an alias less": BASE[:4],
    "an alias of another": (*BASE[:4], Label("ant", "honey bee")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_fingerprint_changes_with_the_content(graph_of, change):
    assert graph_of(*CHANGES[change]).fingerprint != graph_of(*BASE).fingerprint


def test_the_fingerprint_keeps_relations_apart_whatever_their_names(graph_of):
    first = graph_of(Triple("a", "x\ny", "b"), Triple("b", "z", "a"))
    second = graph_of(Triple("a", "x", "b"), Triple("b", "y\nz", "a"))
    assert first.fingerprint != second.fingerprint


def test_the_fingerprint_is_of_the_content_alone(tmp_path):
    first = build_graph(BASE, tmp_path / "a", name="one", provenance={"from": "here"})
    second = build_graph(BASE, tmp_path / "b", name="two")
    assert first.fingerprint == second.fingerprint
    assert first.manifest["provenance"] == {"from": "here"}


def test_a_source_without_a_triple_is_refused(tmp_path):
    with pytest.raises(DataError, match="the source of graph 'empty' holds no triple"):
        build_graph([Label("a", "b")], tmp_path / "graph", name="empty")
    assert not list(tmp_path.iterdir())


def test_too_many_relations_are_refused(tmp_path):
    records = (Triple("a", f"r{i}", "b") for i in range(MAX_RELATIONS + 1))
    with pytest.raises(GraphError, match="16384 relations; at most 16383"):
        build_graph(records, tmp_path / "graph", name="many")


def test_the_last_inverse_relation_fits_its_type(graph_of):
    graph = graph_of(*(Triple("a", f"r{i}", "b") for i in range(MAX_RELATIONS)))
    inverse = graph.relations_between(1, 0)[-1]
    assert inverse == 2 * MAX_RELATIONS - 1 <= np.iinfo(np.int16).max


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf"), 1e39, 1e-39])
def test_a_weight_that_cannot_be_stored_is_refused(tmp_path, weight):
    with pytest.raises(DataError, match=r"the triple a r b has weight .*, expected a positive number"):
        build_graph([Triple("a", "r", "b", weight)], tmp_path / "graph", name="heavy")


@pytest.mark.parametrize(
    "record", [Triple("\ud800", "r", "b"), Triple("a", "\ud800", "b"), Label("a", "\ud800", preferred=True)]
)
def test_half_a_surrogate_pair_is_refused(tmp_path, record):
    with pytest.raises(DataError, match=r"graph 'half' holds .*\\ud800.*, which UTF-8 cannot write"):
        build_graph([Triple("a", "r", "b"), record], tmp_path / "graph", name="half")
    assert not list(tmp_path.iterdir())


def failing_records():
    yield from BASE
    raise RuntimeError("the source broke")


def test_a_source_that_breaks_leaves_the_old_graph(tmp_path):
    old = build_graph(BASE, tmp_path / "graph", name="old")
    with pytest.raises(RuntimeError, match="the source broke"):
        build_graph(failing_records(), tmp_path / "graph", name="new")
    assert KnowledgeGraph.open(tmp_path / "graph").fingerprint == old.fingerprint
    assert [entry.name for entry in tmp_path.iterdir()] == ["graph"]


@pytest.mark.parametrize("failing_write", [0, 5, 12])
def test_a_failure_while_writing_leaves_the_old_graph(tmp_path, monkeypatch, failing_write):
    build_graph(BASE, tmp_path / "graph", name="old")
    append, calls = ArrayWriter.append, iter(range(100))

    def fail(*args):
        if next(calls) == failing_write:
            raise OSError("no space left")
        append(*args)

    monkeypatch.setattr(ArrayWriter, "append", fail)
    with pytest.raises(OSError, match="no space left"):
        build_graph(BASE[1:], tmp_path / "graph", name="new")
    assert KnowledgeGraph.open(tmp_path / "graph").name == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["graph"]


def test_a_graph_is_replaced_while_an_open_one_stays_readable(tmp_path):
    old = build_graph(BASE, tmp_path / "graph", name="old")
    build_graph(BASE[1:], tmp_path / "graph", name="new")
    assert KnowledgeGraph.open(tmp_path / "graph").name == "new"
    assert old.num_triples == len(list(old.triples())) == 3
    assert [entry.name for entry in tmp_path.iterdir()] == ["graph"]


def test_another_process_reads_the_same_graph(graph_of):
    graph = graph_of(*BASE)
    code = (
        "import sys, json; from kglm.kg import KnowledgeGraph; g = KnowledgeGraph.open(sys.argv[1]);"
        "print(json.dumps([g.fingerprint, list(g.triples()), g.outgoing.neighbors.flags.writeable]))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code, str(graph.folder)], capture_output=True, text=True, check=True
    ).stdout
    assert json.loads(printed) == [graph.fingerprint, [list(triple) for triple in graph.triples()], False]


def test_descriptions_and_counts_are_kept(graph_of):
    graph = graph_of(
        *BASE, Description("bee", "an insect"), Description("bee", "a spelling contest"), Description("nobody", "?"),
        Label("bee", "honey bee", count=3), Label("honey", "honey bee", count=1),
    )  # fmt: skip
    assert list(graph.descriptions) == ["", "an insect", "", ""]
    form = graph.surfaces.find("honey bee")
    span = slice(graph.surface_indptr[form], graph.surface_indptr[form + 1])
    assert graph.surface_entities[span].tolist() == [graph.entity_id("bee"), graph.entity_id("honey")]
    assert graph.surface_counts[span].tolist() == [3, 1]


def test_weights_are_summed_on_request(graph_of, tmp_path):
    again = [Triple("ant", "IsA", "insect", 0.25), Triple("ant", "IsA", "insect", 1.0)]
    graph = build_graph([*BASE, *again], tmp_path / "graph", name="sum", merge_weights="sum")
    assert {triple[:3]: triple.weight for triple in graph.triples()}["ant", "IsA", "insect"] == 2.25
    with pytest.raises(ConfigError, match=r"merge_weights is 'mean', expected one of \['max', 'sum'\]"):
        build_graph(BASE, tmp_path / "graph", name="mean", merge_weights="mean")
    heavy = [Triple("a", "r", "b", 9e37)] * 2
    with pytest.raises(
        DataError, match=r"the summed weight of a triple of graph 'heavy' is 1.79.*, expected a positive"
    ):
        build_graph(heavy, tmp_path / "graph", name="heavy", merge_weights="sum")


@given(st.permutations([("z", 2.0), ("a", 2.0), ("b", 1.0), ("", 2.0)]))
def test_the_source_of_a_merged_triple_is_that_of_the_heaviest(graph_of, asserted):
    graph = graph_of(*(Triple("x", "r", "y", weight, source) for source, weight in asserted))
    assert list(graph.triples()) == [Triple("x", "r", "y", 2.0, "a")]


def test_too_many_sources_are_refused(tmp_path):
    records = (Triple("a", "r", "b", source=f"s{i}") for i in range(MAX_SOURCES + 1))
    with pytest.raises(GraphError, match="65537 sources of triples; at most 65535"):
        build_graph(records, tmp_path / "graph", name="many")


def test_batches_and_single_records_give_the_same_graph(graph_of):
    names = {
        field: [triple[i] for triple in BASE[:3]]
        for i, field in enumerate(("heads", "relations", "tails", "weights"))
    }
    batch = TripleBatch(**{field: pa.array(values) for field, values in names.items()})
    labels = LabelBatch(
        entities=pa.array(["bee"] * 2), texts=pa.array(["a bee", "honey bee"]), preferred=pa.array([True, False])
    )
    assert graph_of(batch, labels).fingerprint == graph_of(*BASE).fingerprint == graph_of(labels, *BASE).fingerprint


def test_little_memory_gives_the_same_graph(graph_of, tmp_path):
    rng = random.Random(0)
    triples = [
        Triple(f"entity number {rng.randrange(9000)}", "r", f"e{rng.randrange(9000)}", rng.random() + 0.1)
        for _ in range(60_000)
    ]
    small = build_graph(triples, tmp_path / "graph", name="small", memory="60MB")
    assert small.fingerprint == graph_of(*triples).fingerprint
    assert [path.name for path in tmp_path.iterdir()] == ["graph"]


def test_what_a_killed_build_left_is_removed_by_the_next(tmp_path):
    (tmp_path / f".graph.{'0' * 12}.tmp").mkdir()
    build_graph(BASE, tmp_path / "graph", name="next")
    assert [path.name for path in tmp_path.iterdir()] == ["graph"]


def test_a_negative_count_is_refused(tmp_path):
    with pytest.raises(DataError, match="the label 'x' of 'a' has count -1, expected 0 or more"):
        build_graph([Triple("a", "r", "b"), Label("a", "x", count=-1)], tmp_path / "graph", name="few")


def columns(**changes):
    """Two triples as a batch, some columns changed."""
    plain = {"heads": ["a", "b"], "relations": ["r", "s"], "tails": ["b", "c"], "weights": [1.0, 2.0]}
    return TripleBatch(**{
        name: values if isinstance(values, (pa.Array, pa.ChunkedArray)) else pa.array(values)
        for name, values in (plain | changes).items()
    })  # fmt: skip


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view(), pa.binary()], ids=str)
def test_columns_of_any_type_of_text_give_the_same_graph(graph_of, kind):
    texts = {"heads": ["a", "b"], "relations": ["r", "s"], "tails": ["b", "c"]}
    batch = columns(**{name: pa.array(values, kind) for name, values in texts.items()})
    assert graph_of(batch).fingerprint == graph_of(columns()).fingerprint


def test_chunks_slices_and_dictionaries_give_the_same_graph(graph_of):
    """A dictionary keeps values that a slice no longer uses; they are no relations."""
    forms = [
        {name: pa.chunked_array([[one], [two]]) for name, (one, two) in
         {"heads": "ab", "relations": "rs", "tails": "bc", "weights": (1.0, 2.0)}.items()},
        {"heads": pa.array(["z", "a", "b"])[1:], "relations": pa.array(["unused", "r", "s"])[1:]},
        {"heads": pa.array(["z", "a", "b"]).dictionary_encode()[1:],
         "relations": pa.array(["unused", "r", "s"]).dictionary_encode()[1:]},
    ]  # fmt: skip
    for form in forms:
        graph = graph_of(columns(**form))
        assert graph.relations == ("r", "s")
        assert graph.fingerprint == graph_of(columns()).fingerprint


@pytest.mark.parametrize(
    ("record", "what"),
    [
        (columns(heads=["a", None]), "the head of a triple is null in row 1"),
        (columns(relations=[None, "r"]), "the relation of a triple is null in row 0"),
        (columns(tails=[None, None], weights=[None, None]), "the tail of a triple is null in row 0"),
        (Triple("a", "r", None), "the tail of a triple is null in row 1"),
        (Label(None, "x"), "the entity of a label is null in row 0"),
        (Label("a", None), "the text of a label is null in row 0"),
        (Description("a", None), "the text of a description is null in row 0"),
    ],
)
def test_what_is_null_is_refused(tmp_path, record, what):
    with pytest.raises(DataError, match=what):
        build_graph([Triple("a", "r", "b"), record], tmp_path / "graph", name="null")


def test_a_null_source_or_count_is_none(graph_of):
    batch = columns(sources=[None, "s"])
    assert [triple.source for triple in graph_of(batch).triples()] == ["", "s"]
    labels = LabelBatch(
        entities=pa.array(["a", "a"]),
        texts=pa.array(["x", "y"]),
        preferred=pa.array([None, False]),
        counts=pa.array([None, 3]),
    )
    graph = graph_of(columns(), labels)
    assert dict(zip(graph.surfaces, graph.surface_counts.tolist(), strict=True)) == {
        "a": 0, "b": 0, "c": 0, "x": 0, "y": 3
    }  # fmt: skip


@pytest.mark.parametrize("column", ["heads", "relations", "tails"])
def test_bytes_that_are_no_text_are_refused(tmp_path, column):
    offsets = pa.py_buffer(np.array([0, 1, 2], dtype=np.int32))
    broken = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"\xffb")])
    with pytest.raises(DataError, match="not valid UTF-8"):
        build_graph([columns(**{column: broken})], tmp_path / "graph", name="broken")


def test_whole_numbers_are_weights_too(graph_of):
    assert sorted(graph_of(columns(weights=[16_777_217, 3])).weight_values.tolist()) == [3.0, 16_777_216.0]


def test_sums_that_are_stored_as_equal_are_equal_among_links(tmp_path):
    records = [Triple("a", "r", "y", 1.0), Triple("a", "r", "x", 1.0), Triple("a", "r", "y", 2.0**-30)]
    graph = build_graph(records, tmp_path / "graph", name="sum", merge_weights="sum")
    assert graph.links.row(0).tolist() == [1, 2]
    assert graph.weight_values.tolist() == [1.0]


def test_a_sum_beyond_single_precision_is_refused(tmp_path):
    with pytest.raises(DataError, match="the summed weight of a triple of graph 'heavy' is inf, expected a positive"):
        build_graph([Triple("a", "r", "b", 9e37)] * 5, tmp_path / "graph", name="heavy", merge_weights="sum")


def test_an_empty_description_is_none(graph_of):
    graph = graph_of(*BASE, Description("bee", ""), Description("bee", "an insect"))
    assert graph.descriptions[graph.entity_id("bee")] == "an insect"


@pytest.mark.parametrize(
    "content",
    ["a\0", "\0", "", "\x01", "\U0010ffff", "\uffff", "ab" * 30_000],
)
def test_names_of_any_characters_are_sorted_and_found(graph_of, content):
    names = sorted({content * times + end for times in range(3) for end in ("", "\0", "b")})
    graph = graph_of(*(Triple(name, "r", "b") for name in names))
    assert list(graph.entities) == sorted({*names, "b"})
    assert [graph.entities.find(name) for name in graph.entities] == list(range(graph.num_entities))


@pytest.mark.parametrize(
    "provenance", [{2: "b", 10: "c"}, {1: "a", "x": None}, {"path": "caf\udce9.csv"}, {"nested": {3: (1, 2)}}]
)
def test_any_provenance_that_json_holds_is_read_back(tmp_path, provenance):
    build_graph(BASE, tmp_path / "graph", name="known", provenance=provenance)
    found = KnowledgeGraph.open(tmp_path / "graph").manifest["provenance"]
    assert found == json.loads(json.dumps(provenance))


@pytest.mark.parametrize("provenance", [{"x": float("nan")}, {"x": object()}])
def test_provenance_that_json_cannot_hold_is_refused_before_the_work(tmp_path, provenance):
    records = iter(BASE)
    with pytest.raises((TypeError, ValueError)):
        build_graph(records, tmp_path / "graph", name="odd", provenance=provenance)
    assert len(list(records)) == len(BASE)


def test_a_folder_of_other_things_is_not_replaced(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match="holds something other than a compiled graph; nothing is overwritten"):
        build_graph(BASE, tmp_path, name="here")
    (tmp_path / "manifest.json").write_text('{"format": "another"}')
    with pytest.raises(DataError, match="nothing is overwritten"):
        build_graph(BASE, tmp_path, name="here")
    assert (tmp_path / "thesis.txt").exists()


@pytest.mark.parametrize("manifest", [None, "{", '{"format": "kglm-graph", "version": 1}'])
def test_an_empty_folder_and_a_damaged_or_old_graph_are_replaced(tmp_path, manifest):
    folder = tmp_path / "graph"
    folder.mkdir()
    if manifest is not None:
        (folder / "manifest.json").write_text(manifest)
    assert build_graph(BASE, folder, name="again").num_triples == 3


@pytest.mark.parametrize("memory", ["lots", "1KB"])
def test_memory_that_is_no_size_or_next_to_nothing_is_refused(tmp_path, memory):
    with pytest.raises(ConfigError, match=f"memory is '{memory}', expected a size such as '3GB'"):
        build_graph(BASE, tmp_path / "graph", name="small", memory=memory)


def test_too_little_memory_is_told(tmp_path):
    message = r"could not be compiled \(.*Out of Memory.*\); more memory, or more room on the disk"
    records = (Triple(f"entity {i}", "r", f"entity {i * i}") for i in range(10_000))
    with pytest.raises(GraphError, match=message):
        build_graph(records, tmp_path / "graph", name="small", memory="2MB")
    assert not list(tmp_path.iterdir())


def test_a_failure_while_rows_are_read_is_told(tmp_path):
    query = "SELECT CASE WHEN i = 250000 THEN error('broken') ELSE i END FROM range(300000) numbers(i)"
    with pytest.raises(GraphError, match=r"could not be compiled \(.*broken\)"), Staging(tmp_path, "1GB") as staging:
        list(staging.rows(query))


def test_entities_may_stand_alone(tmp_path):
    words = LabelBatch(
        entities=pa.array(["ant", "lone", "lone"]),
        texts=pa.array(["Ant", "Lone", "alone"]),
        preferred=pa.array([True, True, False]),
    )
    dropped = build_graph([*BASE, words], tmp_path / "dropped", name="tiny")
    assert "lone" not in list(dropped.entities)
    kept = build_graph([*BASE, replace(words, standalone=True)], tmp_path / "kept", name="tiny")
    assert kept.num_entities == dropped.num_entities + 1
    lone = kept.entity_id("lone")
    assert (kept.labels[lone], len(kept.links.row(lone)), len(kept.out_edges(lone).neighbors)) == ("Lone", 0, 0)
    at = int(kept.surface_indptr[kept.surfaces.find("alone")])
    assert int(kept.surface_entities[at]) == lone
    assert KnowledgeGraph.open(tmp_path / "kept").fingerprint == kept.fingerprint != dropped.fingerprint
