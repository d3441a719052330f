"""Pretrained text encoders by name, and what they make of texts."""

from kglm.encoders.device import default_device
from kglm.encoders.pretrained import check_max_length, load_encoder, resolve_encoder
from kglm.encoders.text_encoder import SpanVectors, TextEncoder

__all__ = ["SpanVectors", "TextEncoder", "check_max_length", "default_device", "load_encoder", "resolve_encoder"]
