import random
from collections import Counter

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from kglm.kg import GraphRecipe
from kglm.kg.readers import one_by_one
from kglm.kg.records import Description, Label, Triple, TripleBatch
from kglm.kg.shuffling import shuffle_tails

NAMES = st.sampled_from("abcdefgh")
WEIGHTS = st.sampled_from([0.5, 1.0, 2.0])
TRIPLES = st.lists(st.tuples(NAMES, st.sampled_from("rs"), NAMES, WEIGHTS).map(lambda row: Triple(*row)), max_size=40)


def shuffled(records, seed=0, merge_weights="max"):
    return list(one_by_one(shuffle_tails(records, seed, merge_weights)))


@given(TRIPLES, st.integers(0, 9))
def test_a_triple_keeps_head_relation_and_weight_and_a_concept_its_edges_of_each_kind(triples, seed):
    control = shuffled(triples, seed)
    weights = {t[:3]: max(other.weight for other in triples if other[:3] == t[:3]) for t in triples}
    heads = Counter((head, relation, weight) for (head, relation, _), weight in weights.items())
    tails = Counter((relation, tail) for _, relation, tail in weights)
    lost = len(weights) - len(control)
    heads.subtract((t.head, t.relation, t.weight) for t in control)
    tails.subtract((t.relation, t.tail) for t in control)
    assert min(heads.values(), default=0) >= 0
    assert sum(heads.values()) == lost
    assert min(tails.values(), default=0) >= 0
    assert sum(tails.values()) == lost
    assert all(t.head != t.tail for t in control)


@given(TRIPLES, st.randoms())
def test_the_order_of_the_records_and_their_batches_do_not_matter(triples, order):
    others = list(triples)
    order.shuffle(others)
    half = len(others) // 2
    columns = {f"{name}s": [getattr(t, name) for t in others[:half]] for name in ("head", "relation", "tail")}
    weights = pa.array([t.weight for t in others[:half]], pa.float64())
    batch = TripleBatch(weights=weights, **{name: pa.array(texts, pa.string()) for name, texts in columns.items()})
    assert shuffled([batch, *others[half:]]) == shuffled(triples)


def test_little_remains_of_who_was_joined_to_whom():
    rng = random.Random(0)
    triples = {Triple(f"h{rng.randrange(500)}", "r", f"t{rng.randrange(500)}") for _ in range(2000)}
    assert len(triples & set(shuffled(triples))) < 40
    assert shuffled(triples, 0) != shuffled(triples, 1)


def test_equal_triples_are_one_before_the_dealing():
    triples = [Triple("a", "r", "b", 1.0, "x"), Triple("a", "r", "b", 2.0, "y")]
    assert shuffled(triples) == [Triple("a", "r", "b", 2.0, "y")]
    assert shuffled(triples, merge_weights="sum") == [Triple("a", "r", "b", 3.0, "y")]


def test_what_is_no_triple_passes():
    others = [Label("a", "Alpha", preferred=True), Description("a", "The first.")]
    assert shuffled(others) == others


def test_a_recipe_with_a_seed_makes_the_control(tmp_path):
    lines = [f"h{i}\tr\tt{i}\t{i + 1}" for i in range(50)]
    (tmp_path / "x.tsv").write_text("\n".join(lines) + "\n")
    recipe = GraphRecipe(name="pairs", source=str(tmp_path / "x.tsv"), shuffle_seed=3)
    control = list(recipe.open(tmp_path / "cache").triples())
    assert sorted(t.head for t in control) == sorted(f"h{i}" for i in range(50))
    assert sorted(t.tail for t in control) == sorted(f"t{i}" for i in range(50))
    assert all(t.weight == int(t.head[1:]) + 1 for t in control)
    assert sum(t.head[1:] == t.tail[1:] for t in control) < 10
