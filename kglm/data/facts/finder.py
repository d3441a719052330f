"""What is read behind each choice: all sources together, ranked, under the budget, and kept on disk.

Dimensions: G question-choice pairs.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
from transformers import PreTrainedTokenizerBase

from kglm.data.facts.corpus import FactCorpus
from kglm.data.facts.fact import Fact
from kglm.data.facts.graph_facts import GraphFacts
from kglm.data.facts.options import FactOptions
from kglm.data.facts.random_triples import RandomTriples
from kglm.data.facts.retrieved_facts import RetrievedFacts
from kglm.data.facts.selection import select_facts
from kglm.data.grounding import ground
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.encoders.digest import tokenizer_digest
from kglm.files import atomic_directory, atomic_write_json
from kglm.kg.graph import KnowledgeGraph
from kglm.linking import LexicalLinker

logger = logging.getLogger(__name__)

MANIFEST = "manifest.json"
FACTS = "facts.arrow"
SCHEMA = pa.schema([("pair", pa.int64()), ("text", pa.string()), ("score", pa.float64()), ("source", pa.string())])


class FactFinder:
    """Finds the facts of question-choice pairs.

    All sources make one ranking: the graph's direct triples by :math:`w \\cdot N / N_r`
    (:class:`~kglm.data.facts.graph_facts.GraphFacts`), then its chains, then what the corpora hold by its worth
    (:class:`~kglm.data.facts.retrieved_facts.RetrievedFacts`). From its top, facts are read that fit the budget, no
    more of a source than its cap allows.

    Args:
        options: see :class:`~kglm.data.facts.options.FactOptions`.
        graph: the run's graph.
        linker: to it.
        corpora: by name, those that the options name.
        tokenizer: counts the tokens.
    """

    def __init__(
        self,
        options: FactOptions,
        graph: KnowledgeGraph,
        linker: LexicalLinker,
        corpora: Mapping[str, FactCorpus],
        tokenizer: PreTrainedTokenizerBase,
    ) -> None:
        self.options = options
        self.graph = graph
        self.linker = linker
        self.corpora = corpora
        self.tokenizer = tokenizer

    def find(
        self, examples: Sequence[MultipleChoiceExample], cache_dir: Path | str | None = None, workers: int | str = 1
    ) -> list[tuple[Fact, ...]]:
        """Return what is read with each of G pairs, question by question.

        Args:
            examples: the questions.
            cache_dir: where facts, and searches, are kept and found again by all that they depend on; None keeps
                nothing.
            workers: threads, or the address of a Dask scheduler.

        Raises:
            BadQuestionError: the facts start from the question concept, and a question has none.
        """
        if cache_dir is None:
            return self._find(examples, None, workers)
        cache_dir, key = Path(cache_dir), self.key(examples)
        folder = cache_dir / "facts" / hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
        if not (folder / MANIFEST).is_file():
            logger.info("finding facts for %d questions", len(examples))
            found = self._find(examples, cache_dir, workers)
            with atomic_directory(folder) as temporary:
                _write(temporary / FACTS, found)
                atomic_write_json(temporary / MANIFEST, key)
        return _read(folder / FACTS, sum(len(example.choices) for example in examples))

    def key(self, examples: Sequence[MultipleChoiceExample]) -> dict[str, Any]:
        """Return all that the facts of ``examples`` depend on."""
        options = self.options.cache_key()
        del options["dropout"], options["in_statement"]
        texts = hashlib.sha256()
        for example in examples:
            concept = example.question_concept if self.options.question_concept else None
            texts.update(json.dumps([concept, example.question, *example.choices]).encode())
        return {
            "options": options,
            "graph": self.graph.fingerprint,
            "linker": self.linker.options.cache_key(),
            "corpora": {name: corpus.digest for name, corpus in self.corpora.items()},
            "tokenizer": tokenizer_digest(self.tokenizer),
            "texts": texts.hexdigest(),
        }

    def candidates(
        self, examples: Sequence[MultipleChoiceExample], cache_dir: Path | None = None, workers: int | str = 1
    ) -> list[list[Fact]]:
        """Return all facts of each pair in the order in which they are tried."""
        found: list[list[Fact]] = [[] for example in examples for _ in example.choices]
        if self.options.source != "retrieved":
            pairs = ground(examples, self.linker, question_concept=self.options.question_concept)
            found = GraphFacts(self.graph, self.options).find(pairs, workers)
        if self.corpora:
            pairs = ground(examples, self.linker)
            retrieval = RetrievedFacts(self.corpora, self.graph, self.options.duplicate_overlap)
            retrieved = retrieval.find(examples, pairs, cache_dir)
            found = [[*first, *then] for first, then in zip(found, retrieved, strict=True)]
        return found

    def _find(
        self, examples: Sequence[MultipleChoiceExample], cache_dir: Path | None, workers: int | str
    ) -> list[tuple[Fact, ...]]:
        options = self.options
        chosen = select_facts(
            self.candidates(examples, cache_dir, workers),
            self.tokenizer,
            max_facts=options.max_facts,
            max_tokens=options.max_tokens,
            caps=options.caps,
        )
        if options.control == "none":
            return chosen
        asked = ((example.question, choice) for example in examples for choice in example.choices)
        rows = [(question, choice, facts) for (question, choice), facts in zip(asked, chosen, strict=True)]
        return RandomTriples(self.graph, self.tokenizer, options.control_seed).exchange(rows)


def _write(path: Path, found: Sequence[Sequence[Fact]]) -> None:
    rows = list(chain.from_iterable(found))
    columns = [
        [index for index, facts in enumerate(found) for _ in facts],
        [fact.text for fact in rows],
        [fact.score for fact in rows],
        [fact.source for fact in rows],
    ]
    arrays = [pa.array(values, kind) for values, kind in zip(columns, SCHEMA.types, strict=True)]
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, SCHEMA) as writer:
        writer.write_table(pa.table(arrays, schema=SCHEMA))


def _read(path: Path, count: int) -> list[tuple[Fact, ...]]:
    found: list[list[Fact]] = [[] for _ in range(count)]
    with pa.memory_map(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
        for pair, *fact in zip(*(column.to_pylist() for column in table.columns), strict=True):
            found[pair].append(Fact(*fact))
    return [tuple(facts) for facts in found]
