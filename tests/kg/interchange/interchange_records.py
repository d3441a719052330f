"""Hypothesis strategies for graphs with every kind of awkward name and text, and what a graph says."""

import numpy as np
from hypothesis import Phase, settings
from hypothesis import strategies as st

from kglm.kg.iris import BASE, RDF, RDFS
from kglm.kg.readers.batches import one_by_one
from kglm.kg.records import Description, Label, Triple

CHARACTERS = st.characters(exclude_categories=["Cs"])
AWKWARD = [
    " ", "a b", " a", "a ", "#a", "a\tb", "a\nb", "a\r\nb", "\x00", "\x1b[0m", "\x85", "\u2028", "'", '"', '"""',
    "\\", "\\n", "<a>", "a&b;", "{}", "^`|", "a.", ".", "~a", "-a", "_:b0", "%", "%20", "%zz", "größe", "犬", "🥄",
    "e\u0301", "\u200d", "\ufeff", "\ufffe", "\ue000", "rdf:type", "rdf:Statement", "rdfs:label", "wd:Q42", "wd:a b",
    "kglm:weight", ":", "a:", ":a", "a:b", "http://a.example/x", "http://a.example/x y", "http://a.example/../x",
    "http://[", "urn:x:y", "urn:", BASE, f"{BASE}a", f"{BASE}%20", f"{RDF}type", f"{RDF}Statement", f"{RDFS}label",
    "urn:kglm:weight", "file:///a", "mailto:a",
]  # fmt: skip
NAMES = st.sampled_from([*AWKWARD, "a", "b", "c"]) | st.text(CHARACTERS, min_size=1, max_size=6)
TEXTS = st.sampled_from([*AWKWARD, ""]) | st.text(CHARACTERS, max_size=6)
WEIGHTS = st.sampled_from([1.0, 2.0, 0.5, 0.1]) | st.floats(2.0**-120, 2.0**120, width=32)

# A graph takes a tenth of a second to build: few large ones, and none again and again to make an example smaller.
few = settings(max_examples=5, phases=[Phase.explicit, Phase.reuse, Phase.generate])


@st.composite
def records(draw, names=NAMES, texts=TEXTS, size=25):
    """Triples, and labels and descriptions of the entities in them."""
    triple = st.builds(Triple, names, names, names, WEIGHTS, st.just("") | texts)
    triples = draw(st.lists(triple, min_size=1, max_size=size))
    entity = st.sampled_from(sorted({name for item in triples for name in (item.head, item.tail)}))
    labels = draw(st.lists(st.builds(Label, entity, texts, st.booleans(), st.integers(0, 9)), max_size=size))
    descriptions = draw(st.lists(st.builds(Description, entity, texts), max_size=size // 2))
    return [*triples, *labels, *descriptions]


def said(items):
    """Return what a graph built from records without repeated triples says, restated."""
    items = list(one_by_one(items))
    triples = {item[:3]: (float(np.float32(item.weight)), item.source) for item in items if isinstance(item, Triple)}
    entities = sorted({name for head, _, tail in triples for name in (head, tail)})
    labels = {name: name.replace("_", " ") for name in entities}
    for item in reversed(items):
        if isinstance(item, Label) and item.preferred and item.text and item.entity in labels:
            labels[item.entity] = item.text
    forms = {(item.text, item.entity) for item in items if isinstance(item, Label) and item.text}
    descriptions = {item.entity: item.text for item in reversed(items) if isinstance(item, Description) and item.text}
    return {
        "triples": triples,
        "labels": labels,
        "forms": {form for form in forms if form[1] in labels} | {(text, name) for name, text in labels.items()},
        "descriptions": {name: text for name, text in descriptions.items() if name in labels},
    }


def content(graph):
    """Return what a graph says: triples with weights and sources, labels, all surface forms, descriptions."""
    bearers = np.repeat(np.arange(len(graph.surfaces)), np.diff(graph.surface_indptr))
    forms = zip(graph.surfaces.take(bearers), graph.entities.take(graph.surface_entities), strict=True)
    descriptions = zip(graph.entities, graph.descriptions, strict=True)
    return {
        "triples": {triple[:3]: triple[3:] for triple in graph.triples()},
        "labels": dict(zip(graph.entities, graph.labels, strict=True)),
        "forms": set(forms),
        "descriptions": {name: text for name, text in descriptions if text},
    }
