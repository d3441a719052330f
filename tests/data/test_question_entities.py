import numpy as np
import pytest
import torch

from kglm.data.collator import MultipleChoiceCollator, MultipleChoiceDataset
from kglm.data.facts import Fact
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.embeddings import EntityTable
from kglm.errors import ConfigError
from kglm.linking.mention import Candidate, Mention

ENTITIES = {"dig": 0, "garden": 1, "garden hose": 2, "trowel": 3, "saw": 4, "house": 5}
EXAMPLES = [
    MultipleChoiceExample("1", "what do i dig with in the garden", ("trowel", "a saw or saw"), ("A", "B"), label=1),
    MultipleChoiceExample("2", "where", ("garden hose", "how", "house"), ("A", "B", "C"), label=0),
]
FACTS = [
    [Fact("trowel is used for dig.", 1.0)],
    [],
    [Fact("house is near garden hose.", 1.0)],
    [],
    [],
]
VECTORS = EntityTable(np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32), "graph", {})


def link(texts):
    """Find names, longer ones first, as a linker would."""
    found = []
    for text in texts:
        taken, mentions = [], []
        for name in sorted(ENTITIES, key=len, reverse=True):
            start = text.find(name)
            while start >= 0:
                end = start + len(name)
                if all(end <= a or b <= start for a, b in taken):
                    taken.append((start, end))
                    mentions.append(Mention(start, end, name, (Candidate(ENTITIES[name], 0.5),)))
                start = text.find(name, end)
        found.append(sorted(mentions, key=lambda mention: mention.start))
    return found


def dataset(tokenizer, max_length=64, facts=None, linker=link):
    return MultipleChoiceDataset(EXAMPLES, tokenizer, max_length, facts, linker)


def said(tokenizer, ids, entities):
    """Return what the mentions of a sequence read, and the entities that they mean."""
    return [
        (tokenizer.decode(ids[first:last]).replace(" ", "").replace("##", ""), candidates[0].entity)
        for (first, last), candidates in zip(entities.spans, entities.candidates, strict=True)
    ]


@pytest.mark.parametrize("facts", [None, FACTS])
def test_mentions_have_the_tokens_that_spell_them_in_every_sequence(tokenizer, facts):
    for question, example in zip(dataset(tokenizer, facts=facts), EXAMPLES, strict=True):
        found = question.entities
        texts = [example.question, *example.choices]
        in_question, *in_choices = (
            [(m.text.replace(" ", ""), m.candidates[0].entity) for m in some] for some in link(texts)
        )
        assert said(tokenizer, question.question, found.question) == in_question
        for number, expected in enumerate(in_choices):
            assert said(tokenizer, question.choices[number], found.choices[number]) == expected
            ids, places = question.statements[number], found.statements[number]
            assert said(tokenizer, ids, places) == in_question + expected
            if facts is not None:
                assert said(tokenizer, question.bare[0][number], found.bare[number]) == in_question + expected
        assert (found.bare is None) == (facts is None)


def test_what_is_cut_off_has_no_entity(tokenizer):
    length = len(tokenizer(EXAMPLES[0].question, EXAMPLES[0].choices[1])["input_ids"])
    (question, _) = dataset(tokenizer, max_length=length - 1)
    found = said(tokenizer, question.statements[1], question.entities.statements[1])
    assert [entity for _, entity in found][-2:] == [4, 4]
    assert all(last < length for _, last in question.entities.statements[1].spans)


def test_the_batch_has_the_vectors_at_their_tokens(tokenizer):
    questions = list(dataset(tokenizer))
    batch = MultipleChoiceCollator(tokenizer, entity_vectors=VECTORS)(questions)
    for prefix, rows in {
        "": [row for question in questions for row in question.entities.statements],
        "question_": [question.entities.question for question in questions],
        "choice_": [row for question in questions for row in question.entities.choices],
    }.items():
        embeds, tokens = batch[f"{prefix}entity_embeds"], batch[f"{prefix}entity_tokens"]
        assert embeds.shape[:2] == tokens.shape[:2] == (len(rows), max(len(row.candidates) for row in rows))
        for row, vectors, places in zip(rows, embeds, tokens, strict=True):
            for mention, ((first, last), candidates) in enumerate(zip(row.spans, row.candidates, strict=True)):
                expected = 0.5 * torch.from_numpy(VECTORS.vectors[candidates[0].entity])
                torch.testing.assert_close(vectors[mention], expected)
                assert [p for p in places[mention].tolist() if p >= 0] == list(range(first, last))
            assert (places[len(row.candidates) :] == -1).all()


def test_entities_follow_the_facts_that_are_read_or_dropped(tokenizer):
    questions = list(dataset(tokenizer, facts=FACTS))
    seen = set()
    for epoch in range(20):
        collator = MultipleChoiceCollator(tokenizer, entity_vectors=VECTORS, fact_dropout=0.5, epoch=epoch)
        read, every = collator._read(questions[1]), questions[1].entities
        for number, ids in enumerate(read.statements):
            whole = ids == questions[1].statements[number]
            statements, informed = (every.statements, every.informed) if whole else (every.bare, every.choices)
            assert read.informed[number] == (questions[1].informed if whole else questions[1].choices)[number]
            assert np.array_equal(read.entities.statements[number].spans, statements[number].spans)
            assert np.array_equal(read.entities.informed[number].spans, informed[number].spans)
            seen.add((number, whole))
    assert {(0, True), (0, False)} <= seen


def test_vectors_need_a_linker(tokenizer):
    questions = list(dataset(tokenizer, linker=None))
    assert questions[0].entities is None
    with pytest.raises(ConfigError, match="encoded with a linker"):
        MultipleChoiceCollator(tokenizer, entity_vectors=VECTORS)(questions)


def test_without_vectors_the_batch_is_that_of_the_plain_encoder(tokenizer):
    plain = MultipleChoiceCollator(tokenizer)(list(dataset(tokenizer, linker=None)))
    batch = MultipleChoiceCollator(tokenizer)(list(dataset(tokenizer)))
    assert batch.keys() == plain.keys()
    fused = MultipleChoiceCollator(tokenizer, entity_vectors=VECTORS)(list(dataset(tokenizer)))
    for name, value in plain.items():
        assert torch.equal(fused[name], value) if isinstance(value, torch.Tensor) else fused[name] == value
