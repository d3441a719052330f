"""Work on a local Dask cluster of two processes is what one does alone."""

import logging
import shutil
import sys

import cloudpickle
import numpy as np
import pytest

from kglm.data.features import schema_graphs
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.errors import ConfigError, GraphError, UnknownNameError
from kglm.kg import Triple, schema_graph
from kglm.kg.cluster import map_on_cluster
from kglm.kg.link_scores import LinkScores
from kglm.kg.schema_graph import SchemaOptions
from kglm.linking import LexicalLinker

distributed = pytest.importorskip("distributed", reason="needs kglm[cluster]")

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # the workers cannot import a test

TOOLS = ("trowel", "shovel", "knife", "spoon", "broom", "needle", "hammer", "saw")
PLACES = ("garden", "kitchen", "shed")
EXAMPLES = [
    MultipleChoiceExample.from_texts(
        f"I look for a {first} in the {place}", [second, "cake", f"a {place} and a {first}"]
    )
    for first in TOOLS
    for second in TOOLS
    for place in PLACES
]


@pytest.fixture(scope="module")
def address():
    """The scheduler of two processes of one thread each."""
    options = {"dashboard_address": None, "silence_logs": logging.CRITICAL}
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, **options) as local:
        yield local.scheduler_address


@pytest.fixture(scope="module")
def graph(graph_of):
    links = [(tool, "AtLocation", place) for i, tool in enumerate(TOOLS) for place in PLACES[: 1 + i % 3]]
    links += [(first, "RelatedTo", second) for first in TOOLS for second in TOOLS if first < second]
    return graph_of(*(Triple(*link) for link in links))


def whole(options):
    return f"{options.source}{options.max_hops}{options.min_path_score}"


@pytest.mark.parametrize("scored", [False, True])
@pytest.mark.parametrize("options", [SchemaOptions(), SchemaOptions(source="neighbors")], ids=whole)
def test_features_of_a_cluster_are_those_of_this_process(graph, address, tmp_path, monkeypatch, options, scored):
    scores = None
    if scored:
        values = np.linspace(0.2, 1, len(graph.links.neighbors), dtype=np.float32)
        scores = LinkScores(values, graph.fingerprint, {})
    linker = LexicalLinker(graph)
    mine = schema_graphs(EXAMPLES, graph, linker, options, scores=scores, cache_dir=tmp_path / "mine")
    monkeypatch.setattr(schema_graph, "CHUNK", 100)  # 576 pairs: six pieces
    theirs = schema_graphs(
        EXAMPLES, graph, linker, options, scores=scores, cache_dir=tmp_path / "theirs", workers=address
    )
    assert len(theirs) == 3 * len(EXAMPLES)
    assert theirs.nodes.size > len(theirs)
    for name, array in mine.arrays().items():
        assert array.dtype == theirs.arrays()[name].dtype, name
        assert np.array_equal(array, theirs.arrays()[name]), name
    # The same entry of the cache, byte for byte: what one has made, the other finds.
    files = [sorted((tmp_path / who).rglob("*.*")) for who in ("mine", "theirs")]
    assert [path.relative_to(tmp_path / "mine") for path in files[0]] == [
        path.relative_to(tmp_path / "theirs") for path in files[1]
    ]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(*files, strict=True))


def test_both_processes_work(address):
    homes = list(map_on_cluster(address, distributed_home, range(40), 0.02))
    assert [piece for piece, _ in homes] == list(range(40))
    assert len({home for _, home in homes}) == 2


def distributed_home(piece, seconds):
    import os
    import time

    time.sleep(seconds)
    return piece, os.getpid()


def test_an_error_of_a_worker_is_raised_here_as_it_was(address):
    with pytest.raises(UnknownNameError, match="unknown tool 'spade'; did you mean 'spader'") as caught:
        list(map_on_cluster(address, fail, [0]))
    assert caught.value.name == "spade"


def fail(piece):
    raise UnknownNameError("tool", "spade", ["spader"])


def test_a_graph_that_the_workers_do_not_find_is_named(graph_of, address):
    graph = graph_of(Triple("trowel", "AtLocation", "garden"))
    pairs = [schema_graph.ConceptSets(np.array([0], np.int32), np.array([1], np.int32))]
    shutil.rmtree(graph.folder)
    with pytest.raises(GraphError, match=str(graph.folder)):
        schema_graph.extract_schema_graphs(graph, pairs, workers=address)


def test_a_scheduler_that_is_not_there():
    with pytest.raises(ConfigError, match=r"workers is 'tcp://127.0.0.1:9', where no Dask scheduler answers"):
        list(map_on_cluster("tcp://127.0.0.1:9", fail, [0], wait_seconds=1))
    with pytest.raises(ConfigError, match="workers is 'nonsense://here', where no Dask scheduler answers"):
        list(map_on_cluster("nonsense://here", fail, [0], wait_seconds=1))


def test_a_scheduler_without_workers():
    options = {"dashboard_address": None, "silence_logs": logging.CRITICAL}
    with (
        distributed.LocalCluster(n_workers=0, **options) as empty,
        pytest.raises(ConfigError, match="has no worker; start some with `dask worker tcp://"),
    ):
        list(map_on_cluster(empty.scheduler_address, fail, [0], wait_seconds=1))
