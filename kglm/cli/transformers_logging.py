"""The log lines and bars of transformers, kept out of the user's way."""

from __future__ import annotations

from transformers.utils import logging


def quiet_transformers() -> None:
    """Show only its errors, through the root logger, and none of its loading bars."""
    logging.disable_default_handler()
    logging.enable_propagation()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
