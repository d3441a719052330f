import json

import pytest

from kglm.data.facts import CorpusOptions, FactOptions
from kglm.errors import ConfigError, KglmError
from kglm.kg import GraphRecipe

QUESTIONS = CorpusOptions(kind="questions")


@pytest.mark.parametrize(
    "values",
    [
        {"max_hops": 3},
        {"max_facts": 0},
        {"max_tokens": 0},
        {"max_graph_facts": 0},
        {"dropout": 1.0},
        {"paths_considered": 0},
        {"control_seed": -1},
        {"duplicate_overlap": 0.0},
        {"duplicate_overlap": 1.1},
    ],
)
def test_options_are_checked(values):
    with pytest.raises(ConfigError, match=f"facts {next(iter(values))} is"):
        FactOptions(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"source": "graf"}, "unknown facts source 'graf'; did you mean 'graph'"),
        ({"control": "shuffled"}, "unknown facts control 'shuffled'"),
        ({"corpora": {"q": QUESTIONS}}, "facts source is 'graph', but there are corpora"),
        ({"source": "retrieved"}, "there are no corpora"),
        ({"source": "all"}, "there are no corpora"),
        ({"source": "retrieved", "corpora": {"q": QUESTIONS}, "question_concept": True}, "question_concept is true"),
        ({"source": "all", "corpora": {"graph": QUESTIONS}}, "has the name 'graph'"),
        ({"source": "all", "corpora": {"../x": QUESTIONS}}, "has the name '../x'"),
    ],
)
def test_what_does_not_go_together_is_refused(values, message):
    with pytest.raises(KglmError, match=message):
        FactOptions(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "texts"}, "unknown kind of a facts corpus 'texts'"),
        ({"kind": "file", "mode": "sparse"}, "unknown mode"),
        ({"kind": "file", "mention": "none"}, "unknown mention"),
        ({"kind": "file", "fusion": "sum"}, "unknown fusion"),
        ({"kind": "file", "candidates": 0}, "candidates of a facts corpus is 0"),
        ({"kind": "file", "min_worth": 1.1}, "min_worth of a facts corpus is 1.1"),
        ({"kind": "file", "max_facts": 0}, "max_facts of a facts corpus is 0"),
        ({"kind": "file", "weight": 0}, "weight of a facts corpus is 0"),
        ({"kind": "file", "mode": "key"}, "allowed with 'definitions'"),
        ({"kind": "file", "weights": [1, 2]}, "allowed with 'hybrid'"),
        ({"kind": "triples", "path": "a.txt"}, "allowed with 'file'"),
        ({"kind": "file", "graph": GraphRecipe(name="g", source="g.tsv")}, "allowed with 'definitions'"),
    ],
)
def test_options_of_a_corpus_are_checked(values, message):
    with pytest.raises(KglmError, match=message):
        CorpusOptions(**values)


def test_a_round_trip_through_json_leaves_out_only_what_corpora_were_made_from():
    corpora = {
        "file": CorpusOptions(kind="file", path="/somewhere/a.tsv", column="1", header=False, candidates=3),
        "mixed": CorpusOptions(kind="questions", mode="hybrid", weights=(2.0, 1.0), weight=0.5),
    }
    options = FactOptions(source="all", max_graph_facts=1, corpora=corpora)
    told = options.to_dict()
    assert "somewhere" not in json.dumps(told)
    again = FactOptions.from_dict(json.loads(json.dumps(told)))
    assert again.to_dict() == told
    assert again.corpora["mixed"] == corpora["mixed"]
    assert again.caps == {"graph": 1, "file": 1, "mixed": 1}
    with pytest.raises(TypeError, match="speed"):
        FactOptions.from_dict({**told, "speed": 1})
