import json
from collections import Counter

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from kglm.inspection.statistics import report_graph
from kglm.kg import Label, Triple
from kglm.kg.records import Description

NAME = st.sampled_from([f"e{number}" for number in range(9)])
TRIPLES = st.lists(
    st.builds(Triple, NAME, st.sampled_from(["R", "S"]), NAME, st.sampled_from([0.5, 1.0, 2.0])),
    min_size=1,
    max_size=20,
    unique_by=lambda triple: triple[:3],
)


@settings(max_examples=12)
@given(TRIPLES)
def test_the_figures_are_those_of_networkx(graph_of, triples):
    report = report_graph(graph_of(*triples), num_hubs=3)
    graph = nx.MultiDiGraph()
    graph.add_edges_from((triple.head, triple.tail, triple.relation) for triple in triples)
    degrees = dict(graph.degree)
    assert (report.entities, report.triples) == (len(graph), len(triples))
    assert report.self_loops == nx.number_of_selfloops(graph)
    assert report.links == len({frozenset(edge) for edge in graph.edges() if edge[0] != edge[1]})
    assert report.relations == dict(Counter(triple.relation for triple in triples))
    components = sorted(map(len, nx.weakly_connected_components(graph)), reverse=True)
    assert (report.components, report.component_sizes) == (len(components), tuple(components[:5]))
    assert report.isolated_pairs == components.count(2)
    assert report.degree_quantiles["0"] == min(degrees.values())
    assert report.degree_quantiles["1"] == max(degrees.values())
    assert report.weight_quantiles["1"] == max(triple.weight for triple in triples)
    classes = Counter(str(1 << (degree.bit_length() - 1)) for degree in degrees.values())
    assert {least: count for least, count in report.degree_histogram.items() if count} == classes
    assert [hub.out + hub.into for hub in report.hubs] == sorted(degrees.values(), reverse=True)[:3]


def test_names_sources_and_disk(graph_of):
    graph = graph_of(
        Triple("plant_flowers", "R", "Q42", 1.0, "people"), Triple("Q42", "R", "b", 1.0, "people"),
        Triple("b", "R", "plant_flowers"), Label("Q42", "Douglas Adams", preferred=True), Label("Q42", "DNA"),
        Label("b", "DNA"), Description("Q42", "a writer"),
    )  # fmt: skip
    report = report_graph(graph)
    naming = report.naming
    assert (naming.labelled, naming.aliased, naming.described) == (1, 2, 1)
    assert (naming.surface_forms, naming.ambiguous_forms) == (4, 1)
    assert list(report.sources.items()) == [("people", 2), ("", 1)]
    assert report.disk.total == sum(path.stat().st_size for path in graph.folder.iterdir())
    assert report.disk.files.keys() == {path.name for path in graph.folder.iterdir()}
    json.dumps(report.to_dict(), allow_nan=False)
