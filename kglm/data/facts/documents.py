"""What the corpora of facts hold, as documents to index, and digests that tell one content from another."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kglm.data.facts.options import CorpusOptions
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.errors import ConfigError, require_file
from kglm.kg.checksum import known_sha256
from kglm.kg.graph import KnowledgeGraph
from kglm.retrieval import Document, graph_documents, read_documents

VERSION = 1
_SENSE_NAME = re.compile(r".+\.[nvar]\.\d+")  # an alias such as dog.n.01, which no text holds


def documents_of(
    options: CorpusOptions, graph: KnowledgeGraph, train: Sequence[MultipleChoiceExample]
) -> Iterator[Document]:
    """Yield the documents of a corpus.

    Args:
        options: of the corpus.
        graph: whose triples or definitions they are.
        train: whose questions they are.

    Raises:
        ConfigError, DataError: the file is not as it must be.
    """
    if options.kind == "triples":
        return graph_documents(graph, "triples")
    if options.kind == "definitions":
        return _definitions(graph)
    if options.kind == "questions":
        return _questions(train)
    return read_documents(_path(options), column=options.column, format=options.format, header=options.header)


def content_key(
    options: CorpusOptions, graph: KnowledgeGraph, train: Sequence[MultipleChoiceExample]
) -> dict[str, Any]:
    """Return all that a corpus's documents depend on.

    Raises:
        DataError: its file is missing.
    """
    key: dict[str, Any] = {"version": VERSION, "kind": options.kind}
    if options.kind in ("triples", "definitions"):
        return {**key, "graph": graph.fingerprint}
    if options.kind == "questions":
        texts = hashlib.sha256()
        for document in _questions(train):
            texts.update(json.dumps([document.key, document.text]).encode())
        return {**key, "questions": texts.hexdigest()}
    read = {"column": options.column, "format": options.format, "header": options.header}
    return {**key, **read, "file": known_sha256(require_file(_path(options), "corpus of facts"))}


def _path(options: CorpusOptions) -> Path:
    if options.path is None:
        raise ConfigError("a facts corpus of kind 'file' has no path; name its file")
    return Path(options.path)


def _definitions(graph: KnowledgeGraph) -> Iterator[Document]:
    """Yield ``form: definition`` for each form of each described entity, the more frequent sense of a form first."""
    descriptions = list(graph.descriptions)
    number = 0
    for surface, form in enumerate(graph.surfaces):
        if _SENSE_NAME.fullmatch(form):
            continue
        start, end = int(graph.surface_indptr[surface]), int(graph.surface_indptr[surface + 1])
        entities, counts = graph.surface_entities[start:end].tolist(), graph.surface_counts[start:end].tolist()
        for _, entity in sorted(zip(counts, entities, strict=True), key=lambda sense: -sense[0]):
            definition = descriptions[entity].split('; "')[0]  # the examples of use behind it are left out
            if definition:
                yield Document(number, form.casefold(), f"{form}: {definition}")
                number += 1


def _questions(train: Sequence[MultipleChoiceExample]) -> Iterator[Document]:
    """Yield each labelled question with its answer behind it, under the question; whatever order they come in."""
    asked = {(one.question.strip(), one.choices[one.label].strip()) for one in train if one.label is not None}
    for number, (question, answer) in enumerate(sorted(asked)):
        yield Document(number, question, f"{question} {answer}")
