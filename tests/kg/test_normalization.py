import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.errors import UnknownNameError
from kglm.kg.normalization import NORMALIZATIONS, normalize_records, normalizer
from kglm.kg.readers import one_by_one
from kglm.kg.records import Description, Label, LabelBatch, Triple, TripleBatch

# What stands behind a versioned name must never change: a new rule needs a new name and new examples.
PINNED = {
    "none": {"The  Dog": "The  Dog", "_": "_"},
    "casefold-1": {
        "The_ Dog ": "the dog",
        "Cafe\u0301": "caf\u00e9",
        "STRASSE": "strasse",
        "Stra\u00dfe": "strasse",
        "a\u00a0\u3000b\t": "a b",
        "_": "_",
        "to eat": "to eat",
    },
    "conceptnet-1": {
        "The Dog": "dog",
        "to eat_an apple": "eat_apple",
        "to": "to",
        "the": "the",
        "to the": "to_the",
        "to to go": "go",
        "go to the sea": "go_to_sea",
        "plan A": "plan",
        " ": " ",
    },
}


@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_the_rules_behind_a_name_stay(name):
    assert {concept: normalizer(name)(concept) for concept in PINNED[name]} == PINNED[name]


@pytest.mark.parametrize("name", NORMALIZATIONS)
@given(st.text(st.sampled_from("aA _thetoÉé\u0301ßİ\u00a0\n/"), max_size=12))
def test_to_normalise_twice_is_to_normalise_once(name, concept):
    normal = normalizer(name)
    assert normal(normal(concept)) == normal(concept)
    assert bool(normal(concept)) == bool(concept)
    if name != "none" and normal(concept) != concept:
        assert unicodedata.is_normalized("NFC", normal(concept))


def test_an_unknown_name_proposes_near_ones():
    with pytest.raises(UnknownNameError, match="unknown normalization 'conceptnet'; did you mean 'conceptnet-1'"):
        list(normalize_records([], "conceptnet"))


TRIPLES = [
    Triple("The Dog", "IsA", "a_pet", 2.0, "x"),
    Triple("dog", "CapableOf", "to bark", 1.0, "y"),
    Triple("hot_dog", "IsA", "The Dog", 1.0),
]


def batch_of(triples):
    heads, relations, tails, weights, sources = (pa.array(column) for column in zip(*triples, strict=True))
    return TripleBatch(heads=heads, relations=relations, tails=tails, weights=weights, sources=sources)


def test_old_names_become_aliases():
    assert list(normalize_records([TRIPLES[0], Label("The Dog", "hound", True, 3), Description("a_pet", "kept")],
                                  "conceptnet-1")) == [
        Triple("dog", "IsA", "pet", 2.0, "x"),
        Label("dog", "The Dog"),
        Label("pet", "a pet"),
        Label("dog", "hound", True, 3),
        Description("pet", "kept"),
    ]  # fmt: skip


names = st.sampled_from(["The Dog", "dog", "a_pet", "Pet", "to bark", "hot_dog", "hot dog", "_", "É"])
triples = st.lists(st.builds(Triple, names, st.just("r"), names, st.just(1.0), st.just("")), min_size=1, max_size=9)


@given(triples, st.sampled_from(sorted(NORMALIZATIONS)))
def test_batches_say_what_single_records_say(some, name):
    singly = list(normalize_records(some, name))
    batched = list(one_by_one(normalize_records([batch_of(some)], name)))
    for kind in (Triple, Label):
        found = [[record for record in records if isinstance(record, kind)] for records in (singly, batched)]
        assert found[0] == found[1] or (kind is Label and set(found[0]) == set(found[1]))


def test_labels_of_batches_follow_their_entity():
    labels = LabelBatch(
        entities=pa.array(["The Dog", "x"]), texts=pa.array(["T", "X"]), preferred=pa.array([True, False])
    )
    assert list(one_by_one(normalize_records([labels], "conceptnet-1"))) == [
        Label("dog", "T", preferred=True),
        Label("x", "X"),
    ]
