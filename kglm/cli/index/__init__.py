"""``kglm index``: make texts, entities and triples findable, and search them."""
