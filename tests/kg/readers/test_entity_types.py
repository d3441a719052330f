import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.errors import DataError
from kglm.kg import GraphRecipe
from kglm.kg.readers import one_by_one, read_records
from kglm.kg.records import Description, Label, Triple
from kglm.kg.tally import Tally

TYPES = {"Q1": ["Q5", "Q6"], "Q2": ["Q5"], "Q3": []}


def read(path, limit=0, **options):
    tally = Tally(limit=limit)
    return list(one_by_one(read_records(path, tally, "entity_types", options))), tally


@pytest.fixture
def source(tmp_path):
    (tmp_path / "types.json").write_text(json.dumps(TYPES))
    (tmp_path / "labels.tsv").write_text("qid\tlabel\tdescription\nQ1\tAda\tmathematician\nQ9\tBob\t\n")
    (tmp_path / "names.json").write_text(json.dumps({"Q5": {"label": "human"}, "Q1": "another"}))
    return tmp_path / "types.json"


def test_a_triple_for_each_type_of_each_entity(source):
    records, tally = read(source)
    assert records == [Triple(a, "instance of", b) for a, b in (("Q1", "Q5"), ("Q1", "Q6"), ("Q2", "Q5"))]
    assert tally.accepted == 3
    assert read(source, relation="isa")[0][0] == Triple("Q1", "isa", "Q5")


def test_labels_of_entities_and_of_types(source):
    options = {"labels": str(source.with_name("labels.tsv")), "type_labels": str(source.with_name("names.json"))}
    records, _ = read(source, **options)
    assert records[3:] == [
        Label("Q1", "Ada", preferred=True),
        Label("Q9", "Bob", preferred=True),
        Description("Q1", "mathematician"),
        Label("Q5", "human", preferred=True),
        Label("Q1", "another", preferred=True),
    ]


@pytest.mark.parametrize(
    ("keep", "entities"), [(False, {"Q1", "Q2", "Q5", "Q6"}), (True, {"Q1", "Q2", "Q5", "Q6", "Q9"})]
)
def test_what_only_has_a_label_is_kept_if_asked(source, tmp_path, keep, entities):
    options = {
        "labels": str(source.with_name("labels.tsv")),
        "type_labels": str(source.with_name("names.json")),
        "keep_labelled": keep,
    }
    recipe = GraphRecipe(name="types", source=str(source), format="entity_types", options=options)
    graph = recipe.compile(tmp_path / "graph")
    assert set(graph.entities) == entities
    assert graph.labels[graph.entity_id("Q1")] == "Ada"  # the first file has the first say
    assert graph.labels[graph.entity_id("Q5")] == "human"


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "is not JSON"), ("[]", "holds list in JSON; expected an object from entity to its types")],
)
def test_what_is_no_object_is_refused(tmp_path, text, message):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(DataError, match=message):
        read(tmp_path / "x.json")


@given(st.dictionaries(st.text(), st.one_of(st.integers(), st.lists(st.one_of(st.text(), st.none())))))
def test_every_entity_gets_a_verdict(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("types") / "x.json"
    path.write_text(json.dumps(values))
    records, tally = read(path, limit=10**6)
    right = {
        entity: types
        for entity, types in values.items()
        if entity.strip() and isinstance(types, list) and all(isinstance(t, str) and t.strip() for t in types)
    }
    assert tally.accepted == len(right)
    assert tally.rejected == len(values) - len(right)
    assert len(records) == sum(map(len, right.values()))


def test_half_of_a_surrogate_pair_is_rejected_and_the_rest_read(tmp_path):
    (tmp_path / "types.json").write_text('{"Q1": ["\\ud800"], "Q2": ["Q5"]}')
    records, tally = read(tmp_path / "types.json", limit=1)
    assert records == [Triple("Q2", "instance of", "Q5")]
    assert tally.rejected == 1
    (tmp_path / "types.json").write_bytes(b'{"\xed\xa0\x80": ["Q5"]}')
    with pytest.raises(DataError, match="is not JSON"):
        read(tmp_path / "types.json")
