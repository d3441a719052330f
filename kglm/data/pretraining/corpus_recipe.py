"""A corpus named by its kind and options, tokenized once and kept under a key of all that it depends on."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from glob import glob
from pathlib import Path
from typing import Any, ClassVar

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from kglm.data.entity_names import EntityNames
from kglm.data.pretraining.document import Annotator, Document, annotate
from kglm.data.pretraining.graph_text import triple_documents, walk_documents
from kglm.data.pretraining.plain_text import read_text_files, stream_dataset
from kglm.data.pretraining.semcor import read_semcor
from kglm.data.pretraining.token_corpus import MANIFEST, VERSION, TokenCorpus, write_corpus
from kglm.data.pretraining.wikipedia import read_wikipedia
from kglm.encoders.digest import tokenizer_digest
from kglm.encoders.pretrained import resolve_encoder
from kglm.errors import ConfigError, UnknownNameError, did_you_mean
from kglm.kg.checksum import known_sha256

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CorpusContext:
    """What a corpus may draw on.

    Attributes:
        names: finds entities in the graph; None without a graph.
        linker: finds mentions in texts that have none; None leaves such texts without.
        linker_key: what the linker's result depends on.
    """

    names: EntityNames | None
    linker: Annotator | None = None
    linker_key: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str | None:
        """Of the graph."""
        return None if self.names is None else self.names.graph.fingerprint

    def required_names(self, kind: str) -> EntityNames:
        """Return what finds entities.

        Raises:
            ConfigError: there is no graph.
        """
        if self.names is None:
            raise ConfigError(f"a corpus of the kind '{kind}' needs a graph")
        return self.names


@dataclass(frozen=True, kw_only=True)
class CorpusRecipe:
    """How a corpus is had.

    Attributes:
        name: what it is called in messages.
        kind: a key of :data:`KINDS`.
        options: of the kind.
        linked: find mentions with the linker in the kinds ``text`` and ``dataset``, whose texts have none.
    """

    FILES: ClassVar[tuple[str, ...]] = ("tokens", "entities", "path")

    name: str
    kind: str
    options: Mapping[str, Any]
    linked: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UnknownNameError("kind of corpus", self.kind, KINDS)
        _, required, optional = KINDS[self.kind]
        for key in self.options:
            if key not in (*required, *optional):
                known = (*required, *optional)
                raise ConfigError(
                    f"corpus.options has no '{key}'{did_you_mean(key, known)} (the kind '{self.kind}' has: "
                    f"{', '.join(known)})"
                )
        for key in required:
            if self.options.get(key) is None:
                raise ConfigError(f"corpus.options.{key} is missing, which the kind '{self.kind}' needs")

    def documents(self, context: CorpusContext) -> Iterator[Document]:
        """Yield the documents, as they are read.

        Raises:
            ConfigError: an option is not allowed, or the graph is missing.
            DataError: a file is missing or malformed.
        """
        return KINDS[self.kind][0](self, context)

    def open(self, tokenizer: PreTrainedTokenizerBase, context: CorpusContext, cache_dir: Path | str) -> TokenCorpus:
        """Map the tokenized corpus, which is made first where it is not there yet."""
        key = self._key(tokenizer, context)
        digest = hashlib.sha256(json.dumps(key, sort_keys=True, default=str).encode()).hexdigest()[:16]
        folder = Path(cache_dir) / "corpora" / f"{self.name}-{digest}"
        if not (folder / MANIFEST).is_file():
            logger.info("tokenizing corpus '%s'", self.name)
            return write_corpus(
                self.documents(context), folder, tokenizer, fingerprint=context.fingerprint, source=key
            )
        return TokenCorpus.open(folder, context.fingerprint)

    def _key(self, tokenizer: PreTrainedTokenizerBase, context: CorpusContext) -> dict[str, Any]:
        files = {name: sorted(glob(self.options[name])) for name in self.FILES if name in self.options}
        return {
            "version": VERSION,
            **asdict(self),
            "files": {name: [known_sha256(Path(path)) for path in paths] for name, paths in files.items()},
            "tokenizer": tokenizer_digest(tokenizer),
            "graph": context.fingerprint,
            "aliases": None if context.names is None else _digest(context.names.aliases),
            "linker": dict(context.linker_key) if self.linked else None,
        }

    def annotator(self, context: CorpusContext) -> Annotator | None:
        """Return the linker, if it is wanted.

        Raises:
            ConfigError: it is wanted, but there is none.
        """
        if self.linked and context.linker is None:
            raise ConfigError("corpus.linked is true, which needs a linker and a graph")
        return context.linker if self.linked else None


def _digest(aliases: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(sorted(aliases.items())).encode()).hexdigest()


def _wikipedia(recipe: CorpusRecipe, context: CorpusContext) -> Iterator[Document]:
    options = recipe.options
    vocabulary = AutoTokenizer.from_pretrained(resolve_encoder(options["vocabulary"]))
    pieces = vocabulary.convert_ids_to_tokens(list(range(len(vocabulary))))
    return read_wikipedia(options["tokens"], options["entities"], pieces, context.required_names(recipe.kind))


def _semcor(recipe: CorpusRecipe, context: CorpusContext) -> Iterator[Document]:
    return read_semcor(recipe.options["path"], context.required_names(recipe.kind))


def _walks(recipe: CorpusRecipe, context: CorpusContext) -> Iterator[Document]:
    return walk_documents(context.required_names(recipe.kind).graph, **recipe.options)


def _triples(recipe: CorpusRecipe, context: CorpusContext) -> Iterator[Document]:
    return triple_documents(context.required_names(recipe.kind).graph)


def _text(recipe: CorpusRecipe, context: CorpusContext) -> Iterator[Document]:
    return annotate(read_text_files(recipe.options["path"]), recipe.annotator(context))


def _dataset(recipe: CorpusRecipe, context: CorpusContext) -> Iterator[Document]:
    options = dict(recipe.options)
    return annotate(stream_dataset(options.pop("path"), **options), recipe.annotator(context))


_Reader = Callable[[CorpusRecipe, CorpusContext], Iterator[Document]]
KINDS: dict[str, tuple[_Reader, tuple[str, ...], tuple[str, ...]]] = {
    "wikipedia": (_wikipedia, ("tokens", "entities", "vocabulary"), ()),
    "semcor": (_semcor, ("path",), ()),
    "walks": (_walks, ("length", "walks_per_start", "seed"), ()),
    "triples": (_triples, (), ()),
    "text": (_text, ("path",), ()),
    "dataset": (_dataset, ("path", "column"), ("split", "limit", "options")),
}
"""Reader, options that must be given, and options that may be."""
