import pytest
from linking.tiny_linking import WordEncoder, concept_records, name_records

from kglm.linking import EntityLinker


@pytest.fixture(scope="session")
def names_graph(graph_of):
    return graph_of(*name_records(), name="names")


@pytest.fixture
def names_linker(names_graph):
    return EntityLinker(names_graph, encoder=WordEncoder())


@pytest.fixture(scope="session")
def concepts_graph(graph_of):
    return graph_of(*concept_records(), name="concepts")


@pytest.fixture
def concepts_linker(concepts_graph):
    return EntityLinker(concepts_graph, encoder=WordEncoder())
