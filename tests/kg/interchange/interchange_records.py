"""Hypothesis strategies for graphs with every kind of awkward name and text, and what a graph says."""

from hypothesis import strategies as st

from kglm.kg import Description, Label, Triple
from kglm.kg.iris import BASE, RDF, RDFS

CHARACTERS = st.characters(exclude_categories=["Cs"])
AWKWARD = [
    " ", "a b", " a", "a ", "#a", "a\tb", "a\nb", "a\r\nb", "\x00", "\x1b[0m", "\x85", "\u2028", "'", '"', '"""', "\\", "\\n",
    "<a>", "a&b;", "{}", "^`|", "a.", ".", "-a", "_:b0", "%", "%20", "%zz", "größe", "犬", "🥄", "e\u0301", "\u200d", "\ufeff",
    "\ufffe", "\ue000", "rdf:type", "rdf:Statement", "rdfs:label", "wd:Q42", "wd:a b", "kglm:weight", ":", "a:", ":a",
    "a:b", "http://a.example/x", "http://a.example/x y", "http://a.example/../x", "http://[", "urn:x:y", "urn:", BASE,
    f"{BASE}a", f"{BASE}%20", f"{RDF}type", f"{RDF}Statement", f"{RDFS}label", "urn:kglm:weight", "file:///a", "mailto:a",
]  # fmt: skip
NAMES = st.sampled_from([*AWKWARD, "a", "b", "c"]) | st.text(CHARACTERS, min_size=1, max_size=6)
TEXTS = st.sampled_from([*AWKWARD, ""]) | st.text(CHARACTERS, max_size=6)
# Readers take white space about a name off, so that a tab-separated table cannot hold it.
WEIGHTS = st.sampled_from([1.0, 2.0, 0.5, 0.1]) | st.floats(1e-38, 1e38, width=32, exclude_min=True)


@st.composite
def records(draw, names=NAMES, texts=TEXTS, min_triples=1):
    """Triples, and labels and descriptions of the entities in them."""
    triples = draw(
        st.lists(
            st.builds(Triple, names, names, names, WEIGHTS, st.just("") | texts), min_size=min_triples, max_size=6
        )
    )
    entity = st.sampled_from(sorted({name for triple in triples for name in (triple.head, triple.tail)}))
    labels = draw(st.lists(st.builds(Label, entity, texts, st.booleans()), max_size=6))
    descriptions = draw(st.lists(st.builds(Description, entity, texts), max_size=3))
    return [*triples, *labels, *descriptions]


def content(graph):
    """Return what a graph says: triples with weights, labels, aliases, descriptions."""
    aliases = {
        (graph.surfaces[surface], graph.entities[entity])
        for surface in range(len(graph.surfaces))
        for entity in graph.surface_entities[graph.surface_indptr[surface] : graph.surface_indptr[surface + 1]]
    }
    return {
        "triples": [triple[:4] for triple in graph.triples()],
        "labels": dict(zip(graph.entities, graph.labels, strict=True)),
        "aliases": aliases,
        "descriptions": dict(zip(graph.entities, graph.descriptions, strict=True)),
    }
