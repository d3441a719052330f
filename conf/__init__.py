"""Hydra configuration groups; shipped in the wheel as ``kglm.conf``."""
