"""Links and payments that are opened often: their rows are kept by the process, and PostgreSQL is asked each time whether they are still
the same.

It answers with the whole of each row as one text, which is compared with the text it had when it was read. So nothing that
is kept is ever older than the rows, and a link that was changed, paused or taken back a moment ago is read anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from checkout.till import Till, open_till
from checkout.way_in import WayIn, by_token
from core.kernel.recent import Recent
from core.payments.link import told_of_link
from core.payments.start import told_of_payment
from core.web.languages import suggest
from core.web.stencil import content

Row = TypeVar("Row")
MOST = 512  # links, and payments
ONCE_PAID = 2  # how often a payment's page is opened as a rule: to pay, and to read that it is paid
Told = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Familiar:
    """A link that has been opened here before; `told` is None when that was only once."""

    told: Told | None = None
    way: WayIn | None = None


@dataclass(frozen=True, slots=True)
class Reopened:
    """A payment whose page has been opened here before, so many times; `told` is None until that was more often than usual."""

    times: int
    told: Told | None = None
    till: Till | None = None


_opened: Recent[Familiar] = Recent(MOST)
_reopened: Recent[Reopened] = Recent(MOST)


def way_of(token: str) -> WayIn:
    """As `by_token`, for whoever changes neither of the two rows. Raises TokenRefused."""
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


def till_of(token: str) -> Till:
    """As `open_till`, for a page that only reads: opened, reloaded and looked at again. Raises TokenRefused."""
    before = _reopened.get(token)
    times = before.times if before else 0
    if times < ONCE_PAID:
        till = open_till(token, only_reads=True)
        _reopened.put(token, Reopened(times + 1))
        return till
    told = told_of_payment(token)  # asked before the rows are read, as above
    if before and before.till is not None and told is not None and told == before.told:
        suggest(before.till.payment.locale)
        return before.till
    till = open_till(token, only_reads=True)
    _reopened.put(token, Reopened(times, told, till))
    return till


def _is_plain(way: WayIn) -> bool:
    """The link's own address. One made for a single payer is opened a few times at most."""
    return not way.personal


def _apart(row: Row) -> Row:
    """The same row outside any session, where nothing can change it."""
    return type(row)(**content(row))
