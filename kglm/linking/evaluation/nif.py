"""Gold sets in NIF, parsed by rdflib.

A document is a resource with ``nif:isString``; a mention is one with ``nif:referenceContext`` (the document),
``nif:beginIndex`` and ``nif:endIndex`` (characters), and ``itsrdf:taIdentRef`` (the entity's IRI).

Source: Hellmann et al., *Integrating NLP using Linked Data*, ISWC 2013; the NIF 2.0 core ontology.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from pathlib import Path
from typing import Any

import rdflib
from rdflib.util import guess_format

from kglm.errors import DataError
from kglm.linking.evaluation.gold import GoldDocument, GoldMention, sorted_mentions

NIF = rdflib.Namespace("http://persistence.uni-leipzig.org/nlp2rdf/ontologies/nif-core#")
ITSRDF = rdflib.Namespace("http://www.w3.org/2005/11/its/rdf#")

logger = logging.getLogger(__name__)


def read_nif(path: Path) -> list[GoldDocument]:
    """Return the documents of a NIF file, by their IRIs.

    Where several entities are given for one span, the first by IRI counts.

    Raises:
        DataError: the file is no RDF, or a mention has no document, no place, or a place that does not fit its text.
    """
    graph = _parse(path)
    texts = {context: str(text) for context, text in graph.subject_objects(NIF.isString)}
    mentions: dict[Any, dict[tuple[int, int], GoldMention]] = defaultdict(dict)
    for subject, context in sorted(graph.subject_objects(NIF.referenceContext)):
        if context not in texts:
            raise DataError(f"'{path}': the mention <{subject}> is in <{context}>, which has no nif:isString")
        if subject == context:
            continue
        mention = _mention(graph, subject, texts[context], path)
        place = (mention.start, mention.end)
        if place not in mentions[context] or mentions[context][place].entity is None:
            mentions[context][place] = mention
    documents = []
    for context, text in sorted(texts.items()):
        try:
            found = sorted_mentions(text, list(mentions[context].values()))
        except ValueError as error:
            raise DataError(f"'{path}': <{context}>: {error}") from error
        documents.append(GoldDocument(str(context), text, found))
    return documents


def _parse(path: Path) -> rdflib.Graph:
    graph = rdflib.Graph()
    try:
        return graph.parse(path, format=guess_format(path.name) or "turtle")
    except OSError:
        raise
    except Exception as error:  # rdflib's parsers raise their own errors, and those of what they build on
        line = getattr(error, "lines", None)
        reason = " ".join(str(error).split())[:300]
        if isinstance(line, int):
            raise DataError.at(path, line + 1, reason) from error
        raise DataError(f"the gold set '{path}' cannot be parsed: {reason}") from error


def _mention(graph: rdflib.Graph, subject: Any, text: str, path: Path) -> GoldMention:
    start, end = (_index(graph, subject, name, path) for name in (NIF.beginIndex, NIF.endIndex))
    anchor = graph.value(subject, NIF.anchorOf)
    if anchor is not None and str(anchor) != text[start:end]:
        raise DataError(
            f"'{path}': the mention <{subject}> reads '{anchor}', but characters {start}-{end} of its text "
            f"are '{text[start:end]}'"
        )
    entity = min((str(value) for value in graph.objects(subject, ITSRDF.taIdentRef)), default=None)
    return GoldMention(start, end, entity)


def _index(graph: rdflib.Graph, subject: Any, name: Any, path: Path) -> int:
    value = graph.value(subject, name)
    text = "" if value is None else str(value)
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise DataError(
            f"'{path}': the mention <{subject}> has {name.fragment} '{text}'; expected a number of characters"
        )
    return int(text)
