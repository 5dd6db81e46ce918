"""One declaration for each endpoint: address, fields, answer. The reader, the guard and the OpenAPI document all go by it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from functools import partial, wraps
from typing import Any, TypeVar

from core.accounts.key_scopes import RESOURCES
from core.kernel.config import settings
from core.kernel.errors import Refusal
from core.web.guard import marked
from portal.api.blueprint import api
from portal.api.guard import SAFE, by_anybody, by_key, by_person, word_of
from portal.api.kinds import Fields, read, read_given
from portal.api.paging import asked, read_query
from portal.api.shapes import Shape

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Ending:
    """That an endpoint goes, and is told so with every answer: since when it should not be used, from when it is not there, and what to use."""

    since: date
    until: date | None  # none: no day is set yet
    instead: str  # an address of the API: /payments/{number}

    def headers(self) -> list[tuple[str, str]]:
        """`Deprecation` (RFC 9745), `Sunset` (RFC 8594), and where it is explained."""
        found = [("Deprecation", f"@{int(_midnight(self.since).timestamp())}")]
        if self.until:
            found.append(("Sunset", format_datetime(_midnight(self.until), usegmt=True)))
        return [*found, ("Link", f'<{settings().public_url}/portal/api>; rel="deprecation"; type="text/html"')]

    def __str__(self) -> str:
        return f"Deprecated since {self.since}{f', gone from {self.until} on' if self.until else ''}. Use {self.instead}."


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """What stands in the document about one of them."""

    name: str
    method: str
    path: str
    summary: str
    about: str
    gives: Shape
    many: bool
    status: int
    takes: Fields
    partly: bool
    query: Fields
    publishable: bool
    also: tuple[int, ...]  # statuses with which it refuses beside those that everything may
    access: str  # key: the business's software or a person's app; user: a person's app only; public: anybody
    ends: Ending | None = None

    @property
    def writes(self) -> bool:
        return self.method not in SAFE

    @property
    def word(self) -> str:
        """The first word of its address."""
        return word_of(f"/api/v1{self.path}")


ENDPOINTS: list[Endpoint] = []
# Parts of the reference: what a key may be good for, and what is for people.
TAGS = RESOURCES | {"users": ("users",), "keys": ("keys", "leaked-keys")}


def endpoint(
    method: str, path: str, *, gives: Shape, many: bool = False, status: int = 200, takes: Fields | None = None, partly: bool = False,
    query: Fields | None = None, publishable: bool = False, access: str = "key", also: tuple[int, ...] = (), called: Mapping[str, str] | None = None,
    ends: Ending | None = None,
) -> Callable[[View], View]:  # fmt: skip
    """Stands above a view, which is called with the vendor, the mode, what was read, and what stands in the address; it gives a document,
    alone or with a status of its own.

    What was read is the `Asked` of a list (`many`), the values of `takes` or of `query`, and nothing where neither is declared. `partly`
    reads only what was sent; with `access` user it is called with whom the app acts for in the place of vendor and mode, with public with neither. `called` says what a field of the act's is called here; `ends`, that it goes. The docstring's first line is the summary in the document; what follows explains.
    """

    def mark(view: View) -> View:
        summary, _, more = inspect.cleandoc(view.__doc__ or "").partition("\n")
        told = Endpoint(
            name=view.__name__, method=method, path=path, summary=summary.strip(), about=" ".join(more.split()), gives=gives, many=many,
            status=status, takes=takes or {}, partly=partly, query=query or {}, publishable=publishable, access=access, also=also, ends=ends,
        )  # fmt: skip
        ENDPOINTS.append(told)

        @wraps(view)
        def reading(*who: Any, **named: str) -> tuple[dict[str, Any], int]:
            read = _read(told)  # what is refused here is named as it was sent
            try:
                given = view(*who, *read, **named)
            except Refusal as no:
                no.field = (called or {}).get(no.field or "", no.field)
                raise
            return given if isinstance(given, tuple) else (given, told.status)

        guards = {"key": partial(by_key, publishable=publishable), "user": by_person, "public": by_anybody}
        api.add_url_rule(path, view.__name__, marked(guards[access](reading), ends=ends), methods=[method])
        return view

    return mark


def _read(told: Endpoint) -> tuple[Any, ...]:
    """What the view is called with beside whose it is; whatever else was sent is refused."""
    if told.many:
        return (asked(told.query),)
    if told.writes:
        read_query({})
        sent = read_given(told.takes) if told.partly else read(told.takes)
        return (sent,) if told.takes else ()
    values = read_query(told.query)
    return (values,) if told.query else ()
