"""Retrieval over entities, verbalised triples and texts: vectors in faiss, words by BM25, and both together."""

from kglm.retrieval.fusion import Ranking, fuse
from kglm.retrieval.graph_texts import graph_documents
from kglm.retrieval.hits import Hit, SearchResult
from kglm.retrieval.metrics import retrieval_metrics
from kglm.retrieval.presets import IndexPlan, plan_index
from kglm.retrieval.text_files import read_documents
from kglm.retrieval.text_index import TextIndex
from kglm.retrieval.text_store import Document
from kglm.retrieval.vector_index import VectorIndex

__all__ = [
    "Document",
    "Hit",
    "IndexPlan",
    "Ranking",
    "SearchResult",
    "TextIndex",
    "VectorIndex",
    "fuse",
    "graph_documents",
    "plan_index",
    "read_documents",
    "retrieval_metrics",
]
