"""Graphs described or authored by kglm; shipped in the wheel as ``kglm.graphs``."""
