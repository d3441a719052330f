import pytest
from linking.tiny_linking import WordEncoder

from kglm.linking import EntityLinker, LinkerWeights, LogLinearScorer
from kglm.linking.evaluation.gold import GoldDocument, GoldMention
from kglm.linking.evaluation.identifiers import EntityIdentifiers
from kglm.linking.evaluation.linking import evaluate_linking
from kglm.linking.fitting import fit_weights
from kglm.linking.weights import PRIOR

FEATURES = ("log_prior", "part", "lower_case", "context", "coherence_text")


def document(text, **entities):
    mentions = [GoldMention(text.index(span), text.index(span) + len(span), one) for span, one in entities.items()]
    return GoldDocument(text, text, tuple(mentions))


DOCUMENTS = [
    document("The computer company Apple in California.", Apple="apple_inc"),
    document("The fruit Apple of a tree.", Apple="apple_fruit"),
    document("Steve, comedian and actor in the film Roxanne.", Steve="martin", Roxanne="film"),
    document("Nobody knows Steve of Kentucky.", Steve=None, Kentucky="elsewhere"),
]


@pytest.fixture
def linker(names_graph):
    return EntityLinker(names_graph, encoder=WordEncoder())


def fitted(linker, **options):
    identifiers = EntityIdentifiers(linker.graph)
    return fit_weights(
        linker,
        [one.text for one in DOCUMENTS],
        [[mention[:2] for mention in one.mentions] for one in DOCUMENTS],
        [identifiers.find(mention.entity) for one in DOCUMENTS for mention in one.mentions],
        features=FEATURES,
        l2=0.01,
        **options,
    )


def test_fitted_weights_tell_what_prior_alone_cannot(linker):
    identifiers = EntityIdentifiers(linker.graph)
    plain = evaluate_linking(linker.with_weights(PRIOR), DOCUMENTS, identifiers)
    best = evaluate_linking(linker.with_weights(fitted(linker)), DOCUMENTS, identifiers)
    assert (best.documents, best.mentions, best.in_graph) == (4, 6, 4)
    assert best.given.micro.f1 == 1.0
    assert best.given_with_nil.micro.f1 == 1.0
    assert plain.given.micro.f1 < 1.0
    assert best.recall[30] == plain.recall[30] == 1.0
    assert best.recall[1] == 1.0
    assert 0 <= best.reliability.error < 0.3
    assert best.reliability.counts.sum() == 5  # Kentucky has no candidates


def test_found_mentions_are_judged_by_span_and_entity(linker):
    weights = LinkerWeights(LogLinearScorer({"log_prior": 1.0}, 99.0))
    report = evaluate_linking(linker.with_weights(weights), DOCUMENTS, EntityIdentifiers(linker.graph))
    assert report.found.micro.recall == 0.0
    assert report.found_with_nil.micro.recall == pytest.approx(1 / 6)  # Steve, whom nobody knows
    assert report.spans.micro.recall == pytest.approx(5 / 6)


def test_without_nil_every_mention_means_something(linker):
    weights = fitted(linker, nil=False)
    assert weights.scorer.nil is None
    assert weights.first.nil is None
