import numpy as np
import pytest
import torch
from linked_documents import document

from kglm.data.entity_vectors import MentionVectors
from kglm.data.pretraining.collator import PretrainingCollator
from kglm.data.pretraining.entity_noise import KEPT, MASKED, REPLACED, EntityNoise
from kglm.data.pretraining.masking import TokenMasking
from kglm.data.pretraining.sequences import IN_ORDER, NO_PAIR, NOT_IN_ORDER, PackedDataset, Template
from kglm.data.pretraining.token_corpus import write_corpus
from kglm.errors import ConfigError, UnknownNameError
from kglm.models import FusionEncoderForPreTraining
from kglm.testing import tiny_fusion_encoder

WORDS = ["spade", "garden", "hole", "Paris", "house", "shovel"]
DOCUMENTS = [
    document(str(d), *(f"the [{WORDS[(d + s) % 6]}] of [{WORDS[(d * s) % 6]}{'s' * (d % 3)}]." for s in range(4)))
    for d in range(12)
]
VECTORS = MentionVectors(np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32), "abc")


@pytest.fixture
def corpus(tokenizer, tmp_path):
    return write_corpus(DOCUMENTS, tmp_path / "corpus", tokenizer, fingerprint="abc", source={})


@pytest.fixture(scope="module")
def wordpieces(tokenizers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus") / "corpus"
    return write_corpus(DOCUMENTS, folder, tokenizers["wordpiece"], fingerprint="abc", source={})


def collator(tokenizer, **options):
    defaults = {"masking": TokenMasking(), "vectors": VECTORS, "noise": EntityNoise(), "sentences": True, "seed": 3}
    return PretrainingCollator(tokenizer, **{**defaults, **options})


def test_the_template_is_the_tokenizers(tokenizer):
    template = Template.of(tokenizer)
    a, b = (
        tokenizer("dig", add_special_tokens=False)["input_ids"],
        tokenizer("hole", add_special_tokens=False)["input_ids"],
    )
    before, behind = template.single
    assert [*before, *a, *behind] == tokenizer("dig")["input_ids"]
    before, middle, behind = template.pair
    pair = tokenizer("dig", "hole", return_token_type_ids=True)
    assert [*before, *a, *middle, *b, *behind] == pair["input_ids"]
    parts = zip(template.types, (before, a, middle, b, behind), strict=True)
    assert [kind for kind, part in parts for _ in part] == pair["token_type_ids"]


def test_sequences_hold_the_corpus_and_its_mentions(corpus, tokenizer):
    data = PackedDataset(corpus, tokenizer, max_length=30)
    entities = []
    for sequence in data:
        assert len(sequence) <= 30
        assert sequence.order == NO_PAIR
        assert sequence.special[[0, -1]].all()
        unknown = sequence.ids == tokenizer.unk_token_id  # special too: nobody can be asked for it
        assert sequence.special.sum() == data.template.num_single + unknown.sum()
        for first, last in sequence.spans:
            assert not (sequence.special & ~unknown)[first:last].any()
        entities += sequence.entities.tolist()
    assert entities == corpus.mentions[:, 2].tolist()
    assert sum(len(s) - data.template.num_single for s in data) == len(corpus.tokens)


def test_documents_are_joined_by_a_border(corpus, tokenizer):
    data = PackedDataset(corpus, tokenizer, max_length=120, cross_documents=True)
    assert len(data) < len(PackedDataset(corpus, tokenizer, max_length=120))
    borders = 0
    entities = []
    for sequence in data:
        assert len(sequence) <= 120
        unknown = sequence.ids == tokenizer.unk_token_id
        borders += int((sequence.special & ~unknown).sum()) - data.template.num_single
        entities += sequence.entities.tolist()
    assert 0 < borders < 12
    assert entities == corpus.mentions[:, 2].tolist()


def test_half_of_the_pairs_are_exchanged_and_none_is_lost(wordpieces, tokenizers):
    data = PackedDataset(wordpieces, tokenizers["wordpiece"], max_length=60, sentences="order")
    orders = []
    for epoch in range(40):
        data.set_epoch(epoch)
        for index, sequence in enumerate(data):
            start, end = data.ranges[index]
            plain = sequence.ids[~sequence.special].tolist()
            middle = int((sequence.types == 0).sum()) - 2
            first, second = plain[:middle], plain[middle:]
            if sequence.order == IN_ORDER:
                assert first + second == wordpieces.tokens[start:end].tolist()
            elif sequence.order == NOT_IN_ORDER:
                assert second + first == wordpieces.tokens[start:end].tolist()
            assert sorted(sequence.entities) == sorted(wordpieces.mentions_within(start, end)[:, 2])
            orders.append(sequence.order)
    pairs = [order for order in orders if order != NO_PAIR]
    assert len(pairs) > 400
    assert abs(np.mean(pairs) - 0.5) < 5 * 0.5 / np.sqrt(len(pairs))


def test_half_of_the_next_sentences_are_of_another_document(wordpieces, tokenizers):
    data = PackedDataset(wordpieces, tokenizers["wordpiece"], max_length=60, sentences="next")
    orders = []
    for epoch in range(40):
        data.set_epoch(epoch)
        for index, sequence in enumerate(data):
            start, end = data.ranges[index]
            plain = sequence.ids[~sequence.special].tolist()
            own = wordpieces.tokens[start:end].tolist()
            assert len(sequence) <= 60
            assert plain[: int((sequence.types == 0).sum()) - 2] == own[: int((sequence.types == 0).sum()) - 2]
            assert sequence.order != IN_ORDER or plain == own
            orders.append(sequence.order)
    pairs = [order for order in orders if order != NO_PAIR]
    assert abs(np.mean(pairs) - 0.5) < 5 * 0.5 / np.sqrt(len(pairs))


def test_chance_is_a_function_of_seed_epoch_and_index(wordpieces, tokenizers):
    tokenizer = tokenizers["wordpiece"]

    def batch(indices, epoch=0, seed=3, **options):
        data = PackedDataset(wordpieces, tokenizer, max_length=40, sentences="order", seed=seed)
        collate = collator(tokenizer, seed=seed, **options)
        for part in (data, collate):
            part.set_epoch(epoch)
        return collate([data[i] for i in indices])

    def same(a, b, key="input_ids"):
        return a[key].shape == b[key].shape and bool((a[key] == b[key]).all())

    assert same(batch([0, 1, 2]), batch([0, 1, 2]))
    assert not same(batch([0, 1, 2]), batch([0, 1, 2], epoch=1))
    assert not same(batch([0, 1, 2]), batch([0, 1, 2], seed=4))
    alone, together = batch([2]), batch([0, 1, 2])
    length = int(alone["attention_mask"].sum())
    assert together["input_ids"][2, :length].tolist() == alone["input_ids"][0].tolist()
    fates, more = alone["metadata"]["fates"][0], together["metadata"]["fates"][2]
    # With one entity alone none could be replaced; masked ones are the same in any batch.
    assert (fates == MASKED).tolist() == (more[: len(fates)] == MASKED).tolist()


def test_sequences_without_a_mention_can_be_left_out(corpus, tokenizer):
    every = PackedDataset(corpus, tokenizer, max_length=8)
    some = PackedDataset(corpus, tokenizer, max_length=8, mentions_only=True)
    expected = [sequence.ids.tolist() for sequence in every if len(sequence.entities)]
    assert [sequence.ids.tolist() for sequence in some] == expected
    assert 0 < len(some) < len(every)


def test_static_masking_is_the_same_in_each_epoch(wordpieces, tokenizers):
    tokenizer = tokenizers["wordpiece"]
    data = PackedDataset(wordpieces, tokenizer, max_length=40)
    for static in (True, False):
        collate = collator(tokenizer, masking=TokenMasking(static=static))
        labels = []
        for epoch in (0, 1):
            collate.set_epoch(epoch)
            batch = collate(list(data))
            labels.append(batch["labelled_tokens"])
            for row, sequence in enumerate(data):
                places = batch["labelled_tokens"][row]
                asked = places >= 0
                assert torch.equal(asked, batch["labels"][row] >= 0)
                right = torch.as_tensor(sequence.ids)[places[asked]]
                assert torch.equal(batch["labels"][row][asked], right.long())
        assert torch.equal(*labels) == static


def test_the_model_sees_what_was_corrupted_and_is_asked_for_what_was_right(corpus, tokenizer):
    data = PackedDataset(corpus, tokenizer, max_length=40, sentences="order")
    sequences = list(data)
    batch = collator(tokenizer, noise=EntityNoise(replaced=0.3, masked=0.3))(sequences)
    candidates = batch["candidate_embeds"]
    seen = {KEPT: 0, REPLACED: 0, MASKED: 0}
    for row, sequence in enumerate(sequences):
        for place, (entity, (first, last)) in enumerate(zip(sequence.entities, sequence.spans, strict=True)):
            right = torch.from_numpy(VECTORS.vectors[entity])
            assert torch.equal(candidates[batch["entity_labels"][row, place]], right)
            assert batch["target_tokens"][row, place] == first
            fate = int(batch["metadata"]["fates"][row, place])
            seen[fate] += 1
            tokens = batch["entity_tokens"][row, place]
            assert tokens[tokens >= 0].tolist() == ([] if fate == MASKED else list(range(first, last)))
            assert torch.equal(batch["entity_embeds"][row, place], right) == (fate != REPLACED)
        rest = slice(len(sequence.entities), None)
        assert (batch["entity_labels"][row, rest] == -100).all()
        assert (batch["metadata"]["fates"][row, rest] == -1).all()
    assert min(seen.values()) > 5
    assert len(torch.unique(candidates, dim=0)) == len(candidates)
    model = tiny_fusion_encoder(FusionEncoderForPreTraining, sentence_head=True)
    output = model(**{key: value for key, value in batch.items() if key not in ("ids", "metadata")})
    assert output.loss.isfinite()
    assert output.entity_logits.shape == (*batch["entity_labels"].shape, len(candidates))


def test_objectives_can_be_left_out(wordpieces, tokenizers):
    sequences = list(PackedDataset(wordpieces, tokenizers["wordpiece"], max_length=40))
    batch = collator(tokenizers["wordpiece"], vectors=None, sentences=False)(sequences)
    assert not {"entity_embeds", "candidate_embeds", "sentence_labels"} & set(batch)
    batch = collator(tokenizers["wordpiece"], noise=None, sentences=False)(sequences)
    assert "entity_embeds" in batch
    assert not {"candidate_embeds", "entity_labels"} & set(batch)
    assert (batch["entity_tokens"] >= 0).any(-1).sum() == len(wordpieces.mentions)


def test_mistakes_are_named(wordpieces, tokenizers):
    with pytest.raises(UnknownNameError, match="objective of sentences 'ordr'; did you mean 'order'"):
        PackedDataset(wordpieces, tokenizers["wordpiece"], max_length=40, sentences="ordr")
    with pytest.raises(ConfigError, match="cross_documents is true"):
        PackedDataset(wordpieces, tokenizers["wordpiece"], max_length=40, sentences="next", cross_documents=True)
