"""What a link asks of its payers under a name of the vendor's own ("Invoice number"), and the pattern an answer must follow.

The pattern is a small language read here and matched here, so no pattern and no answer can make it slow: letters and digits stand
for themselves, `[A-Z0-9]` for one of a set, `\\d` for a digit, `.` for anything; `{4}`, `{2,6}`, `?`, `+`, `*` say how often. There
are no groups and no alternatives. An answer of n signs costs at most parts × n × n small steps.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.kernel.errors import Refusal
from core.kernel.sentence import said
from core.payments.models import PaymentLink

MOST = 60  # signs in an answer
MOST_PARTS = 20
SPECIAL = frozenset("[]{}()?+*.|^$\\")
PART = re.compile(r"(\[[^\[\]\\^]{1,60}\]|\\[\s\S]|\.|[^\[\]{}()?+*.|^$\\])(\{\d{1,2}(?:,\d{1,2})?\}|[?+*])?")


class BadPattern(Refusal):
    """The pattern cannot be read, or asks for more than it may."""

    code = "bad_pattern"


class BadReference(Refusal):
    """The payer's answer is missing or does not look as the vendor said it would."""

    code = "bad_reference"


@dataclass(frozen=True, slots=True)
class Part:
    """One place of a pattern: which signs may stand there (None for any) and how many of them."""

    signs: frozenset[str] | None
    least: int
    most: int


def read_pattern(text: str) -> list[Part]:
    """The parts of a pattern. Refuses BadPattern, saying which sign is the trouble."""
    parts, place = [], 0
    while place < len(text):
        found = PART.match(text, place)
        if found is None:
            raise BadPattern(
                said("“%(text)s” cannot stand here. Use letters, digits, [A-Z], \\d, {4}, ?, + and *.", text=text[place]),
                field="reference_pattern",
            )
        parts.append(Part(_signs(found[1]), *_count(found[2])))
        place = found.end()
    if len(parts) > MOST_PARTS:
        raise BadPattern(said("Use %(most)s parts at most.", most=MOST_PARTS), field="reference_pattern")
    if sum(part.least for part in parts) > MOST:
        raise BadPattern(said("An answer has %(most)s signs at most; this pattern wants more.", most=MOST), field="reference_pattern")
    return parts


def _signs(text: str) -> frozenset[str] | None:
    if text == ".":
        return None
    if text.startswith("["):
        return _set(text[1:-1])
    if text == "\\d":
        return frozenset("0123456789")
    sign = text[-1]
    if text.startswith("\\") and sign not in SPECIAL | {"-"}:
        raise BadPattern(
            said("“%(text)s” is not known here. A digit is \\d, a letter [A-Z] or [a-z].", text=text), field="reference_pattern"
        )
    return frozenset(sign)


def _set(inside: str) -> frozenset[str]:
    signs: set[str] = set()
    place = 0
    while place < len(inside):
        first = inside[place]
        if place + 2 < len(inside) and inside[place + 1] == "-":
            last = inside[place + 2]
            if not (first.isascii() and last.isascii() and first <= last):
                raise BadPattern(
                    said("“%(first)s-%(last)s” is no range. Write A-Z, a-z or 0-9.", first=first, last=last), field="reference_pattern"
                )
            signs |= {chr(code) for code in range(ord(first), ord(last) + 1)}
            place += 3
        else:
            signs.add(first)
            place += 1
    return frozenset(signs)


def _count(text: str | None) -> tuple[int, int]:
    known = {None: (1, 1), "?": (0, 1), "+": (1, MOST), "*": (0, MOST)}
    if text in known:
        return known[text]
    least, _, most = str(text)[1:-1].partition(",")
    low, high = int(least), int(most or least)
    if not low <= high or high == 0:
        raise BadPattern(said("“%(text)s” is no number of times. Write {4} or {2,6}.", text=text), field="reference_pattern")
    return low, high


def matches(parts: list[Part], text: str) -> bool:
    """Whether the whole text follows the pattern. All places a part may end at are followed together, so nothing is tried twice."""
    places = {0}
    for part in parts:
        ends: set[int] = set()
        for place in places:
            if part.least == 0:
                ends.add(place)
            for count in range(1, part.most + 1):
                at = place + count - 1
                if at >= len(text) or (part.signs is not None and text[at] not in part.signs):
                    break
                if count >= part.least:
                    ends.add(at + 1)
        places = ends
    return len(text) in places


def check_reference(link: PaymentLink, text: str) -> str:
    """The payer's answer as it is kept; empty when the link asks for none. Refuses BadReference."""
    if not link.reference_label:
        return ""
    answer = " ".join(text.split())
    if not answer:
        if link.reference_required:
            raise BadReference(said("Enter this: %(label)s.", label=link.reference_label), field="payer_reference")
        return ""
    if len(answer) > MOST:
        raise BadReference(said("Use %(most)s characters at most.", most=MOST), field="payer_reference")
    if not link.reference_pattern:
        return answer
    parts = read_pattern(link.reference_pattern)
    fitting = next((spelling for spelling in (answer, answer.upper()) if matches(parts, spelling)), None)
    if fitting is None:
        label, hint = link.reference_label, link.reference_hint
        words = said("This does not look right for “%(label)s”. Check it and enter it exactly as it is written.", label=label)
        if hint:
            words = said("This does not look right for “%(label)s”. %(hint)s", label=label, hint=hint)
        raise BadReference(words, field="payer_reference")
    return fitting
