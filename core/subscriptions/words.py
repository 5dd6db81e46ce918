"""What a piece of news is made of in words, whoever reads it: a title, sentences, facts and one button. Each kind's words are beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from core.billing.terms import title_from
from core.kernel.sentence import Sentence

Fact = tuple[Sentence, Any]  # what it is called, and its value


@dataclass(frozen=True, slots=True)
class Words:
    """`says` begins with the sentence that also stands in the portal. `facts` are names with their values, money and days as they are."""

    title: Sentence
    says: tuple[Sentence, ...]
    facts: tuple[Fact, ...]
    button: Sentence
    tone: str = "quiet"  # or bad, warn, good


def words(title: Sentence, *says: Sentence | None, facts: Iterable[Fact], button: Sentence, tone: str = "quiet") -> Words:
    """Without the sentences that do not apply and the facts that there are none of."""
    there = tuple((name, value) for name, value in facts if value is not None and value != "")
    return Words(title, tuple(sentence for sentence in says if sentence is not None), there, button, tone)


def name_of(code: str) -> str:
    """What people call a plan: its name, or the code of one that is on no list any more."""
    if code != code.lower() or " " in code:
        return code
    return title_from(code)
