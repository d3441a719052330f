"""GraphML and GEXF, for Gephi, yEd, Cytoscape and their like, through networkx's writers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import count
from typing import IO

import networkx as nx
from networkx.readwrite.gexf import GEXFWriter

from kglm.errors import DataError
from kglm.kg.interchange.ntriples import weight_text
from kglm.kg.interchange.selection import EdgeBlock, EntityBlock, Selection

# What XML 1.0 cannot hold, and the carriage return, which its readers turn into a line feed.
_UNFIT = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REPLACEMENT = "\ufffd"


def write_graphml(selection: Selection, handle: IO[bytes]) -> None:
    """Write GraphML: nodes ``label`` and ``description``, edges ``relation``, ``weight`` and ``source``.

    The whole selection is held in memory. A character that XML cannot hold becomes U+FFFD.

    Raises:
        DataError: two names would become equal by that.
    """
    nx.write_graphml_xml(_drawable(selection, edge_label=None), handle)


def write_gexf(selection: Selection, handle: IO[bytes]) -> None:
    """Write GEXF with the same attributes; an edge's ``label`` is its relation too, as Gephi draws it.

    The whole selection is held in memory. A character that XML cannot hold becomes U+FFFD.

    Raises:
        DataError: two names would become equal by that.
    """
    writer = GEXFWriter(_drawable(selection, edge_label="label"))
    # The day of writing would make every export differ from the last.
    meta = writer.xml.find("meta")
    if meta is not None:
        meta.attrib.pop("lastmodifieddate", None)
    writer.write(handle)


def xml_text(text: str) -> str:
    """Return a text with every character that XML cannot hold replaced by U+FFFD."""
    return _UNFIT.sub(_REPLACEMENT, text)


def _drawable(selection: Selection, edge_label: str | None) -> nx.MultiDiGraph:
    """Return a networkx graph whose edges have numbers for keys: XML wants an id for each, and no id twice."""
    copy = nx.MultiDiGraph(name=xml_text(selection.graph.name))
    nodes = list(selection.entity_blocks())
    _require_distinct("entities", [name for block in nodes for name in block.names])
    _require_distinct("relations", selection.graph.relations)
    relations = [xml_text(relation) for relation in selection.graph.relations]
    for block in nodes:
        _add_nodes(copy, block)
    number = count()
    for edges in selection.edge_blocks():
        _add_edges(copy, edges, relations, edge_label, number)
    return copy


def _add_nodes(copy: nx.MultiDiGraph, block: EntityBlock) -> None:
    for name, label, description in zip(block.names, block.labels, block.descriptions, strict=True):
        extra = {"description": xml_text(description)} if description else {}
        copy.add_node(xml_text(name), label=xml_text(label), **extra)


def _add_edges(
    copy: nx.MultiDiGraph, block: EdgeBlock, relations: list[str], edge_label: str | None, number: Iterator[int]
) -> None:
    for row, relation, tail, weight, source in block:
        attributes = {"relation": relations[relation], "weight": float(weight_text(weight))}
        if edge_label is not None:
            attributes[edge_label] = relations[relation]
        if source:
            attributes["source"] = xml_text(source)
        copy.add_edge(xml_text(block.names[row]), xml_text(tail), key=f"e{next(number)}", **attributes)


def _require_distinct(what: str, names: Sequence[str]) -> None:
    """Refuse names that only characters tell apart which XML cannot hold."""
    replaced = {name: xml_text(name) for name in names if _UNFIT.search(name)}
    first: dict[str, str] = {}
    plain = set(replaced.values())
    for name in (*replaced, *(name for name in names if name in plain)):
        other = first.setdefault(replaced.get(name, name), name)
        if other != name:
            raise DataError(
                f"XML cannot hold some characters of the {what} {other!r} and {name!r}, and without them they are "
                "one; expected Turtle, N-Triples, JSON or Parquet, which hold any character"
            )
