"""Links that are opened often: their rows are kept by the process, and PostgreSQL is asked each time whether they are still the same.

It answers with the whole of both rows as one text each, which is compared with the text they had when they were read. So nothing that
is kept is ever older than the rows, and a link that was changed, paused or taken back a moment ago is read anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from checkout.way_in import WayIn, by_token
from core.kernel.recent import Recent
from core.payments.link import told_of_link
from core.web.languages import suggest
from core.web.stencil import content

Row = TypeVar("Row")
MOST = 512  # links
Told = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Familiar:
    """A link that has been opened here before; `told` is None when that was only once."""

    told: Told | None = None
    way: WayIn | None = None


_opened: Recent[Familiar] = Recent(MOST)


def way_of(token: str) -> WayIn:
    """As `by_token`, for a page that only reads. Raises TokenRefused."""
    before = _opened.get(token)
    if before is None:
        way = by_token(token)
        if _is_plain(way):
            _opened.put(token, Familiar())
        return way
    told = told_of_link(token)  # asked before the rows are read: what is kept may be too old for its text, and never too new
    if before.way is not None and told is not None and told == before.told:
        suggest(before.way.link.locale)
        return before.way
    way = by_token(token)
    if _is_plain(way):
        _opened.put(token, Familiar(told, replace(way, vendor=_apart(way.vendor), link=_apart(way.link))))
    return way


def _is_plain(way: WayIn) -> bool:
    """The link's own address. One made for a single payer is opened a few times at most."""
    return not way.personal


def _apart(row: Row) -> Row:
    """The same row outside any session, where nothing can change it."""
    return type(row)(**content(row))
