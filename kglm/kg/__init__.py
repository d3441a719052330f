"""The knowledge graph: store, builder, readers, path search, verbalisation."""

from kglm.kg.builder import build_graph
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.recipe import GraphRecipe
from kglm.kg.records import Label, Triple

__all__ = ["GraphRecipe", "KnowledgeGraph", "Label", "Triple", "build_graph"]
