"""A handful of synsets in both layouts of WordNet, in the exact formats; offsets and glosses are invented."""

# ruff: noqa: E501

from __future__ import annotations

import gzip
from pathlib import Path

LICENCE = """  1 This software and database is being provided to you, the LICENSEE, by
  2 Princeton University under the following license.  By obtaining, using
  3 and/or copying this software and database, you agree that you have
  4 read, understood, and will comply with these terms and conditions.:
"""

# The cat has ten words, so that their number is hexadecimal; `bank`, `sloping` and `Bank` share a spelling.
DATABASE = {
    "data.noun": r"""
00000300 05 n 02 animal 0 creature 0 002 ~ 00000400 n 0000 ~ 00000500 n 0000 | a living thing that moves; "animals play"
00000400 05 n 02 dog 0 domestic_dog 0 003 @ 00000300 n 0000 + 00000900 a 0101 ;c 00000600 n 0000 | it barks | or whines
00000500 05 n 0a cat 0 true_cat 0 Felis 0 puss 1 kitty 3 moggy 0 tabby 0 mouser 0 tom 2 tomcat a 001 @ 00000300 n 0000 | it purrs
00000600 09 n 01 zoology 0 002 -c 00000400 n 0000 -c 00001100 v 0000 | the study of animals
00000700 17 n 01 bank 0 001 ! 00000800 n 0101 | the side of a river
00000800 14 n 02 Bank 1 bank_building 0 001 ! 00000700 n 0101 | where money is kept
""",
    "data.adj": r"""
00000900 00 a 01 canine 0 003 + 00000400 n 0101 & 00001000 a 0000 ! 00000950 a 0101 | of dogs
00000950 00 a 01 afraid(p) 2 002 & 00000970 a 0000 ! 00000900 a 0101 | feeling fear
00000970 00 s 02 scared(p) 0 fearful 0 001 & 00000950 a 0000 | made to fear
00001000 00 s 01 doggish 0 001 & 00000900 a 0000 | like a dog
""",
    "data.verb": r"""
00001100 32 v 02 bark 0 give_tongue 0 003 $ 00001200 v 0000 * 00001200 v 0000 ;c 00000600 n 0000 02 + 02 00 + 08 01 | make the sound of a dog
00001200 32 v 01 sound 0 001 $ 00001100 v 0000 00 | make a sound
""",
    "data.adv": r"""
00001300 02 r 01 doggedly 0 001 \ 00000900 a 0101 | as a dog does
""",
    "index.noun": r"""
animal n 1 1 ~ 1 1 00000300
bank n 2 1 ! 2 1 00000800 00000700
bank_building n 1 1 ! 1 0 00000800
cat n 1 1 @ 1 1 00000500
creature n 1 0 1 0 00000300
dog n 1 3 @ + ;c 1 1 00000400
domestic_dog n 1 3 @ + ;c 1 0 00000400
felis n 1 1 @ 1 0 00000500
zoology n 1 1 - 1 0 00000600
""",
    "index.adj": """
afraid a 1 2 & ! 1 0 00000950
canine a 1 3 + & ! 1 0 00000900
scared a 1 1 & 1 1 00000970
""",
    "index.verb": """
bark v 1 3 $ * ;c 1 0 00001100
sound v 1 1 $ 1 0 00001200
""",
    "index.adv": """
doggedly r 1 1 \\ 1 0 00001300
""",
}  # fmt: skip
COUNTS = """animal%1:05:00:: 1 20
bank%1:14:01:: 1 7
bank%1:17:00:: 2 7
cat%1:05:00:: 1 18
dog%1:05:00:: 1 42
scared%5:00:00:afraid(p):02 1 5
unicorn%1:05:00:: 1 3
"""
SENSE_INDEX = """afraid%3:00:02:: 00000950 1 0
animal%1:05:00:: 00000300 1 20
bank%1:14:01:: 00000800 1 7
bank%1:17:00:: 00000700 2 7
bank_building%1:14:00:: 00000800 1 0
bark%2:32:00:: 00001100 1 0
canine%3:00:00:: 00000900 1 0
cat%1:05:00:: 00000500 1 18
creature%1:05:00:: 00000300 1 0
dog%1:05:00:: 00000400 1 42
doggedly%4:02:00:: 00001300 1 0
domestic_dog%1:05:00:: 00000400 1 0
felis%1:05:00:: 00000500 1 0
scared%5:00:00:afraid(p):02 00000970 1 5
sound%2:32:00:: 00001200 1 0
zoology%1:09:00:: 00000600 1 0
"""

TABLES = {
    "synsets.tsv": """synset|ss_type|lexfile|lemmas|sense_keys|gloss
n00000300|n|05|animal/creature|animal%1:05:00::/creature%1:05:00::|a living thing that moves; "animals play"
n00000400|n|05|dog/domestic_dog|dog%1:05:00::/domestic_dog%1:05:00::|it barks \\ or whines
n00000500|n|05|cat/true_cat/Felis/puss/kitty/moggy/tabby/mouser/tom/tomcat|cat%1:05:00::/true_cat%1:05:00::/felis%1:05:00::/puss%1:05:01::/kitty%1:05:03::/moggy%1:05:00::/tabby%1:05:00::/mouser%1:05:00::/tom%1:05:02::/tomcat%1:05:10::|it purrs
n00000600|n|09|zoology|zoology%1:09:00::|the study of animals
n00000700|n|17|bank|bank%1:17:00::|the side of a river
n00000800|n|14|Bank/bank_building|bank%1:14:01::/bank_building%1:14:00::|where money is kept
v00001100|v|32|bark/give_tongue|bark%2:32:00::/give_tongue%2:32:00::|make the sound of a dog
v00001200|v|32|sound|sound%2:32:00::|make a sound
a00000900|a|00|canine|canine%3:00:00::|of dogs
a00000950|a|00|afraid|afraid%3:00:02::|feeling fear
a00000970|s|00|scared/fearful|scared%5:00:00:afraid(p):02/fearful%5:00:00:afraid(p):02|made to fear
a00001000|s|00|doggish|doggish%5:00:00:canine:00|like a dog
r00001300|r|02|doggedly|doggedly%4:02:00::|as a dog does
""",
    "triples.tsv": """head|relation|tail|head_lemma|tail_lemma
n00000300|hyponym|n00000400||
n00000300|hyponym|n00000500||
n00000400|hypernym|n00000300||
n00000400|derivationally_related|a00000900|dog|canine
n00000400|domain_topic|n00000600||
n00000500|hypernym|n00000300||
n00000600|member_of_domain_topic|n00000400||
n00000600|member_of_domain_topic|v00001100||
n00000700|antonym|n00000800|bank|Bank
n00000800|antonym|n00000700|Bank|bank
a00000900|derivationally_related|n00000400|canine|dog
a00000900|similar_to|a00001000||
a00000900|antonym|a00000950|canine|afraid
a00000950|similar_to|a00000970||
a00000950|antonym|a00000900|afraid|canine
a00000970|similar_to|a00000950||
a00001000|similar_to|a00000900||
v00001100|verb_group|v00001200||
v00001100|entailment|v00001200||
v00001100|domain_topic|n00000600||
v00001200|verb_group|v00001100||
r00001300|pertainym|a00000900|doggedly|canine
""",
    "lemma_senses.tsv": """lemma|pos|synsets_most_frequent_first
afraid|a|a00000950
animal|n|n00000300
bank|n|n00000800/n00000700
bank_building|n|n00000800
bark|v|v00001100
canine|a|a00000900
cat|n|n00000500
creature|n|n00000300
dog|n|n00000400
doggedly|r|r00001300
domestic_dog|n|n00000400
felis|n|n00000500
scared|a|a00000970
sound|v|v00001200
zoology|n|n00000600
""",
    "sense_counts.tsv": """sense_key|synset|semcor_count
animal%1:05:00::|n00000300|20
bank%1:14:01::|n00000800|7
bank%1:17:00::|n00000700|7
cat%1:05:00::|n00000500|18
dog%1:05:00::|n00000400|42
scared%5:00:00:afraid(p):02|a00000970|5
""",
}


def database_files() -> dict[str, bytes]:
    """Return the official files by name; their lines end with two blanks."""
    files = {name: (LICENCE + text.lstrip("\n")).replace("\n", "  \n").encode() for name, text in DATABASE.items()}
    return files | {"cntlist.rev": COUNTS.encode()}


def table_files(*, compressed: bool = True) -> dict[str, bytes]:
    """Return the tables by name.

    In :data:`TABLES` a bar stands for a tab, a slash for a bar, and a backslash for a bar in a gloss.
    """
    plain = {name: text.translate(str.maketrans("|/\\", "\t||")).encode() for name, text in TABLES.items()}
    return {f"{name}.gz": gzip.compress(text, mtime=0) for name, text in plain.items()} if compressed else plain


def write_files(folder: Path, files: dict[str, bytes]) -> Path:
    """Write files into a folder, made if need be, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder
