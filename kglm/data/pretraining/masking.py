"""Masked language modelling: which tokens are to be predicted, and what stands in their place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kglm.errors import ConfigError

IGNORED = -100  # label of a token that is not to be predicted


@dataclass(frozen=True, kw_only=True)
class TokenMasking:
    """How tokens are masked (Devlin et al., NAACL 2019, appendix A.1).

    Each token is chosen with probability ``rate``; with ``whole_words`` the tokens of a word are chosen together or
    not at all, each word with that probability, so that the share of tokens is the same. Of the chosen tokens, one
    by one, a share becomes the mask, a share any token of the vocabulary that is not special, and the rest remains.

    Attributes:
        rate: share of tokens that are to be predicted.
        mask: share of these that become the mask.
        random: share of these that become another token.
        whole_words: choose words, not tokens.
        static: the same tokens in each epoch; else they are chosen anew.
    """

    rate: float = 0.15
    mask: float = 0.8
    random: float = 0.1
    whole_words: bool = True
    static: bool = False

    def __post_init__(self) -> None:
        for name in ("rate", "mask", "random"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"masking {name} is {getattr(self, name)}; allowed: a number in [0, 1]")
        if self.mask + self.random > 1:
            raise ConfigError(
                f"masking mask is {self.mask} and random is {self.random}; allowed: shares that add up to 1 at most"
            )


@dataclass(frozen=True)
class Vocabulary:
    """What masking needs of a tokenizer.

    Attributes:
        mask: id of the mask.
        ordinary: ``int64``, ids that a random token may have: all but the special ones.
    """

    mask: int
    ordinary: np.ndarray

    @classmethod
    def of(cls, size: int, special: list[int], mask: int | None) -> Vocabulary:
        """Return the vocabulary of ids below ``size``.

        Raises:
            ConfigError: the tokenizer has no mask.
        """
        if mask is None:
            raise ConfigError("the tokenizer has no mask token, which masked language modelling needs")
        return cls(mask, np.setdiff1d(np.arange(size, dtype=np.int64), np.array(special, dtype=np.int64)))


def mask_tokens(
    ids: np.ndarray,
    word_starts: np.ndarray,
    special: np.ndarray,
    vocabulary: Vocabulary,
    options: TokenMasking,
    generator: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ids as the model sees them, and the labels: the right ids, :data:`IGNORED` elsewhere.

    Args:
        ids: of the tokens.
        word_starts: whether a token is the first of its word.
        special: whether a token is special; such a token is never chosen, and never part of a word.
        vocabulary: of the tokenizer.
        options: shares.
        generator: source of all chance.

    Shapes:
        ids, word_starts, special, out: ``[T]``
    """
    words = np.cumsum(word_starts | special) if options.whole_words else np.arange(1, len(ids) + 1)
    chosen = (generator.random(len(ids) + 1) < options.rate)[words] & ~special
    fate = generator.random(len(ids))
    random = vocabulary.ordinary[generator.integers(len(vocabulary.ordinary), size=len(ids))]
    seen = np.where(chosen & (fate < options.mask), vocabulary.mask, ids)
    replaced = chosen & (fate >= options.mask) & (fate < options.mask + options.random)
    return np.where(replaced, random, seen), np.where(chosen, ids, IGNORED)
