"""Scratch memory over all entities, kept with its graph from one call to the next.

A search marks entities in arrays as long as the graph has entities, and unmarks them when done. The operating
system provides such memory as it is touched; kept, it is provided once, so that a call costs what it visits and
not what the graph holds. It goes when the graph does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from kglm.kg.graph import KnowledgeGraph

Arrays = TypeVar("Arrays")

_FREE: WeakKeyDictionary[KnowledgeGraph, dict[Callable[[int], Any], list[Any]]] = WeakKeyDictionary()


@contextmanager
def borrowed(graph: KnowledgeGraph, make: Callable[[int], Arrays]) -> Iterator[Arrays]:
    """Lend the arrays that ``make(entities)`` returns, to one borrower at a time.

    They come as the last borrower left them, and must be left as ``make`` returned them in all that matters. What
    an error interrupted is not lent again.
    """
    free = _FREE.setdefault(graph, {}).setdefault(make, [])
    try:
        arrays = free.pop()
    except IndexError:
        arrays = make(graph.num_entities)
    yield arrays
    free.append(arrays)
