import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from linking.tiny_linking import WordEncoder

from kglm.linking.context import LONGEST, encode_contexts, sentences


def pieces(text):
    return [text[start:end] for start, end in sentences(text)]


def test_sentences_end_with_marks_and_lines():
    assert pieces(' One. Two? "Three!" Four\nfive  ') == ["One.", "Two?", '"Three!', "Four", "five"]
    assert pieces("3.5 percent of www.x.org") == ["3.5 percent of www.x.org"]
    assert pieces(" \n ") == []


def test_long_sentences_are_cut_at_white_space():
    parts = pieces("word " * 300)
    assert all(len(part) <= LONGEST for part in parts)
    assert " ".join(parts).split() == ["word"] * 300
    assert [len(part) for part in pieces("x" * 900)] == [400, 400, 100]


@given(st.text(max_size=2000) | st.text(alphabet='a .!?\n"”)', max_size=1500))
def test_sentences_lie_in_order_and_only_white_space_or_closing_marks_are_left_out(text):
    at = 0
    for start, end in sentences(text):
        assert at <= start < end <= len(text)
        assert end - start <= LONGEST
        assert text[start:end] == text[start:end].strip()
        assert all(character.isspace() or character in "\"'”’)]" for character in text[at:start])
        at = end
    assert all(character.isspace() or character in "\"'”’)]" for character in text[at:])


def naive_context(encoder, text, start, beside):
    parts = sentences(text)
    own = max(i for i, (a, _) in enumerate(parts) if a <= start or i == 0)
    total = 0
    for a, b in parts[max(0, own - beside) : own + beside + 1]:
        total = total + (b - a) * encoder.encode([text[a:b]])[0]
    return total / np.linalg.norm(total)


@pytest.mark.parametrize("beside", [0, 1, 2])
def test_contexts_are_weighted_means_of_sentences(beside):
    texts = ["A dog barks. A cat sleeps! It rains? The end is near.", "no mention", "A dog barks. Alone."]
    spans = [[(2, 5), (15, 18), (41, 44)], [], [(2, 5)]]
    found = encode_contexts(WordEncoder(), texts, spans, beside=beside)
    flat = [(text, span) for text, places in zip(texts, spans, strict=True) for span in places]
    for row, (text, (start, end)) in enumerate(flat):
        np.testing.assert_allclose(found.contexts[row], naive_context(WordEncoder(), text, start, beside), atol=1e-5)
        np.testing.assert_allclose(found.mentions[row], WordEncoder().encode([text[start:end]])[0], atol=1e-5)


def test_a_sentence_is_read_once_however_many_texts_share_it():
    encoder = WordEncoder()
    texts = [f"Where do you dig a hole? {choice}" for choice in ("garden", "house", "sea", "garden")]
    found = encode_contexts(encoder, texts, [[(13, 16), (25, len(text))] for text in texts])
    assert found.read == 4
    assert sorted(encoder.read) == sorted({"Where do you dig a hole?", "garden", "house", "sea"})
    np.testing.assert_allclose(found.contexts[0], found.contexts[6], atol=1e-6)
    assert not np.allclose(found.contexts[0], found.contexts[2], atol=1e-3)


def test_nothing_to_encode():
    found = encode_contexts(WordEncoder(), ["", "  "], [[], [(0, 1)]])
    assert found.contexts.shape == found.mentions.shape == (1, 64)
    assert not found.contexts.any()
