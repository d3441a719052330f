"""To and from other programs: networkx, rdflib, and files in their formats."""

from kglm.kg.interchange.export import export_graph
from kglm.kg.interchange.networkx import from_networkx, to_networkx

__all__ = ["export_graph", "from_networkx", "to_networkx"]
