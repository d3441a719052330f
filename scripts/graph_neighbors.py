"""List the triples at an entity: the same as ``kglm graph neighbors``."""

import sys

from kglm.cli.main import main

if __name__ == "__main__":
    main(["graph", "neighbors", *sys.argv[1:]])
