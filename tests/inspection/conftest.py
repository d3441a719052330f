import pytest

from kglm.inference.answer import Answer, ChoiceScore, EvidencePath


def draw_line(entities, hops):
    line = entities[0]
    for entity, hop in zip(entities[1:], hops, strict=True):
        forward = "/".join(name for name in hop if name[0] != "^")
        line += f" —{forward}→ {entity}" if forward else f" ←{'/'.join(name[1:] for name in hop)}— {entity}"
    return line


@pytest.fixture(scope="session")
def path_of():
    """A function that makes a path from ``"A", 0.4, "dig", "^UsedFor", "trowel"``; ``/`` parts a hop's relations."""

    def make(choice, attention, *steps):
        hops = tuple(tuple(step.split("/")) for step in steps[1::2])
        entities = tuple(name.replace(" ", "_") for name in steps[::2])
        return EvidencePath(choice, entities, steps[::2], hops, attention, draw_line(steps[::2], hops), "")

    return make


@pytest.fixture(scope="session")
def answer_of():
    """A function that makes an answer from its choices' texts and its paths."""

    def make(texts, paths=(), *, predicted=0, question="What do I dig with?", notes=()):
        rest = 0.4 / max(1, len(texts) - 1)
        choices = tuple(
            ChoiceScore("ABCDEFGHIJ"[i], text, 0.0, 0.6 if i == predicted else rest) for i, text in enumerate(texts)
        )
        paths = tuple(sorted(paths, key=lambda path: -path.attention))
        return Answer("q", question, choices, predicted, paths=paths, notes=tuple(notes))

    return make


@pytest.fixture(scope="session")
def digging(answer_of, path_of):
    """A question with paths of one to three hops, relations in both directions, and concepts in two columns."""
    return answer_of(
        ["trowel", "excavator", "spoon", "snow shovel", "pillow"],
        [
            path_of("A", 0.41, "plant flowers", "HasPrerequisite/HasSubevent", "dig", "^UsedFor", "trowel"),
            path_of("A", 0.22, "dig", "^UsedFor", "trowel"),
            path_of("A", 0.12, "garden", "UsedFor", "gardening", "^UsedFor", "trowel"),
            path_of("A", 0.08, "plant flowers", "MannerOf", "gardening", "^UsedFor", "trowel"),
            path_of("A", 0.05, "garden", "^AtLocation", "bed", "UsedFor", "plant flowers", "^UsedFor", "trowel"),
            path_of("A", 0.03, "garden", "^AtLocation", "garden shed", "^AtLocation", "trowel"),
            path_of("B", 0.50, "dig", "^CapableOf/^UsedFor", "excavator"),
            path_of(
                "B", 0.30, "dig", "HasSubevent", "build house", "PartOf", "construction", "^AtLocation", "excavator"
            ),
            path_of("C", 0.40, "dig", "UsedFor/^RelatedTo", "hole", "^RelatedTo", "spoon"),
            path_of("D", 0.60, "dig", "^UsedFor", "shovel", "^IsA", "snow shovel"),
            path_of("D", 0.20, "rain", "RelatedTo/^RelatedTo", "snow", "^UsedFor", "snow shovel"),
        ],
        question="I was digging in the garden to plant flowers. What was I most likely digging with?",
    )


@pytest.fixture(scope="session")
def crowded(answer_of, path_of):
    """Ten choices, five paths each, that share steps."""
    steps = ["bed", "shelf", "water", "sun", "a rather long concept of several words"]
    return answer_of(
        [f"choice {i}" for i in range(10)],
        [
            path_of(
                "ABCDEFGHIJ"[i],
                0.3 / (j + 1),
                f"question {(i + j) % 4}",
                *[part for hop in range(j % 3) for part in ("IsA/^PartOf", steps[(i + j + 2 * hop) % 5])],
                "^HasPrerequisite",
                f"end {i}",
            )
            for i in range(10)
            for j in range(5)
        ],
        predicted=3,
    )


@pytest.fixture(scope="session")
def long_labels(answer_of, path_of):
    """Labels and relations of many words or none, non-ASCII, with signs that mean something elsewhere."""
    word = "Donaudampfschifffahrtsgesellschaftskapitänsmützenständer"
    return answer_of(
        [word * 3, "$x^2$ & <b>1 < 2</b>"],
        [
            path_of("A", 0.5, "Überquerung des Sees bei Nacht und Nebel im Winter " * 4, f"has{word}", word),
            path_of("A", 0.3, "Überquerung", "a/b/^c/d/^e", "$kost_en$", "^$Used_For$", word),
            path_of("B", 0.3, "Zürich\x00\n", "=", "<Škoda> & 'čaj'"),
        ],
        question="Während der langen Überquerung, " * 40,
        notes=("the question is longer than 128 tokens; what lies beyond was not read.",),
    )


@pytest.fixture(scope="session")
def answers(digging, crowded, long_labels, answer_of, path_of):
    """All of these and the smallest ones, by name."""
    return {
        "digging": digging,
        "crowded": crowded,
        "long labels": long_labels,
        "one path": answer_of(["scissors", "glue"], [path_of("A", 0.9, "cut", "^UsedFor", "scissors")]),
        "no path": answer_of(["green", "blue"], notes=["the answer comes from the text alone."]),
        "no own path": answer_of(["sheep", "cat"], [path_of("B", 0.9, "dog", "^NotDesires", "cat")]),
        "no attention": answer_of(["sheep", "cat"], [path_of("A", 0.0, "dog", "RelatedTo", "sheep")]),
    }
