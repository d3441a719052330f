"""Command line; the only importer of hydra and omegaconf."""
