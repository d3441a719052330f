"""How a triple is asked: one of its ends is named, the other one is the answer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from kglm.errors import DataError
from kglm.kg.readers.lines import read_lines
from kglm.kg.tally import Tally
from kglm.kg.verbalization import verbalize_triple

ENDS = ("tail", "head")
COLUMNS = ("relation", "asked", "question")


@dataclass(frozen=True)
class QuestionTemplates:
    """Forms of questions by relation and the end that is asked for.

    A relation that has none is asked by its clause (:func:`kglm.kg.verbalization.verbalize_triple`), with "what" in
    the place of the answer: "Trowel is used for what?".

    Attributes:
        forms: by relation, in lower case, and end (``tail`` or ``head``); a form has the other end in braces.
    """

    forms: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def read(cls, path: Path | str) -> QuestionTemplates:
        """Read a table, tab-separated, of ``relation``, ``asked`` and ``question``; a relation may have several rows.

        Raises:
            DataError: the file is missing, or a line is malformed; says where and what was expected.
        """
        tally = Tally(limit=0)
        forms: dict[tuple[str, str], list[str]] = {}
        for line in read_lines(path, tally, "table of question templates"):
            cells = line.rstrip("\n").split("\t")
            if not line.strip() or line.startswith("#") or tuple(cells) == COLUMNS:
                continue
            if len(cells) != len(COLUMNS):
                raise DataError.at(path, tally.line, f"{len(cells)} columns, expected {', '.join(COLUMNS)}")
            relation, asked, question = (cell.strip() for cell in cells)
            _check(path, tally.line, relation, asked, question)
            forms.setdefault((relation.casefold(), asked), []).append(question)
        if not forms:
            raise DataError(f"'{path}' holds no template; expected a table with the columns {', '.join(COLUMNS)}")
        return cls({key: tuple(questions) for key, questions in forms.items()})

    def ask(self, relation: str, asked: str, known: str, draw: int = 0) -> str:
        """Return the question for one end of a triple.

        Args:
            relation: its name; matched without regard to case.
            asked: the end that is the answer, ``tail`` or ``head``.
            known: the other end's label.
            draw: any whole number; chooses among the forms that the relation has.
        """
        forms = self.forms.get((relation.casefold(), asked))
        if forms:
            return forms[draw % len(forms)].replace("{head}" if asked == "tail" else "{tail}", known)
        ends = {"head": known, "tail": known, asked: "what"}
        clause = verbalize_triple(ends["head"], relation, ends["tail"])
        return f"{clause[:1].upper()}{clause[1:]}?"

    @property
    def digest(self) -> str:
        """SHA-256 over all forms."""
        return hashlib.sha256(repr(sorted(self.forms.items())).encode()).hexdigest()


def _check(path: Path | str, line: int, relation: str, asked: str, question: str) -> None:
    if not relation:
        raise DataError.at(path, line, "the relation is empty")
    if asked not in ENDS:
        raise DataError.at(path, line, f"asked is '{asked}', expected {' or '.join(ENDS)}")
    other = "head" if asked == "tail" else "tail"
    if f"{{{other}}}" not in question or f"{{{asked}}}" in question:
        raise DataError.at(
            path, line, f"the question '{question}' asks for the {asked}: it needs {{{other}}}, not {{{asked}}}"
        )
