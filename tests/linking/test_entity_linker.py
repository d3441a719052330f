import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from linking.tiny_linking import DIM, WordEncoder

from kglm.embeddings import EntityTable
from kglm.errors import ConfigError, DataError, FingerprintMismatchError, UnknownNameError
from kglm.linking import EntityLinker, EntityLinkerOptions, LinkerWeights, LogLinearScorer
from kglm.linking.weights import PRIOR
from kglm.retrieval import VectorIndex

CONTEXT = LinkerWeights(LogLinearScorer({"log_prior": 1.0, "context": 20.0}, 0.0))
COHERENT = LinkerWeights(
    LogLinearScorer({"log_prior": 1.0, "coherence_text": 30.0, "coherence_links": 30.0}, -5.0),
    LogLinearScorer({"log_prior": 1.0}, None),
)


def names_of(linker, mentions):
    return {one.text: None if one.entity is None else linker.catalog.name(one.entity) for one in mentions}


def with_weights(graph, weights, **options):
    return EntityLinker(graph, encoder=WordEncoder(), weights=weights, options=EntityLinkerOptions(**options))


def test_the_kind_of_graph_is_told(names_linker, concepts_linker):
    assert names_linker.kind == "names"
    assert concepts_linker.kind == "concepts"


def test_context_decides_between_bearers_of_a_name(names_graph):
    linker = with_weights(names_graph, CONTEXT)
    firm, fruit = linker(["The computer company Apple is in California.", "The fruit of a tree is an apple."])
    assert names_of(linker, firm)["Apple"] == "apple_inc"
    assert names_of(linker, fruit)["apple"] == "apple_fruit"


def test_coherence_decides_where_the_context_is_silent(names_graph):
    linker = with_weights(names_graph, COHERENT)
    assert names_of(linker, linker.link("Steve, Apple, Stanford University"))["Steve"] == "jobs"
    assert names_of(linker, linker.link("Steve, Roxanne"))["Steve"] == "martin"


def test_probabilities_and_nil_sum_to_one(names_graph):
    linker = with_weights(names_graph, CONTEXT, keep=30)
    for mentions in linker(["Steve spoke at Stanford of Apple and the UN.", "Nothing here", ""]):
        for one in mentions:
            assert sum(c.probability for c in one.candidates) + one.nil == pytest.approx(1)
            assert [c.probability for c in one.candidates] == sorted(
                (c.probability for c in one.candidates), reverse=True
            )


def test_parts_of_names_and_initials_are_told_by_their_source(names_graph):
    linker = with_weights(names_graph, PRIOR, keep=30)
    found = {one.text: {c.source for c in one.candidates} for one in linker.link("Martin saw the UN.")}
    assert found == {"Martin": {"part"}, "UN": {"acronym"}}


def test_given_mentions_come_back_in_their_order(names_linker):
    text = "Apple and Stanford, and what nobody knows"
    spans = [[(10, 18), (0, 5), (24, 41)]]
    (mentions,) = names_linker.disambiguate([text], spans)
    assert [(one.start, one.end) for one in mentions] == spans[0]
    assert mentions[2].candidates == ()
    assert mentions[2].nil == 1.0


def test_a_misspelt_mention_is_looked_up_by_its_characters(names_graph):
    text, spans = "Untied Nations", [[(0, 14)]]
    for fuzzy, expected in ((True, ["fuzzy"]), (False, [])):
        (mentions,) = with_weights(names_graph, PRIOR, fuzzy=fuzzy).disambiguate([text], spans)
        assert [one.source for one in mentions[0].candidates] == expected


def test_given_candidates_are_the_only_ones_and_their_counts_are_the_prior(names_graph):
    linker = with_weights(names_graph, LinkerWeights(LogLinearScorer({"log_prior": 1.0}, None)))
    ids = [names_graph.entity_id(name) for name in ("jobs", "film")]
    (mentions,) = linker.disambiguate(["Apple"], [[(0, 5)]], [[ids]], [[[0, 5]]])
    assert [one.entity for one in mentions[0].candidates] == ids[::-1]
    assert mentions[0].nil == 0


def test_blocks_do_not_change_the_result(names_linker, monkeypatch):
    texts = ["Steve spoke at Stanford.", "Apple", "", "The UN and Steve Martin"] * 3
    whole = names_linker(texts)
    monkeypatch.setattr("kglm.linking.entity_linker.BLOCK", 5)
    parts = names_linker(texts)
    assert [[(m.start, m.end, m.entity) for m in row] for row in parts] == [
        [(m.start, m.end, m.entity) for m in row] for row in whole
    ]
    assert names_linker([]) == []


def test_mentions_that_mean_nothing_can_be_left_out(names_graph):
    never = LinkerWeights(LogLinearScorer({"log_prior": 1.0}, 50.0))
    assert with_weights(names_graph, never).link("Steve Jobs")[0].entity is None
    assert with_weights(names_graph, never, drop_nil=True).link("Steve Jobs") == []
    assert with_weights(names_graph, never).entities("Steve Jobs") == []


def test_concepts_are_weighed_by_their_relevance(concepts_graph):
    linker = with_weights(concepts_graph, LinkerWeights(LogLinearScorer({"context": 8.0}, 2.0)))
    found = {one.text: one.nil for one in linker.link("A garden, a garden with a flower, and a bank")}
    assert found["garden"] < found["bank"]


def test_an_added_entity_and_alias_take_effect_at_once(names_graph):
    linker = with_weights(names_graph, CONTEXT)
    assert "Wozniak" not in names_of(linker, linker.link("Wozniak and the fruit"))
    woz = linker.add_entity("woz", "Steve Wozniak", aliases=["Woz"], description="engineer", neighbors=[0])
    assert woz == names_graph.num_entities
    for text in ("Wozniak, engineer", "Woz, engineer", "Steve Wozniak, engineer"):
        assert woz in [c.entity for one in linker.link(text) for c in one.candidates], text
    linker.add_alias(names_graph.entity_id("un"), "Blue Helmets")
    assert names_of(linker, linker.link("organisation of Blue Helmets"))["Blue Helmets"] == "un"
    assert linker.format("Woz, engineer").startswith("Woz, engineer\n  0-3 Woz: Steve Wozniak")
    for wrong in (
        lambda: linker.add_entity("woz", "Other"),
        lambda: linker.add_entity("jobs", "Other"),
        lambda: linker.add_entity("x", " "),
        lambda: linker.add_entity("x", "X", neighbors=[99]),
        lambda: linker.add_alias(99, "X"),
        lambda: linker.add_alias(0, "!?"),
    ):
        with pytest.raises(DataError):
            wrong()


def test_the_cache_key_carries_weights_and_additions(names_graph):
    linker = with_weights(names_graph, CONTEXT)
    before = linker.options.cache_key()
    assert before == with_weights(names_graph, CONTEXT).options.cache_key()
    assert before != with_weights(names_graph, PRIOR).options.cache_key()
    assert before != with_weights(names_graph, CONTEXT, beside=2).options.cache_key()
    linker.add_alias(0, "Apfel")
    assert linker.options.cache_key() != before


def test_embedding_is_the_mixture_of_candidates(names_graph):
    table = EntityTable(
        {
            "structural": np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32),
            "textual": np.random.default_rng(1).normal(size=(8, 2)).astype(np.float32),
        },
        names_graph.fingerprint,
        {},
    )
    linker = EntityLinker(
        names_graph, encoder=WordEncoder(), weights=CONTEXT, table=table, options=EntityLinkerOptions(keep=30)
    )
    texts = ["Steve spoke at Stanford of Apple.", "nothing", "the UN"]
    found = linker.embed(texts)
    assert found.mentions == linker(texts)
    assert found.offsets.tolist() == np.cumsum([0, *map(len, found.mentions)]).tolist()
    flat = [one for row in found.mentions for one in row]
    both = np.concatenate([table.structural, table.textual], axis=1)
    for vector, mention in zip(found.vectors, flat, strict=True):
        expected = sum(c.probability * both[c.entity] for c in mention.candidates)
        np.testing.assert_allclose(vector, expected, atol=1e-5)
    gated = linker.embed(texts, gate=lambda structural, textual: structural[:, :2] + textual)
    np.testing.assert_allclose(gated.vectors, found.vectors[:, :2] + found.vectors[:, 3:], atol=1e-5)
    assert linker.embed([]).vectors.shape == (0, 5)
    linker.add_entity("woz", "Woz", description="engineer")
    with pytest.raises(ConfigError, match="64 textual dimensions"):
        linker.embed(["Woz"])


def test_embedding_without_a_table_mixes_descriptions(names_linker):
    names_linker.add_entity("woz", "Woz", description="engineer")
    found = names_linker.embed(["Woz"])
    (mention,) = found.mentions[0]
    encoder = WordEncoder()
    expected = sum(
        c.probability * encoder.encode([names_linker.catalog.description_text(c.entity)])[0]
        for c in mention.candidates
    )
    np.testing.assert_allclose(found.vectors[0], expected, atol=1e-5)
    with pytest.raises(ConfigError, match="lacks one"):
        names_linker.embed(["Woz"], gate=lambda structural, textual: structural)


def test_dense_look_ups_propose_by_meaning(names_graph, tmp_path):
    encoder = WordEncoder()
    plain = EntityLinker(names_graph, encoder=encoder, weights=CONTEXT)
    ids = np.arange(names_graph.num_entities)
    index = VectorIndex.build(
        plain.sources.descriptions.rows(ids), tmp_path / "index", fingerprint=names_graph.fingerprint
    )
    linker = EntityLinker(
        names_graph, encoder=encoder, weights=CONTEXT, index=index, options=EntityLinkerOptions(dense=2)
    )
    (mentions,) = linker.disambiguate(["the comedian and film actor played"], [[(4, 12)]])
    assert plain.disambiguate(["the comedian"], [[(4, 12)]])[0][0].candidates == ()
    assert [c.source for c in mentions[0].candidates] == ["dense", "dense"]
    assert linker.catalog.name(mentions[0].candidates[0].entity) == "martin"
    with pytest.raises(ConfigError, match="needs an index"):
        EntityLinker(names_graph, encoder=encoder, options=EntityLinkerOptions(dense=2))


def test_artefacts_of_another_graph_are_refused(names_graph):
    table = EntityTable(np.zeros((8, 2), np.float32), "0" * 64, {})
    with pytest.raises(FingerprintMismatchError, match="entity table"):
        EntityLinker(names_graph, encoder=WordEncoder(), table=table)


def test_a_table_of_descriptions_by_this_encoder_spares_the_encoding(names_graph):
    encoder = WordEncoder()
    vectors = np.random.default_rng(0).normal(size=(8, DIM)).astype(np.float32)
    made = EntityTable(vectors, names_graph.fingerprint, {"kind": "description", "encoder": encoder.name})
    other = EntityTable(vectors, names_graph.fingerprint, {"kind": "label", "encoder": encoder.name})
    EntityLinker(names_graph, encoder=encoder, weights=CONTEXT, table=made).link("Apple")
    assert encoder.read == ["Apple"]
    EntityLinker(names_graph, encoder=encoder, weights=CONTEXT, table=other).link("Apple")
    assert any("fruit" in text for text in encoder.read)


@pytest.mark.parametrize(
    ("texts", "spans", "candidates", "counts", "told"),
    [
        (["a"], [], None, None, "1 texts, but 0 lists"),
        (["a"], [[(0, 2)]], None, None, "mention 0-2"),
        (["a"], [[(1, 1)]], None, None, "mention 1-1"),
        (["a"], [[(0, 1)]], [[]], None, "a list for each span"),
        (["a"], [[(0, 1)]], [[[0]]], [[[]]], "a number for each"),
        (["a"], [[(0, 1)]], [[[99]]], None, "no entity 99"),
    ],
)
def test_what_does_not_fit_is_told(names_linker, texts, spans, candidates, counts, told):
    with pytest.raises(DataError, match=told):
        names_linker.disambiguate(texts, spans, candidates, counts)


def test_wrong_options_and_weights_are_told(names_graph):
    with pytest.raises(ConfigError, match="allowed: auto, names"):
        EntityLinkerOptions(kind="nouns")
    with pytest.raises(ConfigError, match="keep is 0"):
        EntityLinkerOptions(keep=0)
    with pytest.raises(ConfigError, match="min_probability is 1"):
        EntityLinkerOptions(min_probability=1)
    with pytest.raises(UnknownNameError, match="context"):
        with_weights(names_graph, LinkerWeights(LogLinearScorer({"contxt": 1.0}, None)))
    with pytest.raises(ConfigError, match="first pass"):
        with_weights(names_graph, LinkerWeights(COHERENT.scorer))
    with pytest.raises(DataError, match="list of texts"):
        with_weights(names_graph, PRIOR)("one text")


PIECES = [
    "Apple",
    "Steve",
    "UN",
    " ",
    "\x00",
    "\x1b[0m",
    "😀",
    "👩‍👩‍👧",
    "שלום",
    "مرحبا",
    "\u202e",
    "\n",
    ".",
    "İ",
    "ﬁ",
]
AWKWARD = st.text(max_size=200) | st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@settings(max_examples=60)
@given(texts=st.lists(AWKWARD, max_size=4))
def test_offsets_are_exact_whatever_the_text_holds(names_graph, texts):
    linker = with_weights(names_graph, COHERENT)
    for text, mentions in zip(texts, linker(texts), strict=True):
        at = 0
        for one in mentions:
            assert at <= one.start < one.end <= len(text)
            assert one.text == text[one.start : one.end]
            assert one.text.strip()
            at = one.end


def test_a_megabyte_of_text(names_graph):
    linker = with_weights(names_graph, CONTEXT)
    text = ("Steve spoke of Apple at Stanford. " + "and nobody heard a word of it " * 60) * 600
    mentions = linker.link(text)
    assert len(text) > 1_000_000
    assert len(mentions) == 1800
    assert all(text[one.start : one.end] == one.text for one in mentions)
    assert linker.link("x" * 1_000_000) == []


def test_three_lines_link_a_sentence_to_the_everyday_graph(tiny_encoder, tmp_path):
    from kglm import EntityLinker

    linker = EntityLinker.from_recipe("everyday", cache_dir=tmp_path, encoder=str(tiny_encoder))
    mentions = linker.link("I dug a hole with a shovel.")
    assert [one.text for one in mentions] == ["dug", "hole", "shovel"]
    assert [linker.catalog.label(one.candidates[0].entity) for one in mentions] == ["dig", "hole", "shovel"]
