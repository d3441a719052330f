"""Multiple-choice questions made from the triples of a graph, without any labelled data."""
