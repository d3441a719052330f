"""Reports on finished question-answering runs: tables, tests of significance, slices, plots, worst mistakes."""
