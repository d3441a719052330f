import numpy as np
import pytest
import torch

from kglm.data.entity_inputs import (
    TextCollator,
    embedded_texts,
    encode_linked,
    mix_candidates,
    number_mentions,
    pad_ragged,
    token_positions,
)
from kglm.data.entity_vectors import MentionVectors
from kglm.data.linked_text import LinkedText, certain_mention
from kglm.embeddings import EntityTable
from kglm.encoders import TextEncoder
from kglm.errors import DataError
from kglm.kg.records import Triple
from kglm.linking.entity_linker import EntityLinker
from kglm.linking.mention import Candidate, Mention
from kglm.models import FusionEncoderModel
from kglm.testing import tiny_fusion_encoder

TABLE = EntityTable(np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32), "abc", {})


def linked(text, *found):
    """A text with mentions given as (surface, which occurrence, entity)."""
    mentions = []
    for surface, nth, entity in found:
        start = -1
        for _ in range(nth + 1):
            start = text.index(surface, start + 1)
        mentions.append(certain_mention(text, start, start + len(surface), entity))
    return LinkedText(text, tuple(mentions))


TEXTS = [
    linked("Paris Paris is not the York-based New York City", ("Paris", 0, 1), ("Paris", 1, 1), ("based", 0, 2),
           ("New York City", 0, 3), ("York", 1, 4)),
    linked("overheads dug a hole", ("over", 0, 5), ("heads", 0, 6)),
    linked("the garden of the house"),
]  # fmt: skip


def text_of(tokenizer, ids):
    return tokenizer.decode(ids).replace(" ", "").replace("##", "").casefold()


def test_every_mention_has_its_tokens(tokenizer):
    for text, encoded in zip(TEXTS, encode_linked(TEXTS, tokenizer, 64), strict=True):
        assert encoded.lost == 0
        assert [c[0].entity for c in encoded.candidates] == [m.candidates[0].entity for m in text.mentions]
        for mention, (first, last) in zip(text.mentions, encoded.spans, strict=True):
            said = text_of(tokenizer, encoded.input_ids[first:last])
            assert mention.text.replace(" ", "").casefold() in said
        special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
        taken = {t for first, last in encoded.spans for t in range(first, last)}
        assert not special & {encoded.input_ids[t] for t in taken}


def test_repeated_mentions_do_not_share_a_token(tokenizer):
    spans = encode_linked(TEXTS[:1], tokenizer, 64)[0].spans
    assert spans[0][1] <= spans[1][0]


def test_pairs_keep_the_mentions_of_both(tokenizer):
    first, second = linked("dug in Osaka", ("Osaka", 0, 1)), linked("Osaka Osaka", ("Osaka", 0, 2), ("Osaka", 1, 3))
    encoded = encode_linked([first], tokenizer, 64, pairs=[second])[0]
    alone = encode_linked([first], tokenizer, 64)[0]
    assert [candidates[0].entity for candidates in encoded.candidates] == [1, 2, 3]
    assert encoded.spans[0].tolist() == alone.spans[0].tolist()
    for start, end in encoded.spans:
        assert text_of(tokenizer, encoded.input_ids[start:end]) == "osaka"
    assert encoded.spans[0][1] < encoded.spans[1][0]
    if "token_type_ids" in tokenizer.model_input_names:
        assert [encoded.token_type_ids[start] for start, _ in encoded.spans] == [0, 1, 1]


def test_what_is_cut_off_is_lost_and_counted(tokenizer):
    text = linked("York and the naïve café owner Osaka", ("York", 0, 1), ("naïve café owner", 0, 2), ("Osaka", 0, 3))
    whole = encode_linked([text], tokenizer, 64)[0]
    cut = int(whole.spans[1][0]) + 2  # one token of the second mention, and the last special one
    short = encode_linked([text], tokenizer, cut)[0]
    assert (len(short), short.lost) == (cut, 1)
    assert short.spans.tolist() == [whole.spans[0].tolist(), [cut - 2, cut - 1]]
    barely = encode_linked([text], tokenizer, 2)[0]
    assert (barely.lost, barely.spans.shape) == (3, (0, 2))


def test_batch_feeds_the_encoder(tokenizer):
    texts = encode_linked(TEXTS, tokenizer, 64)
    batch = TextCollator(tokenizer, TABLE)(texts)
    width = max(map(len, texts))
    assert batch["input_ids"].shape == batch["attention_mask"].shape == (3, width)
    assert batch["attention_mask"].sum(1).tolist() == [len(text) for text in texts]
    assert ("token_type_ids" in batch) == ("token_type_ids" in tokenizer.model_input_names)
    assert batch["entity_embeds"].shape == (3, 5, 8)
    for row, text in enumerate(texts):
        for number, (first, last) in enumerate(text.spans):
            entity = text.candidates[number][0].entity
            assert torch.equal(batch["entity_embeds"][row, number], torch.from_numpy(TABLE.rows(np.array(entity))))
            tokens = batch["entity_tokens"][row, number]
            assert tokens[tokens >= 0].tolist() == list(range(first, last))
        assert (batch["entity_tokens"][row, len(text.spans) :] == -1).all()
    model = tiny_fusion_encoder(FusionEncoderModel, alignment="span")
    states = model(**batch).last_hidden_state
    assert states.isfinite().all()
    without = {name: value for name, value in batch.items() if not name.startswith("entity_")}
    changed = (states - model(**without).last_hidden_state).abs().amax((1, 2))
    assert (changed[:2] > 1e-3).all()
    assert changed[2] < 1e-5  # a text without entities


def test_no_vectors_no_entities(tokenizer):
    batch = TextCollator(tokenizer, pad_to=40)(encode_linked(TEXTS, tokenizer, 64))
    assert not {"entity_embeds", "entity_tokens"} & set(batch)
    assert batch["input_ids"].shape == (3, 40)


def test_a_batch_without_any_mention(tokenizers):
    batch = TextCollator(tokenizers["wordpiece"], TABLE)(encode_linked(TEXTS[2:], tokenizers["wordpiece"], 64))
    assert batch["entity_embeds"].shape == (1, 1, 8)
    assert batch["entity_tokens"].tolist() == [[[-1]]]
    model = tiny_fusion_encoder(FusionEncoderModel, cls_entity="none")
    model.drop_entity_output()
    found = model(**batch).last_hidden_state
    without = {name: value for name, value in batch.items() if "entity" not in name}
    torch.testing.assert_close(found, model(**without).last_hidden_state)
    found.sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_candidates_are_mixed_by_probability():
    mentions = [(Candidate(3, 0.5), Candidate(7, 0.3)), (), (Candidate(7, 1.0), Candidate(7, 1.0))]
    expected = [0.5 * TABLE.vectors[3] + 0.3 * TABLE.vectors[7], np.zeros(8), 2 * TABLE.vectors[7]]
    np.testing.assert_allclose(mix_candidates(mentions, TABLE), expected, rtol=1e-6)
    assert mix_candidates([], TABLE).shape == (0, 8)


def test_vectors_for_each_mention(tokenizers):
    """What a linker's ``embed`` returns goes in without a table."""
    offsets = np.array([0, 5, 7, 7])
    vectors = MentionVectors(np.random.default_rng(1).normal(size=(7, 8)).astype(np.float32), "abc")
    texts = number_mentions(TEXTS, offsets)
    batch = TextCollator(tokenizers["wordpiece"], vectors)(encode_linked(texts, tokenizers["wordpiece"], 64))
    np.testing.assert_array_equal(batch["entity_embeds"][0], vectors.vectors[:5])
    np.testing.assert_array_equal(batch["entity_embeds"][1, :2], vectors.vectors[5:])
    with pytest.raises(DataError, match="do not fit vectors"):
        number_mentions(TEXTS, np.array([0, 4, 7, 7]))


def test_what_a_linker_embeds_goes_in_as_it_is(graph_of, tiny_encoder, tokenizers):
    graph = graph_of(Triple("garden", "r", "shovel"), Triple("hole", "r", "garden"))
    linker = EntityLinker(graph, encoder=TextEncoder.load(str(tiny_encoder)))
    texts = ["dig a hole in the garden", "nothing here", "a shovel, a shovel"]
    embeddings = linker.embed(texts)
    linked, vectors = embedded_texts(texts, embeddings, graph.fingerprint)
    assert [len(text.mentions) for text in linked] == [2, 0, 2]
    encoded = encode_linked(linked, tokenizers["wordpiece"], 64)
    batch = TextCollator(tokenizers["wordpiece"], vectors)(encoded)
    assert batch["entity_embeds"].shape == (3, 2, embeddings.vectors.shape[1])
    np.testing.assert_array_equal(batch["entity_embeds"][0], embeddings.vectors[:2])
    np.testing.assert_array_equal(batch["entity_embeds"][2], embeddings.vectors[2:])
    assert embeddings.vectors.any(1).all()
    with pytest.raises(DataError, match="1 texts, but embeddings of the mentions of 3"):
        embedded_texts(texts[:1], embeddings, graph.fingerprint)


def test_a_mention_without_candidates_is_no_entity(tokenizers):
    text = LinkedText("York", (Mention(0, 4, "York", ()),))
    encoded = encode_linked([text], tokenizers["wordpiece"], 64)[0]
    assert (encoded.candidates, encoded.lost) == ((), 0)


def test_positions_are_cut_to_their_width():
    spans = [np.array([[1, 6], [2, 3]]), np.zeros((0, 2), dtype=np.int64)]
    assert token_positions(spans, 3).tolist() == [[[1, 2, 3], [2, -1, -1]], [[-1] * 3, [-1] * 3]]
    assert pad_ragged(np.ones((3, 2)), [1, 0, 2]).sum(-1).tolist() == [[2, 0], [0, 0], [2, 2]]


def test_texts_and_pairs_must_match(tokenizers):
    with pytest.raises(DataError, match="3 texts, but 1 second texts"):
        encode_linked(TEXTS, tokenizers["wordpiece"], 64, pairs=TEXTS[:1])
    assert encode_linked([], tokenizers["wordpiece"], 64) == []
