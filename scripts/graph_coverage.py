"""Measure how much of a question-answering set a graph can ground and connect: the same as ``kglm graph coverage``."""

import sys

from kglm.cli.main import main

if __name__ == "__main__":
    main(["graph", "coverage", *sys.argv[1:]])
