"""Facts under a budget of tokens, as the text that is appended to a choice."""

from __future__ import annotations

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from kglm.data.graph_facts import Fact


def join_facts(
    facts: Sequence[Sequence[Fact]], tokenizer: PreTrainedTokenizerBase, *, max_facts: int, max_tokens: int
) -> list[str]:
    """Return one text for each list of facts: the first ones that fit, one sentence each; empty where there are none.

    A fact that is too long for what is left of the budget is passed over, and the next one tried.

    Args:
        facts: best first.
        tokenizer: counts the tokens.
        max_facts: at most so many.
        max_tokens: at most so many tokens in all.
    """
    texts = list(dict.fromkeys(fact.text for found in facts for fact in found))
    ids = tokenizer([f"{text}." for text in texts], add_special_tokens=False)["input_ids"] if texts else []
    lengths = {text: len(row) for text, row in zip(texts, ids, strict=True)}
    return [_join(found, lengths, max_facts, max_tokens) for found in facts]


def _join(facts: Sequence[Fact], lengths: dict[str, int], max_facts: int, max_tokens: int) -> str:
    chosen: list[str] = []
    left = max_tokens
    for fact in facts:
        if len(chosen) == max_facts:
            break
        if lengths[fact.text] <= left:
            chosen.append(f"{fact.text}.")
            left -= lengths[fact.text]
    return " ".join(chosen)
