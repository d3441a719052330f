"""``kglm graph``: build, look into, compare and export graphs."""
