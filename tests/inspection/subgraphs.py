"""Subgraphs to draw: small ones, hostile ones, and random ones of any size."""

import random

from kglm.inspection.subgraph import ROLES, Subgraph, SubgraphEdge, SubgraphNode

HOSTILE = [
    "</script><script>document.title = 'hacked'</script>",
    "\"quoted\" 'single' & <b>bold</b> <!-- c -->",
    "emoji 🐕 dog",
    "שלום עולם",
    "日本語のラベル",
    "$x^2$ $$y$$ ${z} $title",
    "many words that go on and on without an end in sight " * 4,
    "Donaudampfschifffahrtsgesellschaftskapitänsmützenständer",
    "\ud800 lone\x00\x01\n",
    "",
]


def make_subgraph(labels, edges, *, title="a title", total=0, roles=("seed",)):
    """Edges are ``(source, target, relation)`` with places in ``labels``; ids differ from places on purpose."""
    nodes = tuple(
        SubgraphNode(
            id=10 * number + 3,
            name=label or "no_label",
            label=label,
            role=roles[number] if number < len(roles) else "other",
            description=label,
            degree=number,
        )
        for number, label in enumerate(labels)
    )
    triples = tuple(
        SubgraphEdge(
            source=10 * source + 3, target=10 * target + 3, relation=relation, weight=0.5, asserted_by="people"
        )
        for source, target, relation in edges
    )
    return Subgraph(
        title=title,
        graph_name="tiny",
        fingerprint="ab" * 32,
        nodes=nodes,
        edges=triples,
        total_nodes=max(total, len(nodes)),
    )


def digging():
    return make_subgraph(
        ["dig", "trowel", "garden", "soil"],
        [
            (1, 0, "UsedFor"),
            (1, 2, "AtLocation"),
            (0, 2, "AtLocation"),
            (0, 1, "RelatedTo"),
            (0, 0, "IsA"),
            (2, 3, "HasA"),
        ],
        title="between dig and trowel",
        total=9,
        roles=("question", "choice"),
    )


def hostile():
    relations = ["IsA", "</script>", "http://x.org/y#bornIn", "関係", "{head}{tail}"]
    edges = [(0, number, relations[number % 5]) for number in range(len(HOSTILE))]
    return make_subgraph(HOSTILE, [*edges, (1, 0, "IsA")], title='<script> & "T" $title ${data} \ud800', roles=ROLES)


def random_subgraph(num_nodes, num_edges, seed=0):
    """A skewed random graph with multi-edges, self-loops and lone nodes."""
    rng = random.Random(seed)
    edges = [
        (
            min(rng.randrange(num_nodes), rng.randrange(num_nodes)),
            rng.randrange(num_nodes),
            f"Relation{rng.randrange(12)}",
        )
        for _ in range(num_edges)
    ]
    return make_subgraph([f"node {number}" for number in range(num_nodes)], edges, title="random", roles=ROLES)
