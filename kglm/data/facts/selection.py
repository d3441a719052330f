"""Facts under a budget: the first ones that fit, whole or not at all, and no more of a source than its cap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from transformers import PreTrainedTokenizerBase

from kglm.data.facts.fact import Fact


def select_facts(
    facts: Sequence[Sequence[Fact]],
    tokenizer: PreTrainedTokenizerBase,
    *,
    max_facts: int,
    max_tokens: int,
    caps: Mapping[str, int] | None = None,
) -> list[tuple[Fact, ...]]:
    """Return, for each list, the facts that are read.

    A fact that is too long for what is left of the budget is passed over, and the next one tried; so is one whose
    source has given its share, and one that says (but for case and the last full stop) what was said before.

    Args:
        facts: G lists, each the best first.
        tokenizer: counts the tokens.
        max_facts: at most so many.
        max_tokens: at most so many tokens in all.
        caps: at most so many of a source; None, and a source that it does not name, for no cap.
    """
    lengths = sentence_lengths((fact for found in facts for fact in found), tokenizer)
    return [_select(found, lengths, max_facts, max_tokens, caps or {}) for found in facts]


def sentence_lengths(facts: Iterable[Fact], tokenizer: PreTrainedTokenizerBase) -> dict[str, int]:
    """Return the number of tokens of each fact's sentence, by its text."""
    sentences = {fact.text: fact.sentence for fact in facts}
    if not sentences:
        return {}
    rows = tokenizer(list(sentences.values()), add_special_tokens=False, return_attention_mask=False)["input_ids"]
    return {text: len(row) for text, row in zip(sentences, rows, strict=True)}


def joined(facts: Sequence[Fact]) -> str:
    """Return the facts as one text, a sentence each."""
    return " ".join(fact.sentence for fact in facts)


def _select(
    facts: Sequence[Fact], lengths: Mapping[str, int], max_facts: int, max_tokens: int, caps: Mapping[str, int]
) -> tuple[Fact, ...]:
    chosen: list[Fact] = []
    left, given, said = max_tokens, Counter[str](), set[str]()
    for fact in facts:
        if len(chosen) == max_facts:
            break
        told = fact.sentence.casefold()
        if lengths[fact.text] <= left and given[fact.source] < caps.get(fact.source, max_facts) and told not in said:
            chosen.append(fact)
            left -= lengths[fact.text]
            given[fact.source] += 1
            said.add(told)
    return tuple(chosen)
