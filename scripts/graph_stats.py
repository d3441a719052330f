"""Tell how large and dense a graph is: the same as ``kglm graph stats``."""

import sys

from kglm.cli.main import main

if __name__ == "__main__":
    main(["graph", "stats", *sys.argv[1:]])
