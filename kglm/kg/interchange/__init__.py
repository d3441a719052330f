"""To and from other programs: networkx, rdflib, and files in their formats."""

from kglm.kg.interchange.export import export_graph
from kglm.kg.interchange.networkx import from_networkx, to_networkx
from kglm.kg.interchange.rdflib import from_rdflib, to_rdflib

__all__ = ["export_graph", "from_networkx", "from_rdflib", "to_networkx", "to_rdflib"]
