"""Write a control graph: the same concepts, labels, relations and degrees, but with tails dealt out at random.

Usage: ``python scripts/shuffle_graph.py SOURCE OUT.ttl [--seed N]``, then
``kglm train experiment=everyday_kagnet graph=file graph.source=OUT.ttl``. What a model gains from a graph must
vanish on its shuffled control. Within each relation the tails are permuted, so that every concept keeps its number
of edges of each kind and only who is joined to whom is lost. Weights are left out.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import defaultdict
from pathlib import Path

from rdflib import Graph, Literal, Namespace
from rdflib.namespace import RDFS, SKOS

from kglm.errors import KglmError
from kglm.files import atomic_write_text
from kglm.kg import Label, Triple
from kglm.kg.readers import one_by_one, read_records
from kglm.kg.tally import Tally

CONTROL = Namespace("urn:kglm:control:")


def main() -> int:
    """Write the control graph; return 1 where the source cannot be read."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="a graph that kglm can read")
    parser.add_argument("out", type=Path, help="Turtle file to write")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    try:
        graph = shuffled(arguments.source, arguments.seed)
    except KglmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    atomic_write_text(arguments.out, graph.serialize(format="turtle"))
    return 0


def shuffled(source: Path, seed: int) -> Graph:
    """Return the control of the graph at ``source``."""
    rng = random.Random(seed)
    graph = Graph()
    graph.bind("", CONTROL)
    ends: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for record in one_by_one(read_records(source, Tally())):
        if isinstance(record, Triple):
            ends[record.relation].append((record.head, record.tail))
        elif isinstance(record, Label):
            kind = RDFS.label if record.preferred else SKOS.altLabel
            graph.add((CONTROL[record.entity], kind, Literal(record.text)))
    for relation, pairs in sorted(ends.items()):
        tails = [tail for _, tail in sorted(pairs)]
        rng.shuffle(tails)
        for (head, _), tail in zip(sorted(pairs), tails, strict=True):
            if head != tail:
                graph.add((CONTROL[head], CONTROL[relation], CONTROL[tail]))
    return graph


if __name__ == "__main__":
    sys.exit(main())
