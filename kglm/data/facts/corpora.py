"""Corpora of facts opened: indexed once under a content key, or found again in a model's folder."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from kglm.data.facts.corpus import FactCorpus
from kglm.data.facts.documents import content_key, documents_of
from kglm.data.facts.options import CorpusOptions, FactOptions
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.encoders import TextEncoder, default_device
from kglm.errors import DataError, EncoderMismatchError, KglmError
from kglm.kg.graph import KnowledgeGraph
from kglm.retrieval import TextIndex
from kglm.retrieval.index_files import MANIFEST

logger = logging.getLogger(__name__)

MAX_LENGTH = 128  # tokens that the encoder of dense corpora reads of a text


def open_corpora(
    options: FactOptions,
    graph: KnowledgeGraph,
    train: Sequence[MultipleChoiceExample],
    cache_dir: Path | str,
) -> dict[str, FactCorpus]:
    """Return the corpora of a run, each indexed the first time that its content and encoder are met.

    Args:
        options: names them, and the encoder of those that are searched by vectors.
        graph: the run's graph.
        train: the run's training questions, of which alone the corpora of kind ``questions`` are made.
        cache_dir: where indexes, and the graphs of definitions, are kept.

    Raises:
        ConfigError, DataError, MissingExtraError: a corpus cannot be made; names it.
    """
    load = _Loader()
    return {
        name: FactCorpus(
            name, corpus, _open(name, corpus, graph, train, options.encoder, Path(cache_dir), load), graph
        )
        for name, corpus in options.corpora.items()
    }


def reopen_corpora(
    options: FactOptions, graph: KnowledgeGraph, folder: Path, told: Mapping[str, Mapping[str, str]]
) -> dict[str, FactCorpus]:
    """Return the corpora that lie in a model's folder.

    Args:
        options: names them.
        graph: the model's graph.
        folder: that holds one folder for each.
        told: for each corpus, what the model's manifest says of it (its ``digest``).

    Raises:
        DataError: a corpus is missing, damaged, or another than the model was trained with.
        EncoderMismatchError: its encoder is another than the one it was indexed with.
        ConfigError: its encoder cannot be loaded.
    """
    load = _Loader()
    found = {}
    for name, corpus in options.corpora.items():
        place = folder / name
        if not (place / MANIFEST).is_file():
            raise DataError(
                f"the model reads facts from the corpus '{name}', which is missing at '{place}'; copy the model's "
                "folder as a whole, or train again"
            )
        made_with = json.loads((place / MANIFEST).read_text(encoding="utf-8")).get("encoder")
        encoder = load(made_with["name"], int(made_with["max_length"])) if corpus.dense and made_with else None
        try:
            opened = FactCorpus(name, corpus, TextIndex.open(place, encoder=encoder), graph)
        except EncoderMismatchError:
            raise
        except KglmError as error:
            raise DataError(f"the model's facts corpus '{name}' cannot be used: {error}") from error
        if opened.digest != told.get(name, {}).get("digest"):
            raise DataError(
                f"the facts corpus '{name}' at '{place}' is another than the one that the model was trained with; "
                "copy the model's folder as a whole, or train again"
            )
        found[name] = opened
    return found


class _Loader:
    """Loads each encoder once."""

    def __init__(self) -> None:
        self._loaded: dict[tuple[str, int], TextEncoder] = {}

    def __call__(self, name: str, max_length: int) -> TextEncoder:
        if (name, max_length) not in self._loaded:
            self._loaded[name, max_length] = TextEncoder.load(name, max_length=max_length, device=default_device())
        return self._loaded[name, max_length]


def _open(
    name: str,
    options: CorpusOptions,
    graph: KnowledgeGraph,
    train: Sequence[MultipleChoiceExample],
    encoder: str,
    cache_dir: Path,
    load: Callable[[str, int], TextEncoder],
) -> TextIndex:
    if options.graph is not None:
        graph = options.graph.open(cache_dir)
    reader = load(encoder, MAX_LENGTH) if options.dense else None
    key = {"content": content_key(options, graph, train), "encoder": None if reader is None else reader.digest}
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    folder = cache_dir / "fact_corpora" / f"{name}-{digest}"
    if (folder / MANIFEST).is_file():
        return TextIndex.open(folder, encoder=reader)
    logger.info("indexing the facts corpus '%s'", name)
    try:
        return TextIndex.build(
            documents_of(options, graph, train), folder, encoder=reader, what=options.kind, source=name
        )
    except DataError as error:
        raise DataError(f"the facts corpus '{name}' cannot be indexed: {error}") from error
