"""Train an experiment: the same as ``kglm train``."""

import sys

from kglm.cli.main import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
