import pytest
import torch

from kglm.data.collator import MultipleChoiceCollator, MultipleChoiceDataset
from kglm.data.facts import Fact
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.errors import BadQuestionError
from kglm.testing import tiny_tokenizer

EXAMPLES = [
    MultipleChoiceExample("1", "what do i dig with", ("trowel", "cake"), ("A", "B"), label=1),
    MultipleChoiceExample("2", "where", ("garden", "shed", "house"), ("A", "B", "C"), label=0),
]


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer("what do i dig with trowel cake where garden shed house word".split())


@pytest.fixture(scope="module")
def batch(tokenizer):
    dataset = MultipleChoiceDataset(EXAMPLES, tokenizer, max_length=32)
    return MultipleChoiceCollator(tokenizer)([dataset[0], dataset[1]])


def words(tokenizer, ids, mask):
    return tokenizer.convert_ids_to_tokens(ids[mask.bool()].tolist())


def test_statements_hold_question_and_choice(tokenizer, batch):
    assert words(tokenizer, batch["input_ids"][3], batch["attention_mask"][3]) == [
        "[CLS]", "where", "[SEP]", "shed", "[SEP]",
    ]  # fmt: skip
    assert batch["token_type_ids"][3].tolist()[:5] == [0, 0, 0, 1, 1]


def test_question_and_choices_stand_alone_too(tokenizer, batch):
    assert words(tokenizer, batch["question_input_ids"][1], batch["question_attention_mask"][1]) == [
        "[CLS]", "where", "[SEP]",
    ]  # fmt: skip
    assert words(tokenizer, batch["choice_input_ids"][2], batch["choice_attention_mask"][2]) == [
        "[CLS]", "garden", "[SEP]",
    ]  # fmt: skip


def test_shapes_are_ragged_over_questions_and_padded_to_the_longest(batch):
    assert batch["num_choices"].tolist() == [2, 3]
    assert batch["labels"].tolist() == [1, 0]
    assert batch["ids"] == ["1", "2"]
    assert batch["input_ids"].shape == (5, 9)
    assert batch["question_input_ids"].shape == (2, 7)
    assert batch["choice_input_ids"].shape == (5, 3)
    assert (batch["input_ids"][batch["attention_mask"] == 0] == 0).all()


def test_an_unknown_label_leaves_the_others_known(tokenizer):
    unknown = MultipleChoiceExample.from_texts("where", ["garden", "shed"])
    dataset = MultipleChoiceDataset([EXAMPLES[0], unknown], tokenizer, max_length=32)
    assert MultipleChoiceCollator(tokenizer)([dataset[0], dataset[1]])["labels"].tolist() == [1, -1]


def test_a_choice_that_leaves_no_room_is_refused_by_name(tokenizer):
    long = MultipleChoiceExample("q7", "where", ("garden", "word " * 40), ("A", "B"))
    with pytest.raises(BadQuestionError, match=r"choice B of question 'q7' is longer than \d+ tokens"):
        MultipleChoiceDataset([long], tokenizer, max_length=16)


def test_a_long_question_loses_its_end_and_says_so(tokenizer):
    long = MultipleChoiceExample.from_texts("word " * 10_000, ["trowel", "cake"])
    dataset = MultipleChoiceDataset([long, EXAMPLES[0]], tokenizer, max_length=16)
    assert dataset[0].truncated
    assert not dataset[1].truncated
    assert dataset.lengths == [16, 9]
    last = tokenizer.convert_ids_to_tokens(dataset[0].statements[0])[-3:]
    assert last == ["[SEP]", "trowel", "[SEP]"]


def test_batched_equals_single(tokenizer, batch):
    dataset = MultipleChoiceDataset(EXAMPLES, tokenizer, max_length=32)
    single = MultipleChoiceCollator(tokenizer)([dataset[1]])
    width = single["input_ids"].shape[1]
    assert torch.equal(batch["input_ids"][2:, :width], single["input_ids"])


def with_facts(tokenizer, facts, max_length=32):
    return MultipleChoiceDataset(EXAMPLES, tokenizer, max_length=max_length, facts=facts)


def test_facts_stand_behind_their_choice_and_nowhere_else(tokenizer):
    plain = MultipleChoiceDataset(EXAMPLES, tokenizer, max_length=32)
    total = sum(len(example.choices) for example in EXAMPLES)
    facts = [(Fact("dig", 1.0),), *[()] * (total - 1)]
    dataset = with_facts(tokenizer, facts)
    first = EXAMPLES[0]
    expected = tokenizer(first.question, f"{first.choices[0]}. dig.")["input_ids"]
    assert dataset[0].statements[0] == expected
    assert dataset[0].statements[1:] == plain[0].statements[1:]
    assert dataset[1].statements == plain[1].statements
    assert dataset[0].question == plain[0].question
    assert dataset[0].choices == plain[0].choices
    assert dataset[0].facts == tuple(facts[: len(first.choices)])


def test_facts_out_of_the_statements_stand_behind_the_choice_alone(tokenizer):
    total = sum(len(example.choices) for example in EXAMPLES)
    facts = [(Fact("dig " * 15, 1.0),), *[()] * (total - 1)]
    plain = MultipleChoiceDataset(EXAMPLES, tokenizer, max_length=64)
    dataset = MultipleChoiceDataset(EXAMPLES, tokenizer, max_length=64, facts=facts, facts_in_statements=False)
    both = with_facts(tokenizer, facts, max_length=64)
    for index, question in enumerate(dataset):
        assert (question.statements, question.segments) == (plain[index].statements, plain[index].segments)
        assert question.informed == both[index].informed
        assert question.facts == both[index].facts
    assert dataset[0].length == len(dataset[0].informed[0]) > max(map(len, dataset[0].statements))


def test_of_the_choices_with_their_facts_those_without_any_are_not_read_again(tokenizer):
    total = sum(len(example.choices) for example in EXAMPLES)
    dataset = with_facts(tokenizer, [(Fact("dig", 1.0),) if row in (1, 2) else () for row in range(total)])
    batch = MultipleChoiceCollator(tokenizer)([dataset[0], dataset[1]])
    assert batch["informed_rows"].tolist() == [1, 2]
    rows = zip(batch["informed_input_ids"].tolist(), batch["informed_attention_mask"].tolist(), strict=True)
    read = [[token for token, real in zip(*row, strict=True) if real] for row in rows]
    assert read == [dataset[0].informed[1], dataset[1].informed[0]]
    batch = MultipleChoiceCollator(tokenizer)([with_facts(tokenizer, [()] * total)[0]])
    assert batch["informed_rows"].tolist() == [0]
    assert batch["informed_input_ids"].tolist() == [dataset[0].choices[0]]


def test_a_choice_whose_facts_leave_no_room_is_read_without(tokenizer):
    total = sum(len(example.choices) for example in EXAMPLES)
    dataset = with_facts(tokenizer, [(Fact("dig " * 40, 1.0),), *[()] * (total - 1)])
    assert dataset[0].statements == MultipleChoiceDataset(EXAMPLES, tokenizer, max_length=32)[0].statements


def test_facts_that_do_not_fit_are_left_out_the_last_first_and_not_shown(tokenizer):
    total = sum(len(example.choices) for example in EXAMPLES)
    facts = (Fact("dig", 3.0), Fact("dig " * 40, 2.0), Fact("hole", 1.0))
    dataset = with_facts(tokenizer, [facts, *[()] * (total - 1)])
    assert dataset[0].facts[0] == facts[:1]
    assert dataset[0].statements == with_facts(tokenizer, [facts[:1], *[()] * (total - 1)])[0].statements


def test_dropped_facts_depend_on_seed_epoch_and_question_only(tokenizer):
    total = sum(len(example.choices) for example in EXAMPLES)
    dataset = with_facts(tokenizer, [(Fact("dig", 1.0),)] * total)
    questions = [dataset[0], dataset[1]]

    def read(order, **options):
        collator = MultipleChoiceCollator(tokenizer, fact_dropout=0.5, **options)
        return [collator._read(questions[index]).statements for index in order]

    assert read([0, 1], seed=3) == read([1, 0], seed=3)[::-1]
    seen = [tuple(map(tuple, rows)) for epoch in range(200) for rows in read([0], epoch=epoch)]
    length = len(dataset[0].statements[0])
    kept = sum(len(row) == length for rows in seen for row in rows[:1]) / 200
    assert 0.35 < kept < 0.65
    assert len(set(seen)) > 2
    whole = MultipleChoiceCollator(tokenizer)
    assert whole._read(dataset[0]).statements == dataset[0].statements
    bare = MultipleChoiceDataset(EXAMPLES, tokenizer, max_length=32)[0].statements
    assert all(
        row in (full, short)
        for rows in seen
        for row, full, short in zip(map(list, rows), dataset[0].statements, bare, strict=True)
    )
