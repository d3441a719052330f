"""Pretrained text encoders by name, and what they make of texts."""

from kglm.encoders.pretrained import load_encoder, resolve_encoder
from kglm.encoders.text_encoder import SpanVectors, TextEncoder

__all__ = ["SpanVectors", "TextEncoder", "load_encoder", "resolve_encoder"]
