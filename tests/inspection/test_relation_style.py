from matplotlib.colors import to_rgb

from kglm.inspection.relation_style import COLOURS, DARK_COLOURS, DASHES, REST_COLOUR, relation_styles

NAMES = [f"R{number}" for number in range(30)]


def luminance(colour):
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(first, second):
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_looks_are_told_apart_until_none_is_left():
    styles = relation_styles(NAMES)
    own = [style for style in styles.values() if style.own]
    assert len(set(own)) == len(own) == len(COLOURS) * len(DASHES)
    assert styles["R29"].colour == REST_COLOUR


def test_the_most_frequent_are_unbroken_lines_of_their_own_colour():
    first = list(relation_styles(NAMES).values())[: len(COLOURS)]
    assert [style.colour for style in first] == list(COLOURS)
    assert all(style.dash == () for style in first)


def test_lines_stand_out_on_light_and_dark_ground():
    assert min(contrast(colour, "#ffffff") for colour in COLOURS) >= 2.5
    assert min(contrast(colour, "#15181c") for colour in DARK_COLOURS) >= 4.5
    assert len(DARK_COLOURS) == len(COLOURS)
