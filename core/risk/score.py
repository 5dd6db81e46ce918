"""The limits against card testing, and what a try scores by them: nothing, a proof that costs a moment, or a stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.risk.windows import add, count, mark

MINUTE, HOUR, DAY = 60, 3600, 86400
PROVE, STOP = 40, 100  # from these scores on a try has to prove itself, or is stopped
MOST_SHARED = 60  # what others did on the same link, at the same vendor or under an address nobody proved never stops anybody: it can only ask for a proof


@dataclass(frozen=True, slots=True)
class Limit:
    """At so many of these within so many seconds it is over. `shared`: by everybody who pays there, so it only ever asks for a proof."""

    counted: str  # tries, declines, cards (different ones that were declined), links (different ones where a card was declined)
    of: str  # address, browser, email, card, link, vendor
    seconds: int
    most: int
    shared: bool = False


LIMITS = (
    Limit("declines", "address", 15 * MINUTE, 10),
    Limit("cards", "address", 15 * MINUTE, 8),
    Limit("tries", "address", 10 * MINUTE, 40),
    Limit("declines", "browser", HOUR, 10),
    Limit("cards", "browser", HOUR, 6),
    Limit("tries", "browser", 10 * MINUTE, 25),
    Limit("declines", "email", HOUR, 10, shared=True),
    Limit("cards", "email", DAY, 8, shared=True),
    Limit("tries", "email", HOUR, 40, shared=True),
    Limit("declines", "card", HOUR, 10),
    Limit("links", "card", HOUR, 5),
    Limit("declines", "link", 10 * MINUTE, 20, shared=True),
    Limit("declines", "vendor", 10 * MINUTE, 40, shared=True),
)
SURGE = 10  # declines at one vendor within SURGE_SECONDS, and no fewer than half of all tries: that is no ordinary day
SURGE_SECONDS = 10 * MINUTE


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a try came to. `limit` is the one that was nearest, if any was touched."""

    score: int = 0
    limit: Limit | None = None

    @property
    def step(self) -> str:
        """none, prove or stop."""
        return "stop" if self.score >= STOP else "prove" if self.score >= PROVE else "none"


def judge(scope: str, who: Mapping[str, str], *, under_attack: bool = False) -> Verdict:
    """How near the nearest limit is, of 100. While the vendor is under attack everybody proves, and half as much is enough to be stopped.

    `who` names what is known of the try: of the limits only those are looked at.
    """
    asked = [limit for limit in LIMITS if who.get(limit.of)]
    found = count([(_window(scope, limit.counted, limit.of, who[limit.of]), limit.seconds) for limit in asked])
    scored = [(_points(limit, number, under_attack), limit) for limit, number in zip(asked, found, strict=True) if number]
    score, limit = max(scored, key=lambda pair: pair[0], default=(0, None))
    return Verdict(max(score, PROVE if under_attack else 0), limit)


def _points(limit: Limit, number: int, under_attack: bool) -> int:
    points = 100 * number // limit.most
    return min(points, MOST_SHARED) if limit.shared else points * 2 if under_attack else points


def note_try(scope: str, who: Mapping[str, str], *, name: str, beside: tuple[str, str, int] | None = None) -> None:
    """A card page is being opened. `name` tells this try from every other; `beside` is remembered with it."""
    tries = ((_window(scope, "tries", of, who[of]), name) for of in ("address", "browser", "email", "vendor") if who.get(of))
    add(tries, beside=beside)


def note_decline(scope: str, who: Mapping[str, str], *, name: str, card: str, link: str) -> None:
    """A card was declined. `name` is the processor's name for it, so that the same one heard twice is one."""
    said = [(_window(scope, "declines", of, value), name) for of, value in who.items() if value]
    if card:
        said += [(_window(scope, "cards", of, who[of]), card) for of in ("address", "browser", "email") if who.get(of)]
        said.append((_window(scope, "links", "card", card), link))
    add(said)


def is_surge(scope: str, vendor: str) -> int:
    """The declines of the last minutes where they are a surge, else 0."""
    windows = [(_window(scope, counted, "vendor", vendor), SURGE_SECONDS) for counted in ("declines", "tries")]
    declines, tries = count(windows)
    return declines if declines >= SURGE and 2 * declines >= tries else 0


def _window(scope: str, counted: str, of: str, value: str) -> str:
    return mark(scope, f"{counted}:{of}", value)
