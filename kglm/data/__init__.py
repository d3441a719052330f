"""Tasks, featurisation and collation."""
