"""Words as they may have been meant: what stands in the directory, compared with what somebody typed."""

from __future__ import annotations

from sqlalchemy import text

from core.directory.words import allowed_slip, slip
from core.kernel.ask import ask_for
from core.kernel.db import db

MOST_TRIES = 4  # of spellings, when nothing is found


def spellings(words: list[str]) -> list[list[str]]:
    """The words as they may have been meant, the likeliest first: each that stands nowhere in the directory in the place of near ones."""
    choices = [[word] if _known(word) else _nearest(word) or [word] for word in words]
    likeliest = [nearby[0] for nearby in choices]
    found = [likeliest] if likeliest != words else []
    for place, nearby in enumerate(choices):
        found += [[*likeliest[:place], other, *likeliest[place + 1 :]] for other in nearby[1:]]
    return found[:MOST_TRIES]


def whole_words(words: list[str]) -> set[str]:
    """Those that stand in the directory as they are: they are looked for as they are, which costs little however common they are."""
    asked = "SELECT word FROM directory_words WHERE word = ANY(%(words)s)"
    return {word for (word,) in ask_for(asked, {"words": words})} if words else set()


def _known(word: str) -> bool:
    """Whether a word of the directory begins so."""
    begins = "SELECT 1 FROM directory_words WHERE word >= %(word)s AND word < %(beyond)s LIMIT 1"
    return bool(ask_for(begins, {"word": word, "beyond": word + "\U0010ffff"}))


def _nearest(word: str) -> list[str]:
    """Words of the directory that differ by a slip of the finger: those that share three-letter pieces, and those with two neighbours swapped.

    Of so few pieces as a short word has a swap leaves hardly any, so these are looked up as they are. All are judged letter by letter.
    """
    if len(word) < 3 or not word.isalpha():
        return []
    swapped = [word[:n] + word[n + 1] + word[n] + word[n + 2 :] for n in range(len(word) - 1)]
    db.session.execute(text("SELECT set_config('pg_trgm.similarity_threshold', '0.2', true)"))
    alike = """SELECT word FROM directory_words WHERE word = ANY(:swapped)
               UNION (SELECT word FROM directory_words WHERE word % :word ORDER BY similarity(word, :word) DESC, word LIMIT 40)"""
    candidates = list(db.session.execute(text(alike), {"word": word, "swapped": swapped}).scalars())
    judged = sorted((slip(word, other), abs(len(word) - len(other)), other) for other in candidates)
    return [other for wrong, _, other in judged if wrong <= allowed_slip(word)][:3]
