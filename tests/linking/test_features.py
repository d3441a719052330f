import numpy as np
import pytest
from linking.tiny_linking import WordEncoder

from kglm.linking.candidate_sets import CandidateSets, Hit
from kglm.linking.context import encode_contexts
from kglm.linking.entity_catalog import EntityCatalog
from kglm.linking.entity_vectors import LazyVectors
from kglm.linking.features import FEATURES, SECOND_PASS, FeatureSources, log_prior
from kglm.linking.priors import surface_prior


@pytest.fixture
def sources(names_graph):
    catalog, encoder = EntityCatalog(names_graph), WordEncoder()
    return FeatureSources(
        catalog,
        LazyVectors(encoder, catalog.description_text),
        LazyVectors(encoder, catalog.neighborhood_text),
    )


def test_every_feature_is_what_it_says(sources, names_graph):
    ids = {name: names_graph.entity_id(name) for name in names_graph.entities}
    text = "After Apple, steve spoke."
    spans = [(6, 11), (13, 18)]
    sets = CandidateSets.from_hits(
        [
            [Hit(ids["apple_inc"], 0, 1.0, 3), Hit(ids["apple_fruit"], 0, 1.0, 1)],
            [Hit(ids["jobs"], 1, 0.5, 0), Hit(ids["un"], 2, 0.25, 0), Hit(ids["town"], 4, 0.3, 0)],
        ]
    )
    contexts = encode_contexts(WordEncoder(), [text], [spans])
    names = [name for name in FEATURES if name not in SECOND_PASS]
    table = sources.first_pass(names, ["Apple", "steve"], sets, contexts)
    column = {name: table.values[:, i] for i, name in enumerate(table.names)}
    degrees = [len(names_graph.links.row(int(e))) for e in sets.entities]
    np.testing.assert_allclose(column["log_degree"], np.log1p(degrees), rtol=1e-6)
    first = surface_prior(np.array([3, 1]), np.array(degrees[:2]))
    second = surface_prior(np.zeros(3), np.array(degrees[2:]))
    np.testing.assert_allclose(np.exp(column["log_prior"]), [*first, *second], rtol=1e-5)
    assert column["part"].tolist() == [0, 0, 1, 0, 0]
    assert column["acronym"].tolist() == [0, 0, 0, 1, 0]
    assert column["fuzzy"].tolist() == [0, 0, 0, 0, 0]
    assert column["dense"].tolist() == [0, 0, 0, 0, 1]
    np.testing.assert_allclose(column["log_share"], np.log([1, 1, 0.5, 0.25, 0.3]), rtol=1e-5)
    assert column["label"].tolist() == [0, 1, 0, 0, 0]
    assert column["lower_case"].tolist() == [0, 0, 1, 1, 1]
    encoder, catalog = WordEncoder(), sources.catalog
    for k, (owner, entity) in enumerate(zip(sets.owners, sets.entities, strict=True)):
        described = encoder.encode([catalog.description_text(int(entity))])[0]
        around = encoder.encode([catalog.neighborhood_text(int(entity))])[0]
        words = encoder.encode([text[slice(*spans[owner])]])[0]
        assert column["context"][k] == pytest.approx(described @ encoder.encode([text])[0], abs=1e-5)
        assert column["context_neighbors"][k] == pytest.approx(around @ encoder.encode([text])[0], abs=1e-5)
        assert column["mention"][k] == pytest.approx(described @ words, abs=1e-5)


def test_priors_of_mentions_do_not_depend_on_each_other():
    sets = CandidateSets.from_hits([[Hit(0, count=2), Hit(1)], [], [Hit(2)]])
    together = log_prior(sets, np.array([1, 5, 0]))
    np.testing.assert_allclose(np.exp(together[:2]), surface_prior(np.array([2, 0]), np.array([1, 5])), rtol=1e-6)
    assert together[2] == pytest.approx(0)


def test_contexts_must_be_there(sources):
    with pytest.raises(ValueError, match="needs contexts"):
        sources.first_pass(["context"], ["x"], CandidateSets.from_hits([[Hit(0)]]), None)
