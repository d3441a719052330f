"""Evaluation of entity linkers: gold sets, scores the GERBIL way, calibration."""
