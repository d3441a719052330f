"""Pretraining data: linked documents, tokens on disk, packing, masking of tokens, noise on entities."""
