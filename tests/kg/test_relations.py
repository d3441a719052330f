from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.errors import DataError, UnknownNameError
from kglm.kg.readers import one_by_one, read_records
from kglm.kg.records import Label, Triple, TripleBatch
from kglm.kg.relations import Direction, RelationMap, map_relations
from kglm.kg.tally import Tally

SHIPPED = Path(__file__).parents[2] / "graphs" / "conceptnet" / "relations.tsv"
KAGNET = SHIPPED.with_name("relations_kagnet.tsv")
HEADER = "source\ttarget\tdirection\n"


def read_one_by_one(*arguments):
    return one_by_one(read_records(*arguments))


@pytest.fixture
def read(tmp_path):
    def read(text):
        (tmp_path / "map.tsv").write_text(text, encoding="utf-8")
        return RelationMap.read(tmp_path / "map.tsv")

    return read


def test_triples_are_kept_reversed_or_dropped(read):
    relation_map = read(HEADER + 'IsA\tIsA\tsame\r\nHasA\tPartOf\treversed\n\n"Odd"\t-\tdropped\n')
    records = [
        Triple("dog", "IsA", "pet", 2.0),
        Triple("dog", "HasA", "tail", 3.0),
        Triple("dog", '"Odd"', "x"),
        Label("dog", "a dog"),
    ]
    assert list(map_relations(records, relation_map, Tally())) == [
        Triple("dog", "IsA", "pet", 2.0),
        Triple("tail", "PartOf", "dog", 3.0),
        Label("dog", "a dog"),
    ]


def test_a_relation_without_a_row_is_rejected_with_the_near_ones(read):
    tally = Tally(limit=1, path=Path("x.tsv"), line=3)
    records = [Triple("a", "isa", "b"), Triple("a", "IsA", "b"), Triple("a", "zzz", "b")]
    mapped = iter(map_relations(records, read(HEADER + "IsA\tIsA\tsame\n"), tally))
    assert next(mapped) == Triple("a", "IsA", "b")
    assert tally.examples == ["x.tsv:3: unknown relation 'isa'; did you mean 'IsA'? (1 known: IsA)"]
    with pytest.raises(DataError, match="more than the limit of 1"):
        next(mapped)


def test_batches_are_mapped_as_single_triples_are(read):
    relation_map = read(HEADER + "IsA\tIsA\tsame\nHasA\tPartOf\treversed\nOdd\t-\tdropped\n")
    triples = [
        Triple("dog", "HasA", "tail", 3.0, "x"),
        Triple("dog", "Odd", "y"),
        Triple("dog", "isa", "pet"),
        Triple("dog", "IsA", "pet", 2.0),
        Triple("cat", "Odd", "y"),
    ]
    heads, relations, tails, weights, sources = (pa.array(column) for column in zip(*triples, strict=True))
    batch = TripleBatch(
        heads=heads, relations=relations, tails=tails, weights=weights, sources=sources, lines=pa.array(range(7, 12))
    )
    found = []
    for records in ([batch], triples):
        tally = Tally(lines=5, accepted=5, path=Path("x.tsv"), line=9)
        found.append((list(one_by_one(map_relations(records, relation_map, tally))), tally.counts(), tally.examples))
        tally.require_settled()
    assert found[0] == found[1]
    assert found[0][0] == [Triple("tail", "PartOf", "dog", 3.0, "x"), Triple("dog", "IsA", "pet", 2.0)]
    assert found[0][1]["skipped"] == {"dropped by the relation map": 2}
    assert found[0][2] == ["x.tsv:9: unknown relation 'isa'; did you mean 'IsA'? (3 known: IsA, HasA, Odd)"]


def test_a_batch_of_which_nothing_is_left_is_not_yielded(read):
    text = pa.array(["a"])
    batch = TripleBatch(heads=text, relations=text, tails=text, weights=pa.array([1.0]))
    assert list(map_relations([batch], read(HEADER + "a\t-\tdropped\n"), Tally())) == []


def test_apply_refuses_an_unknown_relation(read):
    with pytest.raises(UnknownNameError, match="unknown relation 'x'"):
        read(HEADER).apply(Triple("a", "x", "b"))


MALFORMED = {
    "": "map.tsv:1: the header is [''], expected ['source', 'target', 'direction']",
    "a\tb\n": "map.tsv:1: the header is ['a', 'b'], expected ['source', 'target', 'direction']",
    HEADER + "IsA\tIsA\n": "map.tsv:2: 2 columns, expected 3: ['source', 'target', 'direction']",
    HEADER + "IsA\tIsA\tsame\nIsA\tX\tsame\n": "map.tsv:3: relation 'IsA' stands twice",
    HEADER + "IsA\tIsA\tsme\n": (
        "map.tsv:2: direction 'sme', expected one of ['same', 'reversed', 'dropped']; did you mean 'same'?"
    ),
    HEADER + "IsA\t\tsame\n": "map.tsv:2: source 'IsA' and target '' must not be empty",
    HEADER + "\tIsA\tsame\n": "map.tsv:2: source '' and target 'IsA' must not be empty",
}


@pytest.mark.parametrize("text", MALFORMED)
def test_a_malformed_map_is_refused(read, text):
    with pytest.raises(DataError) as caught:
        read(text)
    assert str(caught.value).endswith(MALFORMED[text])


def test_a_missing_map_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"relation map '.*map.tsv' does not exist"):
        RelationMap.read(tmp_path / "map.tsv")


cells = st.sampled_from(["IsA", "HasA", "", '"', "same", "reversed", "dropped", " ", "-", "\ud800", "x\0"])
tables = st.lists(st.lists(cells, max_size=4).map("\t".join), max_size=5).map("\n".join)


@given(st.one_of(st.binary(max_size=20), (tables | st.text()).map(lambda t: (HEADER + t).encode("utf-8", "replace"))))
def test_whatever_the_map_holds_only_data_errors_escape(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzz-map.tsv"
    path.write_bytes(content)
    try:
        relation_map = RelationMap.read(path)
    except DataError:
        return
    for source, (target, direction) in relation_map.targets.items():
        assert source
        assert target
        assert direction in Direction


def test_the_shipped_map_has_seventeen_targets():
    targets = RelationMap.read(SHIPPED).targets
    kept = {target for target, direction in targets.values() if direction is not Direction.DROPPED}
    assert len(kept) == 17
    assert all(targets[target] == (target, Direction.SAME) for target in kept)


# All relations of ConceptNet 5.7 (https://github.com/commonsense/conceptnet5/wiki/Relations).
OFFICIAL = """
RelatedTo ExternalURL FormOf IsA PartOf HasA UsedFor CapableOf AtLocation Causes HasSubevent HasFirstSubevent
HasLastSubevent HasPrerequisite HasProperty MotivatedByGoal ObstructedBy Desires CreatedBy Synonym Antonym
DistinctFrom DerivedFrom SymbolOf DefinedAs Entails MannerOf LocatedNear HasContext SimilarTo EtymologicallyRelatedTo
EtymologicallyDerivedFrom CausesDesire MadeOf ReceivesAction InstanceOf NotDesires NotUsedFor NotCapableOf
NotHasProperty dbpedia/genre dbpedia/influencedBy dbpedia/knownFor dbpedia/occupation dbpedia/language dbpedia/field
dbpedia/product dbpedia/capital dbpedia/leader dbpedia/genus
""".split()


def test_the_shipped_maps_cover_conceptnet_5_and_agree_where_kagnet_keeps_a_relation():
    wide, kagnet = RelationMap.read(SHIPPED).targets, RelationMap.read(KAGNET).targets
    assert set(OFFICIAL) - set(wide) == set()
    assert set(OFFICIAL) == set(kagnet)
    kept = {relation for relation, (_, direction) in kagnet.items() if direction is not Direction.DROPPED}
    assert len({kagnet[relation][0] for relation in kept}) == 17
    assert {relation: kagnet[relation] for relation in kept} == {relation: wide[relation] for relation in kept}
    assert {name for name, (_, direction) in kagnet.items() if direction is Direction.REVERSED} == {
        "HasA", "MotivatedByGoal",
    }  # fmt: skip


@pytest.mark.data
def test_the_shipped_map_covers_the_merged_conceptnet(data_dir):
    source = data_dir / "conceptnet" / "conceptnet_en.tsv.gz"
    found = {record.relation for record in read_one_by_one(source, Tally()) if isinstance(record, Triple)}
    assert len(found) > 40
    assert found - set(RelationMap.read(SHIPPED).targets) == set()
