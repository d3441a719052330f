import numpy as np
import pytest

from kglm.data.pretraining.masking import IGNORED, TokenMasking, Vocabulary, mask_tokens
from kglm.errors import ConfigError

VOCABULARY = Vocabulary.of(1000, [0, 1, 2, 3, 4], 4)
WORDS = 8000


def text(seed=0):
    """Words of one to four tokens between special ones: ids, word starts, special."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(1, 5, WORDS)
    starts = np.zeros(lengths.sum(), dtype=bool)
    starts[np.cumsum(lengths)[:-1]] = starts[0] = True
    ids = generator.integers(5, 1000, len(starts))
    special = np.zeros(len(ids), dtype=bool)
    special[[0, 500, 501, len(ids) - 1]] = True
    ids[special] = [1, 2, 2, 2]
    return ids, starts, special


def naive(ids, starts, special, options, generator):
    """Word by word, as the paper tells it; only the shares can be compared."""
    seen, labels = list(ids), [IGNORED] * len(ids)
    words, word = [], []
    for t in range(len(ids)):
        if (starts[t] or special[t] or not options.whole_words) and word:
            words.append(word)
            word = []
        if not special[t]:
            word.append(t)
    words.append(word)
    for word in words:
        if generator.random() < options.rate:
            for t in word:
                labels[t] = ids[t]
                fate = generator.random()
                if fate < options.mask:
                    seen[t] = VOCABULARY.mask
                elif fate < options.mask + options.random:
                    seen[t] = generator.integers(5, 1000)
    return np.array(seen), np.array(labels)


def shares(ids, special, seen, labels):
    chosen = labels != IGNORED
    masked = seen == VOCABULARY.mask
    return {
        "chosen": chosen.sum() / (~special).sum(),
        "masked": (masked & chosen).sum() / chosen.sum(),
        "changed": (~masked & (seen != ids) & chosen).sum() / chosen.sum(),
        "kept": ((seen == ids) & chosen).sum() / chosen.sum(),
    }


@pytest.mark.parametrize("whole_words", [True, False])
@pytest.mark.parametrize("numbers", [(0.15, 0.8, 0.1), (0.3, 0.5, 0.5), (0.2, 0.0, 0.3)])
def test_shares_are_those_asked_for_and_the_naive_ones(whole_words, numbers):
    rate, mask, random = numbers
    options = TokenMasking(rate=rate, mask=mask, random=random, whole_words=whole_words)
    ids, starts, special = text()
    seen, labels = mask_tokens(ids, starts, special, VOCABULARY, options, np.random.default_rng(1))
    found = shares(ids, special, seen, labels)
    restated = shares(ids, special, *naive(ids, starts, special, options, np.random.default_rng(2)))
    chosen = rate * (~special).sum()
    # Five standard deviations; the tokens of a word are chosen together: at most four times the variance.
    for name, share, number in [
        ("chosen", rate, (~special).sum() / 4),
        ("masked", mask, chosen),
        ("changed", random, chosen),
        ("kept", 1 - mask - random, chosen),
    ]:
        slack = 5 * np.sqrt(max(share * (1 - share), 0.002) / number) + 0.001 * (name in ("changed", "kept"))
        assert abs(found[name] - share) < slack, name
        assert abs(restated[name] - share) < slack, name


def test_special_tokens_are_never_chosen_nor_drawn():
    ids, starts, special = text()
    options = TokenMasking(rate=1.0, mask=0.0, random=1.0)
    seen, labels = mask_tokens(ids, starts, special, VOCABULARY, options, np.random.default_rng(0))
    assert (labels[special] == IGNORED).all()
    assert (seen[special] == ids[special]).all()
    assert (labels[~special] == ids[~special]).all()
    assert seen[~special].min() >= 5
    # Every ordinary token comes up: 20,000 draws of 995.
    assert len(np.unique(seen[~special])) == 995


def test_whole_words_are_chosen_together_and_tokens_are_not():
    ids, starts, special = text()
    word = np.cumsum(starts | special)

    def divided(whole_words):
        options = TokenMasking(whole_words=whole_words)
        _, labels = mask_tokens(ids, starts, special, VOCABULARY, options, np.random.default_rng(0))
        chosen = labels != IGNORED
        return sum(0 < chosen[word == w].mean() < 1 for w in np.unique(word[~special])[:2000])

    assert divided(True) == 0
    assert divided(False) > 100


def test_within_a_word_each_token_has_its_own_fate():
    """80/10/10 holds for the pieces of whole words too, which a mask on every piece would break."""
    ids, starts, special = text()
    seen, labels = mask_tokens(ids, starts, special, VOCABULARY, TokenMasking(), np.random.default_rng(0))
    chosen = labels != IGNORED
    word = np.cumsum(starts | special)
    mixed = sum(0 < (seen[chosen & (word == w)] == VOCABULARY.mask).mean() < 1 for w in np.unique(word[chosen]))
    assert mixed > 100


def test_the_generator_alone_decides():
    arguments = (*text(), VOCABULARY, TokenMasking())
    first, second, third = (mask_tokens(*arguments, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, third)


def test_mistakes_are_named():
    with pytest.raises(ConfigError, match=r"masking rate is 1\.5"):
        TokenMasking(rate=1.5)
    with pytest.raises(ConfigError, match="shares that add up to 1"):
        TokenMasking(mask=0.8, random=0.3)
    with pytest.raises(ConfigError, match="no mask token"):
        Vocabulary.of(10, [], None)
