"""Documents for tests of pretraining data."""

from kglm.data.linked_text import LinkedText, certain_mention
from kglm.data.pretraining.document import Document


def document(name, *sentences):
    """Sentences given as texts in which ``[x]`` is a mention of the entity ``len(x)``."""
    linked = []
    for sentence in sentences:
        text, mentions = "", []
        for number, part in enumerate(sentence.replace("]", "[").split("[")):
            if number % 2:
                mentions.append((len(text), len(text) + len(part), len(part)))
            text += part
        linked.append(LinkedText(text, tuple(certain_mention(text, *mention) for mention in mentions)))
    return Document(name, tuple(linked))
