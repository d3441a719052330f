"""What a frozen encoder says of a data set's texts: computed once, kept on disk, read row by row.

G question-choice pairs, U different sequences of tokens, D hidden.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm.auto import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from kglm.data.collator import EncodedQuestion
from kglm.encoders.digest import weights_digest
from kglm.encoders.text_encoder import BATCH_TOKENS, PROGRESS_FROM, batches_by_length
from kglm.files import atomic_directory, atomic_write_json
from kglm.nn.pooling import masked_mean
from kglm.nn.text_vectors import TextVectors

logger = logging.getLogger(__name__)

VERSION = 2
MANIFEST = "manifest.json"
ARRAYS = ("vectors", "question_rows", "choice_rows", "informed_rows", "statement_rows", "bare_rows")

UNREAD = frozenset({"_name_or_path", "architectures", "dtype", "transformers_version"})
"""Fields of an encoder's configuration that say where it comes from, not what it computes."""

Sequences = dict[tuple[tuple[int, ...], ...], int]
"""Different inputs of the encoder, ``(ids,)`` or ``(ids, token types)``, and the row of each."""


@dataclass(frozen=True)
class TextVectorTable:
    """Vectors of all texts of a data set; a text that stands in it often is stored once.

    Attributes:
        vectors: ``float32 [U, D]``, memory-mapped where it lies on disk.
        question_rows: ``int64 [G]``, row of each pair's question.
        choice_rows: ``int64 [G]``, row of each choice.
        informed_rows: ``int64 [G]``, row of each choice with its facts, without the question.
        statement_rows: ``int64 [G]``, row of each question and choice in one sequence, their facts included.
        bare_rows: ``int64 [G]``, the same without facts.
    """

    vectors: np.ndarray
    question_rows: np.ndarray
    choice_rows: np.ndarray
    informed_rows: np.ndarray
    statement_rows: np.ndarray
    bare_rows: np.ndarray

    def batch(self, first_pairs: Sequence[int], pairs: Sequence[int], bare: np.ndarray) -> TextVectors:
        """Return the vectors of a batch.

        Args:
            first_pairs: the first pair of each question.
            pairs: all pairs, question after question.
            bare: which of them are read without their facts.

        Shapes:
            first_pairs: ``[B]``; pairs: ``[G]``; bare: ``bool [G]``
        """
        statements = np.where(bare, self.bare_rows[pairs], self.statement_rows[pairs])
        informed = np.where(bare, self.choice_rows[pairs], self.informed_rows[pairs])
        rows = (self.question_rows[first_pairs], self.choice_rows[pairs], statements, informed)
        return TextVectors(*(torch.from_numpy(self.vectors[part]) for part in rows))


def text_vectors(
    questions: Sequence[EncodedQuestion],
    encoder: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    cache_dir: Path | str,
    *,
    device: torch.device | str = "cpu",
) -> TextVectorTable:
    """Return the vectors of all texts of ``questions``, made once for the encoder's weights and the texts' tokens.

    Args:
        questions: all questions of a data set, in order.
        encoder: reads without dropout, and in its own precision.
        tokenizer: the encoder's.
        cache_dir: where the vectors are kept and found again, memory-mapped.
        device: where the encoder runs; it stays there if it had to.
    """
    sequences, rows = _sequences(questions, "token_type_ids" in tokenizer.model_input_names)
    key = {"version": VERSION, "encoder": _encoder_digest(encoder), "sequences": _digest(sequences, rows)}
    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    folder = Path(cache_dir) / "text_vectors" / name
    if not (folder / MANIFEST).is_file():
        logger.info("reading %d texts of %d questions with the frozen encoder", len(sequences), len(questions))
        reader = encoder.to(device)  # type: ignore[arg-type]
        made = {"vectors": _encode(list(sequences), reader, tokenizer), **rows}
        with atomic_directory(folder) as temporary:
            for array in ARRAYS:
                np.save(temporary / f"{array}.npy", made[array])
            atomic_write_json(temporary / MANIFEST, key)
    return TextVectorTable(**{array: np.load(folder / f"{array}.npy", mmap_mode="r") for array in ARRAYS})


def _sequences(questions: Sequence[EncodedQuestion], types: bool) -> tuple[Sequences, dict[str, np.ndarray]]:
    """Return the different inputs of the encoder, and which of them each text is."""
    found: Sequences = {}
    rows: dict[str, list[int]] = {array: [] for array in ARRAYS if array != "vectors"}

    def add(array: str, *parts: list[int]) -> None:
        rows[array].append(found.setdefault(tuple(map(tuple, parts)), len(found)))

    for question in questions:
        for ids in question.choices:
            add("question_rows", question.question)
            add("choice_rows", ids)
        for ids in question.informed or question.choices:
            add("informed_rows", ids)
        whole = (question.statements, question.segments)
        for array, (statements, segments) in (("statement_rows", whole), ("bare_rows", question.bare or whole)):
            for ids, kinds in zip(statements, segments, strict=True):
                add(array, ids, *([kinds] if types else []))
    return found, {array: np.array(numbers, dtype=np.int64) for array, numbers in rows.items()}


def _encoder_digest(encoder: PreTrainedModel) -> str:
    """Return a digest of all that the vectors depend on, beside the tokens: weights, and what is made of them."""
    options = encoder.config.to_dict()
    architecture = {key: value for key, value in options.items() if key not in UNREAD and "dropout" not in key}
    text = json.dumps(architecture, sort_keys=True, default=str)
    return hashlib.sha256(f"{weights_digest(encoder)} {text}".encode()).hexdigest()


def _digest(sequences: Sequences, rows: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for parts in sequences:
        digest.update(repr(parts).encode())
    for array in rows.values():
        digest.update(array.tobytes())
    return digest.hexdigest()


@torch.inference_mode()
def _encode(
    sequences: Sequence[tuple[tuple[int, ...], ...]],
    encoder: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
) -> np.ndarray:
    """Return ``float32 [U, D]``, from batches of sequences of similar lengths, with and without token types apart."""
    vectors = np.empty((len(sequences), encoder.config.hidden_size), dtype=np.float32)
    was_training = encoder.training
    encoder.eval()
    silent = None if len(sequences) >= PROGRESS_FROM else True
    with tqdm(total=len(sequences), desc="encoding", unit="text", disable=silent) as progress:
        for names in (("input_ids",), ("input_ids", "token_type_ids")):
            members = [row for row, parts in enumerate(sequences) if len(parts) == len(names)]
            for batch in batches_by_length([len(sequences[row][0]) for row in members], BATCH_TOKENS):
                chosen = [members[position] for position in batch]
                fields = {name: [list(sequences[row][i]) for row in chosen] for i, name in enumerate(names)}
                padded = tokenizer.pad(fields, return_tensors="pt").to(encoder.device)
                hidden = encoder(**padded, return_dict=True)[0]
                vectors[chosen] = masked_mean(hidden, padded["attention_mask"]).cpu().numpy()
                progress.update(len(chosen))
    encoder.train(was_training)
    return vectors
