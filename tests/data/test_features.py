from dataclasses import replace

import numpy as np
import pytest

from kglm.data import features
from kglm.data.features import features_key, schema_graphs
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.kg import Triple
from kglm.kg.link_scores import LinkScores
from kglm.kg.schema_graph import SchemaOptions
from kglm.linking import LexicalLinker, LexicalLinkerOptions

EXAMPLES = [MultipleChoiceExample.from_texts("I dig in the garden", ["trowel", "cake"])]


@pytest.fixture(scope="module")
def graph(graph_of):
    return graph_of(Triple("trowel", "UsedFor", "dig"), Triple("trowel", "AtLocation", "garden"))


def same(first, second):
    return all(np.array_equal(a, second.arrays()[name]) for name, a in first.arrays().items())


def test_kept_features_equal_fresh_ones_and_are_not_made_again(graph, tmp_path, monkeypatch):
    linker, options = LexicalLinker(graph), SchemaOptions()
    fresh = schema_graphs(EXAMPLES, graph, linker, options)
    kept = schema_graphs(EXAMPLES, graph, linker, options, cache_dir=tmp_path)
    monkeypatch.setattr(features, "extract_schema_graphs", lambda *_: pytest.fail("made again"))
    again = schema_graphs(EXAMPLES, graph, linker, options, cache_dir=tmp_path)
    assert same(fresh, kept)
    assert same(kept, again)
    assert isinstance(again.nodes, np.memmap)


def test_every_option_that_matters_is_in_the_key(graph, graph_of):
    base = (EXAMPLES, LexicalLinker(graph), SchemaOptions())
    other_graph = graph_of(Triple("trowel", "UsedFor", "dig"), Triple("trowel", "AtLocation", "shed"))
    others = [
        ([MultipleChoiceExample.from_texts("I dig", ["trowel", "cake"])], *base[1:]),
        ([MultipleChoiceExample.from_texts("I dig in the garden", ["cake", "trowel"])], *base[1:]),
        (EXAMPLES, LexicalLinker(other_graph), SchemaOptions()),
        (EXAMPLES, LexicalLinker(graph, LexicalLinkerOptions(max_candidates=2)), SchemaOptions()),
        (EXAMPLES, LexicalLinker(graph, LexicalLinkerOptions(max_words=2)), SchemaOptions()),
        (EXAMPLES, base[1], SchemaOptions(max_hops=2)),
        (EXAMPLES, base[1], SchemaOptions(max_paths=7)),
        (EXAMPLES, base[1], SchemaOptions(source="neighbors")),
        (EXAMPLES, base[1], SchemaOptions(min_path_score=0.5)),
        (EXAMPLES, base[1], SchemaOptions(max_nodes=7)),
    ]
    scores = LinkScores(np.ones(4, dtype=np.float32), graph.fingerprint, {})
    others += [(*base, scores), (*base, replace(scores, values=scores.values / 2))]
    keys = [str(features_key(*arguments)) for arguments in (base, *others)]
    assert len(set(keys)) == len(keys)
    assert features_key(*base) == features_key(*base)
