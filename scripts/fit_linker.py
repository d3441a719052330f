"""Fit the entity linker's weights on a gold set, mentions given, and print them.

python scripts/fit_linker.py --graph fb15k237 --gold oke-2015-train.jsonl --identifiers entity2wikidata.jsonl.gz
"""

import argparse
import json
from pathlib import Path

from kglm.kg.catalog import open_recipe
from kglm.linking import EntityLinker
from kglm.linking.entity_linker import ENCODER
from kglm.linking.evaluation.gold import read_gold
from kglm.linking.evaluation.identifiers import EntityIdentifiers
from kglm.linking.fitting import fit_weights
from kglm.linking.weights import DEFAULTS, PRIOR_WITH_NIL


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graph", default="fb15k237", help="recipe of the graph")
    parser.add_argument("--gold", type=Path, required=True, help="gold set, ELEVANT's JSON lines or NIF")
    parser.add_argument("--identifiers", type=Path, help="table of the entities' identifiers")
    parser.add_argument("--data-dir", type=Path, help="folder of the external data sets")
    parser.add_argument("--cache-dir", type=Path, default=Path("~/.cache/kglm").expanduser())
    parser.add_argument("--encoder", default=ENCODER, help="name or folder of the encoder")
    parser.add_argument("--l2", type=float, default=3.0)
    parser.add_argument("--prior", action="store_true", help="alias and prior alone")
    arguments = parser.parse_args()
    graph = open_recipe(arguments.graph, arguments.cache_dir, arguments.data_dir)
    linker = EntityLinker(graph, encoder=arguments.encoder)
    documents = read_gold(arguments.gold)
    identifiers = EntityIdentifiers.read(graph, arguments.identifiers)
    features = (PRIOR_WITH_NIL if arguments.prior else DEFAULTS[linker.kind]).scorer.features
    weights = fit_weights(
        linker,
        [document.text for document in documents],
        [[(one.start, one.end) for one in document.mentions] for document in documents],
        [identifiers.find(one.entity) for document in documents for one in document.mentions],
        features=features,
        l2=arguments.l2,
    )
    print(json.dumps(weights.to_dict(), indent=2))


if __name__ == "__main__":
    main()
