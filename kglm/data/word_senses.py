"""Word senses: words in their sentences, the senses that they may have, and batches of both.

Dimensions: B sentences, N words of a sentence, K senses of a word, C senses of a batch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from kglm.data.entity_inputs import EncodedText, TextCollator, encode_linked, pad_rows, token_positions
from kglm.data.entity_vectors import EntityVectors
from kglm.data.linked_text import LinkedText
from kglm.data.pretraining.semcor import TaggedSentence, TaggedWord
from kglm.data.relation_examples import hash_share
from kglm.errors import ConfigError, DataError
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.readers.wordnet import senses
from kglm.linking.mention import Candidate, Mention

UNKNOWN = -100
SMOOTHING = 0.5  # added to each sense's count
_FIRST_SENSE = re.compile(r"\.[nvar]\.01$")
_PARTS_OF_SPEECH = {"N": "n", "V": "v", "J": "a", "A": "a", "R": "r"}

Senses = tuple[Candidate, ...]
Inventory = Callable[[str, str], Senses]


def part_of_speech(tag: str) -> str:
    """Return WordNet's ``n``, ``v``, ``a`` or ``r`` of a tag of the Penn Treebank or of Universal Dependencies.

    Raises:
        DataError: it is another part of speech.
    """
    found = "r" if tag.startswith("ADV") else _PARTS_OF_SPEECH.get(tag[:1])
    if found is None:
        raise DataError(f"the part of speech '{tag}' is none of nouns, verbs, adjectives and adverbs")
    return found


def wordnet_inventory(graph: KnowledgeGraph) -> Inventory:
    """Return what tells a lemma's senses, with their shares of its uses in SemCor, each count raised by 1/2.

    Raises:
        DataError: the graph knows no senses of lemmas; it is no WordNet, or was compiled without ``sense_names``.
    """
    if not any(_FIRST_SENSE.search(surface) for surface in graph.surfaces):
        raise DataError(f"graph '{graph.name}' knows no senses of lemmas; expected a WordNet with sense_names=true")

    @cache
    def inventory(lemma: str, pos: str) -> Senses:
        found = senses(graph, lemma, pos)
        total = sum(sense.count + SMOOTHING for sense in found)
        return tuple(Candidate(graph.entity_id(sense.entity), (sense.count + SMOOTHING) / total) for sense in found)

    return inventory


@dataclass(frozen=True)
class SenseExample:
    """A sentence whose words have senses.

    Attributes:
        id: of the sentence.
        text: the sentence; each word is a mention, its senses by frequency the candidates.
        labels: of each word the place of the right sense among its candidates; :data:`UNKNOWN` where it is none.
        pos: of each word.
    """

    id: str
    text: LinkedText
    labels: tuple[int, ...]
    pos: tuple[str, ...]


def to_examples(
    sentences: Iterable[TaggedSentence], inventory: Inventory, graph: KnowledgeGraph
) -> list[SenseExample]:
    """Return the sentences that have a word with a sense in the inventory.

    Of a word with several right senses the likeliest is the label.
    """
    examples = []
    for sentence in sentences:
        words = [(word, part_of_speech(word.pos)) for word in sentence.words]
        found = [(word, pos, inventory(word.lemma, pos)) for word, pos in words]
        found = [entry for entry in found if entry[2]]
        if found:
            mentions = tuple(
                Mention(word.start, word.end, sentence.text[word.start : word.end], candidates)
                for word, _, candidates in found
            )
            labels = tuple(_label(word, candidates, graph) for word, _, candidates in found)
            text = LinkedText(sentence.text, mentions)
            examples.append(SenseExample(sentence.id, text, labels, tuple(pos for _, pos, _ in found)))
    return examples


def _label(word: TaggedWord, candidates: Senses, graph: KnowledgeGraph) -> int:
    right = {graph.entities.find(synset) for synset in word.synsets}
    places = [place for place, candidate in enumerate(candidates) if candidate.entity in right]
    return max(places, key=lambda place: candidates[place].probability, default=UNKNOWN)


class SenseDataset(Sequence[tuple[SenseExample, EncodedText]]):
    """Sentences encoded at construction.

    Args:
        examples: the sentences.
        tokenizer: a fast one.
        max_length: tokens of a sentence.
        hidden: share of the words whose tokens are masked, so that only their senses tell what they are; which ones
            is a word's own, by the hash of its sentence's id and its place.

    Raises:
        DataError: a sentence is so long that a word was cut off.
        ConfigError: words are to be hidden, but the tokenizer has no mask.
    """

    def __init__(
        self,
        examples: Sequence[SenseExample],
        tokenizer: PreTrainedTokenizerBase,
        max_length: int,
        *,
        hidden: float = 0.0,
    ) -> None:
        self.examples = list(examples)
        self.encoded = encode_linked([example.text for example in self.examples], tokenizer, max_length)
        for example, encoded in zip(self.examples, self.encoded, strict=True):
            if encoded.lost:
                raise DataError(
                    f"{encoded.lost} words of sentence '{example.id}' lie beyond max_length={max_length} tokens; "
                    "raise it"
                )
        if hidden > 0:
            mask = tokenizer.mask_token_id
            if not isinstance(mask, int):
                raise ConfigError("words are to be hidden, but the tokenizer has no token for a mask")
            for example, encoded in zip(self.examples, self.encoded, strict=True):
                for place, (start, end) in enumerate(encoded.spans.tolist()):
                    if hash_share(f"{example.id}:{place}") < hidden:
                        encoded.input_ids[start:end] = [mask] * (end - start)

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> tuple[SenseExample, EncodedText]:  # type: ignore[override]
        return self.examples[index], self.encoded[index]

    @property
    def lengths(self) -> list[int]:
        """Tokens of each sentence."""
        return [len(text) for text in self.encoded]


@dataclass(frozen=True)
class SenseCollator:
    """Makes batches for :class:`~kglm.models.modeling_fusion_senses.FusionEncoderForWordSenses`.

    Attributes:
        texts: pads, and fuses each word's senses, mixed by frequency, where it has vectors.
        senses: vectors that words are compared with.
    """

    texts: TextCollator
    senses: EntityVectors

    def __call__(self, rows: Sequence[tuple[SenseExample, EncodedText]]) -> dict[str, Any]:
        """Return the batch of sentences."""
        encoded = [text for _, text in rows]
        entities = np.array([c.entity for text in encoded for word in text.candidates for c in word], dtype=np.int64)
        unique = np.unique(entities)
        places = {entity: place for place, entity in enumerate(unique.tolist())}
        return {
            "ids": [example.id for example, _ in rows],
            **self.texts(encoded),
            "target_tokens": token_positions([text.spans for text in encoded]),
            "sense_embeds": torch.from_numpy(self.senses.rows(unique)),
            "sense_index": _pad_candidates(encoded, lambda candidate: places[candidate.entity], -1).long(),
            "sense_priors": _pad_candidates(encoded, lambda candidate: math.log(candidate.probability), 0.0),
            "labels": pad_rows([example.labels for example, _ in rows], UNKNOWN),
        }


def _pad_candidates(texts: Sequence[EncodedText], value: Callable[[Candidate], float], padding: float) -> Tensor:
    """Return a value of each candidate, ``float32 [B, N, K]``."""
    words = max(len(text.candidates) for text in texts)
    most = max(len(word) for text in texts for word in text.candidates)
    padded = torch.full((len(texts), words, most), padding)
    for row, text in enumerate(texts):
        for place, word in enumerate(text.candidates):
            padded[row, place, : len(word)] = torch.tensor([value(candidate) for candidate in word])
    return padded
