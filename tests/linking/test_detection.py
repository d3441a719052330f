from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.errors import ConfigError, UnknownNameError
from kglm.kg import Label, Triple
from kglm.linking.detection import DetectorOptions, MentionDetector
from kglm.linking.inflection import base_forms
from kglm.linking.matching import FROM_BASE, GAP, INFLECTED, LOOSE
from kglm.linking.normalization import PARTICLES, STOP_WORDS
from kglm.linking.tokenization import JOINED, SHOUTED, folded_word, tokenize_many

RECORDS = [
    Triple("dog", "IsA", "animal"),
    Triple("hot_dog", "IsA", "food"),
    Triple("hot_dog_stand", "AtLocation", "city"),
    Triple("school_of_law", "PartOf", "university"),
    Triple("pick_up", "IsA", "act"),
    Triple("glasses", "UsedFor", "see"),
    Triple("running_shoes", "UsedFor", "run"),
    Triple("leaf", "PartOf", "tree"),
    Triple("leave", "IsA", "act"),
    Triple("up", "RelatedTo", "sky"),
    Triple("to_be", "IsA", "act"),
    Label("university", "The Who"),
    Label("city", "US"),
    Label("city", "U.S. city"),
    Label("food", "McDonald's"),
    Label("food", "café"),
    Label("animal", "The Beatles"),
    Label("animal", "St. Louis"),
    Label("animal", "e-mail"),
    Label("act", "🐶"),
    Label("act", "C++"),
]


@pytest.fixture(scope="module")
def graph(graph_of):
    return graph_of(*RECORDS)


@pytest.fixture(scope="module")
def detectors(graph):
    return {mode: MentionDetector(graph, DetectorOptions(mode=mode)) for mode in ("longest", "overlapping")}


def found(detector, text):
    (spans,) = detector.detect([text])
    return [(text[span.start : span.end], *(s.text for s in span.surfaces)) for span in spans]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hot dog stands", [("hot dog stands", "hot dog stand")]),
        ("falling leaves", [("leaves", "leaf", "leave")]),
        ("a glass", [("glass", "glasses")]),
        ("a running shoe", [("running shoe", "running shoes")]),
        ("I saw The Who", [("saw", "see"), ("The Who", "The Who")]),
        ("the who of it; he is a dog", [("dog", "dog")]),
        ("the US and us", [("US", "US")]),
        ("the U.S. says", [("U.S.", "US")]),
        ("a US city", [("US city", "U.S. city")]),
        ("McDonald's food", [("McDonald's", "McDonald's"), ("food", "food")]),
        ("a dog's food", [("dog", "dog"), ("food", "food")]),
        ("Cafe\u0301, CAFÉ, cafe, cafés", [(word, "café") for word in ("Cafe\u0301", "CAFÉ", "cafe", "cafés")]),
        ("The Beatles", [("The Beatles", "The Beatles")]),
        ("the Beatles", [("Beatles", "The Beatles")]),
        ("St. Louis or St Louis", [("St. Louis", "St. Louis"), ("St Louis", "St. Louis")]),
        ("hot. Dog", [("Dog", "dog")]),
        ("two emails, an E-Mail", [("emails", "e-mail"), ("E-Mail", "e-mail")]),
        ("a🐶dog", [("🐶", "🐶"), ("dog", "dog")]),
        ("C++ and C", [("C++", "C++")]),
        ("İ dog \u202edog\u202c", [("dog", "dog"), ("dog", "dog")]),
        ("to be", [("to be", "to be")]),
        ("look up", []),
        ("up", [("up", "up")]),
    ],
)  # fmt: skip
def test_mentions_of_a_text(detectors, text, expected):
    assert found(detectors["longest"], text) == expected


def test_all_overlaps(detectors):
    assert found(detectors["overlapping"], "the hot dog stand") == [
        ("hot dog", "hot dog"),
        ("hot dog stand", "hot dog stand"),
        ("dog", "dog"),
    ]


def test_how_a_form_is_spelt(detectors, graph):
    def spelling(text, options=None):
        detector = MentionDetector(graph, options) if options else detectors["longest"]
        ((span,),) = detector.detect([text])
        return span.surfaces[0].text, span.surfaces[0].spelling

    assert spelling("Hot-dog") == ("hot dog", 0)
    assert spelling("hot dogs") == ("hot dog", INFLECTED)
    assert spelling("glass") == ("glasses", FROM_BASE)
    assert spelling("law school of schools, school law") == ("school of law", LOOSE)
    gap = DetectorOptions(max_gap=2)
    assert spelling("pick the big ball up", gap) == ("pick up", GAP)
    assert found(detectors["longest"], "pick the big ball up") == []
    assert found(MentionDetector(graph, DetectorOptions(max_gap=1)), "pick the big ball up") == []
    assert found(MentionDetector(graph, DetectorOptions(loose_stop_words=False)), "school law") == []


def test_meanings_come_with_their_counts(graph):
    detector = MentionDetector(graph)
    dog, act = graph.entity_id("dog"), graph.entity_id("act")
    detector.add("dog", act, count=7)
    ((span,),) = detector.detect(["dogs"])
    number = graph.surfaces.find("dog")
    counted = int(graph.surface_counts[graph.surface_indptr[number]])
    assert span.surfaces[0].entities.tolist() == [dog, act]
    assert span.surfaces[0].counts.tolist() == [counted, 7]


def test_what_is_added_is_found_in_all_its_forms(graph):
    detector = MentionDetector(graph)
    texts = ["two blue wugs run", "the Wug of blue"]
    before = [found(detector, text) for text in texts]
    assert before == [[("run", "run")], []]
    for _ in range(2):
        detector.add("blue wug", graph.entity_id("animal"))
    assert found(detector, texts[0]) == [("blue wugs", "blue wug"), ("run", "run")]
    ((span, _),) = detector.detect(texts[:1])
    assert span.surfaces[0].counts.tolist() == [2]


@pytest.mark.parametrize("surface", ["", "?!", "one two three four five six seven"])
def test_what_could_never_be_found_is_refused(graph, surface):
    with pytest.raises(ValueError, match="words that count, expected 1 to 6"):
        MentionDetector(graph).add(surface, 0)


def test_an_entity_must_be_in_the_graph(graph):
    with pytest.raises(ValueError, match=f"entity {graph.num_entities} is unknown"):
        MentionDetector(graph).add("wug", graph.num_entities)


def test_options_are_validated():
    with pytest.raises(UnknownNameError, match="unknown detector mode 'longst'"):
        DetectorOptions(mode="longst")
    with pytest.raises(ConfigError, match="max_words is 33, expected 1 to 32"):
        DetectorOptions(max_words=33)
    with pytest.raises(ConfigError, match="max_gap is 4, expected 0 to 3"):
        DetectorOptions(max_gap=4)
    assert DetectorOptions(max_gap=1).cache_key() != DetectorOptions().cache_key()


PLAIN = ["dog", "hot_dog", "hot_dog_stand", "school_of_law", "running_shoes", "see", "city", "tree", "run", "sky"]
pieces = st.sampled_from(
    """hot dog Dogs stand stands school schools of the law running shoes shoe run see saw seen city Cities tree , .
    and
    """.split()
)


@given(st.lists(pieces, max_size=12).map(" ".join))
def test_mentions_are_the_leftmost_longest_phrases_of_forms(graph_of, text):
    detector = plain_detector(graph_of)
    forms = {}
    for surface in detector.graph.surfaces:
        words = [word for word in surface.split() if word not in STOP_WORDS]
        for path in (words, [next(iter(base_forms(word)), word) for word in words]):
            forms.setdefault(tuple(path), set()).add(surface)
        if len(words) == 1:
            for base in base_forms(words[0]):
                forms.setdefault((base,), set()).add(surface)
    tokens = content_tokens(text)
    at, expected = 0, []
    while at < len(tokens):
        for stop in range(len(tokens), at, -1):
            phrase = tokens[at:stop]
            spelt = [(word, *base_forms(word)) if word not in STOP_WORDS else (word,) for word, *_ in phrase]
            fits = any(
                len(form) == len(phrase) and all(a in b for a, b in zip(form, spelt, strict=True)) for form in forms
            )
            if fits and len({segment for *_, segment in phrase}) == 1:
                expected.append((phrase[0][1], phrase[-1][2]))
                at = stop
                break
        else:
            at += 1
    (spans,) = detector.detect([text])
    assert [(span.start, span.end) for span in spans] == expected


_PLAIN = {}


def plain_detector(graph_of):
    if "detector" not in _PLAIN:
        _PLAIN["detector"] = MentionDetector(graph_of(*(Triple(name, "IsA", "zzz") for name in PLAIN)))
    return _PLAIN["detector"]


def content_tokens(text):
    points, _, raw = tokenize_many([text])
    rows = zip(raw.starts, raw.bare_ends, raw.segments, raw.flags, strict=True)
    words = [(folded_word(points, start, end), start, end, segment, flag) for start, end, segment, flag in rows]
    assert not any(flag & (JOINED | SHOUTED) for *_, flag in words)
    assert not PARTICLES & {word for word, *_ in words}
    return [row[:4] for row in words if row[0] not in STOP_WORDS]


wild = st.lists(
    st.one_of(
        st.text(st.characters(codec=None), max_size=6),
        st.sampled_from(["hot", "dog", " ", "-", ".", "'s", "The", "Who", "US", "café"]),
        st.sampled_from(["🐶", "\u202e", "\u0301", "İ", "\x00"]),
    ),
    max_size=14,
).map("".join)  # fmt: skip


@given(st.lists(wild, max_size=4))
def test_whatever_the_text_offsets_are_exact_and_texts_are_apart(detectors, texts):
    for mode, detector in detectors.items():
        arrays = detector.detect_arrays(texts)
        assert len(arrays.offsets) == len(texts) + 1
        assert arrays.surface_offsets[-1] == len(arrays.surfaces) == len(arrays.spellings)
        assert (np.diff(arrays.surface_offsets) > 0).all()
        spans = detector.detect(texts)
        assert spans == [detector.detect([text])[0] for text in texts]
        for text, some in zip(texts, spans, strict=True):
            for span in some:
                assert 0 <= span.start < span.end <= len(text)
                assert text[span.start].isprintable()
            if mode == "longest":
                assert all(a.end <= b.start for a, b in pairwise(some))


def test_a_long_text_is_read_whole(detectors):
    text = "hot dog, " * 120_000
    for mode, each in (("longest", 1), ("overlapping", 2)):
        arrays = detectors[mode].detect_arrays([text])
        assert len(arrays.starts) == each * 120_000
    assert text[arrays.starts[-1] : arrays.ends[-1]] == "dog"
    assert found(detectors["longest"], "x" * 1_000_000) == []
    assert found(detectors["longest"], "the " * 250_000 + "dog") == [("dog", "dog")]


def test_many_texts_are_read_in_blocks(detectors, monkeypatch):
    texts = ["a hot dog", "", "nothing", "dogs in the city", "x"] * 5
    whole = detectors["overlapping"].detect_arrays(texts)
    monkeypatch.setattr("kglm.linking.detection._BLOCK", 12)
    for name, array in detectors["overlapping"].detect_arrays(texts)._asdict().items():
        assert array.tolist() == getattr(whole, name).tolist(), name


def test_words_of_texts_are_forgotten_in_time(graph, monkeypatch):
    monkeypatch.setattr("kglm.linking.detection._MOST_LEARNED", 50)
    detector = MentionDetector(graph)
    known = len(detector._words)
    for start in range(0, 1000, 100):
        text = " ".join(f"w{i} dogs" for i in range(start, start + 100))
        assert len(detector.detect([text])[0]) == 100
    assert len(detector._words) < known + 250
