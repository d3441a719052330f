"""Entity vectors: tables, and where they come from."""

from kglm.embeddings.entity_table import EntityTable

__all__ = ["EntityTable"]
