"""What every corpus is a stream of: documents of sentences with linked mentions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from kglm.data.linked_text import LinkedText
from kglm.linking.mention import Mention


@dataclass(frozen=True)
class Document:
    """Sentences that follow each other, each with its mentions.

    Attributes:
        id: of the document, by which it falls into the training or the held-out part.
        sentences: of which none is empty.
    """

    id: str
    sentences: tuple[LinkedText, ...]


class Annotator(Protocol):
    """A linker: finds the mentions of texts."""

    def __call__(self, texts: Sequence[str]) -> list[list[Mention]]:
        """Return the mentions of each text."""
        ...


def annotate(
    documents: Iterable[tuple[str, Sequence[str]]], linker: Annotator | None, batch_size: int = 256
) -> Iterator[Document]:
    """Yield documents with the mentions that a linker finds, read and linked batch by batch.

    Args:
        documents: id and sentences of each; sentences of white space alone, and documents of such, are left out.
        linker: finds mentions; None finds none.
        batch_size: sentences linked in one call, about.
    """
    waiting: list[tuple[str, list[str]]] = []
    for name, sentences in documents:
        kept = [" ".join(sentence.split()) for sentence in sentences if sentence.strip()]
        if kept:
            waiting.append((name, kept))
        if sum(len(texts) for _, texts in waiting) >= batch_size:
            yield from _linked(waiting, linker)
            waiting = []
    yield from _linked(waiting, linker)


def _linked(waiting: Sequence[tuple[str, list[str]]], linker: Annotator | None) -> Iterator[Document]:
    texts = [text for _, sentences in waiting for text in sentences]
    found = iter([[] for _ in texts] if linker is None else linker(texts))
    for name, sentences in waiting:
        yield Document(name, tuple(LinkedText(text, tuple(next(found))) for text in sentences))
