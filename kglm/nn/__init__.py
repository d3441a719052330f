"""Tensors only: batches of schema graphs, graph convolution, path encoder, attention, KagNet."""
