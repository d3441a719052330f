"""Measure how much of a question-answering set a graph grounds and connects: the same as ``kglm graph coverage``."""

import sys

from kglm.cli.main import main

if __name__ == "__main__":
    main(["graph", "coverage", *sys.argv[1:]])
