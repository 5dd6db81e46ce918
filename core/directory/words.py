"""Words as the search compares them: small, without accents, whatever language they are in; and the nearest to a mistyped one."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 40
MOST_ASKED = 8  # of what somebody types, no more words are looked for
_WORD = re.compile(r"[^\W_]+")
_LETTERS = str.maketrans({"ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "’": "", "'": ""})
# Written without gaps between words: Japanese and Chinese are compared by pairs of signs.
_DENSE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]+")


def fold(text: str) -> str:
    """`Crêperie Łódź` as `creperie lodz`."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return "".join(sign for sign in plain if unicodedata.category(sign) != "Mn").casefold()


def words_of(text: str) -> list[str]:
    """Every word of a text once, in order; a run of dense script gives each pair of signs, and each sign when it stands alone."""
    found: list[str] = []
    for word in _WORD.findall(fold(text)):
        found += _pairs(word) if _DENSE.search(word) else [word[:LONGEST]]
    return list(dict.fromkeys(found))


def _pairs(word: str) -> list[str]:
    found, rest = [], 0
    for run in _DENSE.finditer(word):
        if run.start() > rest:
            found.append(word[rest : run.start()][:LONGEST])
        signs = run.group()
        found += [signs[at : at + 2] for at in range(len(signs) - 1)] or [signs]
        rest = run.end()
    return [*found, word[rest:][:LONGEST]] if rest < len(word) else found


def vector(texts: list[str]) -> str:
    """A tsvector, written out: every word of these texts once."""
    found = dict.fromkeys(word for text in texts for word in words_of(text)[:400])
    return " ".join(f"'{word}'" for word in sorted(found))


def query(words: list[str], *, whole: set[str] | frozenset[str] = frozenset()) -> str:
    """A tsquery for entries that have every word; those of `whole` as they are, the others also as beginnings of longer ones."""
    return " & ".join(f"'{word}'" if word in whole else f"'{word}':*" for word in words)


def learnable(words: list[str]) -> list[str]:
    """Those worth comparing mistyped ones with, in one order, so that two who learn at once do not wait for each other in a circle."""
    return sorted({word for word in words if len(word) >= 4 and word.isalpha()})


def slip(one: str, other: str) -> int:
    """How many letters are wrong, missing, too many or swapped with their neighbour."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        last, row, older = row, [i], before
        for j, b in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        before = last
    return row[-1]


def least_slip(one: str, other: str) -> int:
    """How many letters are wrong at least, whatever their order: quickly seen, and more than is allowed of most words that are compared."""
    missing = sum([max(one.count(letter) - other.count(letter), 0) for letter in set(one)])
    return max(missing, missing + len(other) - len(one))


def allowed_slip(word: str) -> int:
    """A short word forgives one, a long one two."""
    return 1 if len(word) < 6 else 2
