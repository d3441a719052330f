"""Facts as text: what of graphs and corpora is read behind a choice, from where, and how it is ranked."""

from kglm.data.facts.fact import Fact
from kglm.data.facts.options import CorpusOptions, FactOptions

__all__ = ["CorpusOptions", "Fact", "FactOptions"]
