"""How fast triples are ranked: by matrix products and filtered, against PyG's own ``test``, on the same vectors.

python scripts/benchmark/kge_ranking.py [--entities 14541] [--relations 237] [--dim 200] [--triples 1024]

The last line is JSON: for each model ``ours_per_s`` (triples, both sides, filtered), ``pyg_per_s`` (triples, tails
alone, unfiltered; counted half a triple each) and their ratio.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
import torch

from kglm.embeddings.queries import TripleQueries
from kglm.embeddings.ranking import rank_triples
from kglm.embeddings.scorer_config import MODELS, ScorerConfig
from kglm.embeddings.scorers import build_scorer

PYG_TRIPLES = 16  # enough to time it


def main() -> None:
    """Time both, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("entities", 14_541), ("relations", 237), ("dim", 200), ("triples", 1024)):
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    n, r = arguments.entities, arguments.relations
    triples = np.random.default_rng(0).integers(0, [n, r, n], (20 * arguments.triples, 3))
    known = TripleQueries.of(triples, n, r)
    results = {}
    for model in MODELS:
        scorer = build_scorer(n, r, ScorerConfig(model=model, dim=arguments.dim))
        start = time.perf_counter()
        rank_triples(scorer, triples[: arguments.triples], known)
        ours = arguments.triples / (time.perf_counter() - start)
        heads, relations, tails = torch.from_numpy(triples[:PYG_TRIPLES]).T
        start = time.perf_counter()
        scorer.test(heads, relations, tails, batch_size=n, log=False)
        theirs = PYG_TRIPLES / 2 / (time.perf_counter() - start)
        results[model] = {
            "ours_per_s": round(ours, 1),
            "pyg_per_s": round(theirs, 1),
            "ratio": round(ours / theirs, 1),
        }
        print(model, results[model])
    print(json.dumps(results))


if __name__ == "__main__":
    main()
