"""Search in a compiled graph, in bulk: neighbours, neighbourhoods, PageRank, cheapest paths, walks, components.

Every function takes a graph, entities by id or by name, and keyword options that are checked; many queries are
answered in one call, as arrays and offsets. The first call of a function on a machine compiles it, which takes
some seconds; later processes load what was compiled.
"""

from kglm.kg.search.components import Components, connected_components
from kglm.kg.search.degrees import Degrees, GraphStatistics, Histogram, degree_histogram, degrees, graph_statistics
from kglm.kg.search.neighborhood import Neighborhoods, extract_neighborhoods
from kglm.kg.search.neighbors import Neighbors, find_neighbors
from kglm.kg.search.pagerank import Rankings, exact_pagerank, personalized_pagerank
from kglm.kg.search.shortest_path import Path, ShortestPaths, shortest_paths
from kglm.kg.search.walk_text import verbalize_walks, walk_texts
from kglm.kg.search.walks import RandomWalks, random_walks

__all__ = [
    "Components",
    "Degrees",
    "GraphStatistics",
    "Histogram",
    "Neighborhoods",
    "Neighbors",
    "Path",
    "RandomWalks",
    "Rankings",
    "ShortestPaths",
    "connected_components",
    "degree_histogram",
    "degrees",
    "exact_pagerank",
    "extract_neighborhoods",
    "find_neighbors",
    "graph_statistics",
    "personalized_pagerank",
    "random_walks",
    "shortest_paths",
    "verbalize_walks",
    "walk_texts",
]
