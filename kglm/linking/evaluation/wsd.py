"""Word sense disambiguation by the protocol of Raganato et al. (EACL 2017).

Each instance comes with its lemma and part of speech; what it may mean are the senses that WordNet gives for them. An
answer is right if it is one of the instance's keys. Where all instances are answered, F1 is accuracy; an instance
whose lemma the graph does not have stays unanswered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from kglm.linking.entity_linker import EntityLinker
from kglm.linking.evaluation.calibration import Reliability, reliability
from kglm.linking.evaluation.metrics import Scores
from kglm.linking.evaluation.sense_tagged import TaggedSentence
from kglm.linking.training.examples import SenseExample, sense_examples

PARTS = {"n": "nouns", "v": "verbs", "a": "adjectives", "r": "adverbs"}


@dataclass(frozen=True)
class WsdReport:
    """How well senses are told.

    Attributes:
        scores: of all instances.
        first_sense: of WordNet's first sense, on the same instances.
        by_part: of each part of speech that occurs, by its letter.
        reliability: of the probabilities of the answers, over the instances with more than one candidate.
        instances: to be answered.
        answers: ``(instance, entity name, probability, right)`` in order.
    """

    scores: Scores
    first_sense: Scores
    by_part: dict[str, Scores]
    reliability: Reliability
    instances: int
    answers: list[tuple[str, str, float, bool]] = field(repr=False, default_factory=list)

    def metrics(self) -> dict[str, float]:
        """Return the figures by name."""
        parts = {f"f1_{PARTS[part]}": scores.f1 for part, scores in self.by_part.items()}
        return {
            "f1": self.scores.f1,
            "precision": self.scores.precision,
            "recall": self.scores.recall,
            "first_sense_f1": self.first_sense.f1,
            "ece": self.reliability.error,
            "instances": float(self.instances),
            **parts,
        }


def evaluate_wsd(linker: EntityLinker, sentences: Sequence[TaggedSentence], *, counted: bool = False) -> WsdReport:
    """Return how well a linker tells the senses of tagged words.

    Args:
        linker: over a WordNet with sense names.
        sentences: with the right answers; words whose key is of another WordNet are left out.
        counted: whether the graph's sense counts were made on these very documents, whose own share is taken out.
    """
    examples = sense_examples(linker.graph, sentences, counted=counted)
    wanted = [word.pos for sentence in sentences for word in sentence.words if word.synsets]
    return judge(linker, examples, wanted)


def judge(linker: EntityLinker, examples: Sequence[SenseExample], wanted: Sequence[str] | None = None) -> WsdReport:
    """Return how well a linker tells the senses of mentions.

    Args:
        linker: over the graph that the examples were made for.
        examples: sentences with their mentions; those whose key is of another WordNet are left out.
        wanted: the part of speech of every instance that ought to be answered; None for those of the examples.
    """
    mentions = [one for example in examples for one in example.mentions if one.word.synsets]
    kept = [[one for one in example.mentions if one.word.synsets] for example in examples]
    found = linker.disambiguate(
        [example.text for example in examples],
        [[(one.start, one.end) for one in row] for row in kept],
        [[one.candidates for one in row] for row in kept],
        [[one.counts for one in row] for row in kept],
    )
    best = [mention.candidates[0] for row in found for mention in row]
    names = [linker.catalog.name(candidate.entity) for candidate in best]
    right = np.array([name in one.word.synsets for name, one in zip(names, mentions, strict=True)], dtype=bool)
    first = np.array([one.right[0] for one in mentions], dtype=bool)
    confidence = np.array([candidate.probability for candidate in best])
    ambiguous = np.array([len(one.candidates) > 1 for one in mentions], dtype=bool)
    parts = np.array([one.word.pos for one in mentions])
    wanted = [one.word.pos for one in mentions] if wanted is None else wanted
    return WsdReport(
        scores=Scores.from_counts(int(right.sum()), len(right), len(wanted)),
        first_sense=Scores.from_counts(int(first.sum()), len(first), len(wanted)),
        by_part={
            part: Scores.from_counts(
                int(right[parts == part].sum()), int((parts == part).sum()), list(wanted).count(part)
            )
            for part in PARTS
            if part in wanted
        },
        reliability=reliability(confidence[ambiguous], right[ambiguous]),
        instances=len(wanted),
        answers=[
            (one.word.id, name, float(p), bool(good))
            for one, name, p, good in zip(mentions, names, confidence, right, strict=True)
        ],
    )


def find_senses(linker: EntityLinker, sentences: Sequence[TaggedSentence]) -> Scores:
    """Return how well a linker finds tagged words and tells their senses, given the sentences alone.

    A mention is right where a tagged word has the same span and the likeliest entity is one of its synsets. Precision
    is low where the sentences have words that nobody tagged.
    """
    right = found = wanted = 0
    for sentence, mentions in zip(sentences, linker([one.text for one in sentences]), strict=True):
        gold = {(word.start, word.end): word.synsets for word in sentence.words if word.synsets}
        wanted += len(gold)
        for mention in mentions:
            if mention.entity is not None:
                found += 1
                synsets = gold.get((mention.start, mention.end), ())
                right += linker.catalog.name(mention.entity) in synsets
    return Scores.from_counts(right, found, wanted)


def describe(report: WsdReport, name: str) -> str:
    """Return two lines that tell a report."""
    parts = ", ".join(f"{PARTS[part]} {100 * scores.f1:.1f}" for part, scores in report.by_part.items())
    return (
        f"{name}: F1 {100 * report.scores.f1:.1f} over {report.instances} instances ({parts})\n"
        f"  first sense {100 * report.first_sense.f1:.1f}; expected calibration error "
        f"{100 * report.reliability.error:.1f} points"
    )
