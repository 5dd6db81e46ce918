"""What every list takes: where the page begins, how long it is, when its rows were made; and what a list answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import request

from core.kernel.keyset import MOST, USUAL, Slice, Span
from core.kernel.sentence import said
from portal.api.kinds import Kind, Moment, Number, Schema, Text, read_moment
from portal.api.reading import Body, BodyRefused
from portal.api.shapes import Shape

WHOLE = re.compile(r"0|[1-9][0-9]{0,15}")
MILLISECOND = timedelta(milliseconds=1)  # to which an id says when its row was made
AT = "created[{}]"
PAGED: dict[str, Kind] = {
    "limit": Number(about="How many rows a page has.", usual=USUAL, least=1, most=MOST),
    "starting_after": Text(about="The page that follows this row, by its id.", usual="", most=60),
    "ending_before": Text(about="The page next to this row on the newer side, by its id.", usual="", most=60),
    AT.format("gte"): Moment(about="Made at this instant or later.", usual=None),
    AT.format("gt"): Moment(about="Made later than this instant.", usual=None),
    AT.format("lte"): Moment(about="Made at this instant or earlier.", usual=None),
    AT.format("lt"): Moment(about="Made earlier than this instant.", usual=None),
}


@dataclass(frozen=True)
class Asked:
    """What stands in the address of a list: which part of it, and what it is narrowed by."""

    span: Span
    filters: dict[str, Any]


def asked(filters: Mapping[str, Kind] | None = None) -> Asked:
    """Read strictly, as a body is: what is unknown, said twice or of another kind is refused by its name."""
    values = read_query({**PAGED, **(filters or {})})
    if values["starting_after"] and values["ending_before"]:
        raise BodyRefused("Send starting_after or ending_before, not both.", field="ending_before")
    since = max((at for at in (values["created[gte]"], _next(values["created[gt]"])) if at), default=None)
    until = min((at for at in (values["created[lt]"], _next(values["created[lte]"])) if at), default=None)
    span = Span(
        after=values["starting_after"] or None, before=values["ending_before"] or None, since=since, until=until, limit=values["limit"]
    )
    return Asked(span, {name: values[name] for name in filters or {}})


def _next(at: Any) -> Any:
    try:
        return at + MILLISECOND if at else None
    except OverflowError:  # the last instant there is
        return at


def read_query(kinds: Mapping[str, Kind]) -> dict[str, Any]:
    """The parameters of this request's address."""
    for name, values in request.args.lists():
        if name not in kinds:
            raise BodyRefused(said("There is no such parameter here: %(name)s.", name=name[:60]), field=name[:60])
        if len(values) > 1:
            raise BodyRefused("This parameter stands there twice.", field=name)
    return {name: _value(kind, name) for name, kind in kinds.items()}


def _value(kind: Kind, name: str) -> Any:
    text = request.args.get(name)
    if text is None or (text == "" and isinstance(kind, Text) and not kind.one_of):
        return kind.usual  # an empty text narrows nothing; an empty number, instant or word from a list is none
    if isinstance(kind, Number):
        digits = WHOLE.fullmatch(text)
        return kind.take(Body({name: int(text) if digits else text}), name, "")
    if isinstance(kind, Moment):
        return read_moment(text.replace(" ", "+"), name)  # a plus sign that nobody encoded
    return kind.take(Body({name: text}), name, "")


def list_of(of: Shape, found: Slice, see: Callable[[Any], Any] = lambda row: row) -> dict[str, Any]:
    """The rows of a page as they are answered; `see` puts beside a row what its shape reads."""
    return {"object": "list", "data": [of.encode(see(row)) for row in found.rows], "has_more": found.has_more}


def list_schema(of: Shape) -> Schema:
    """Of a list of these."""
    return {
        "type": "object", "additionalProperties": False, "required": ["object", "data", "has_more"],
        "properties": {
            "object": {"type": "string", "const": "list"}, "data": {"type": "array", "items": of.ref},
            "has_more": {"type": "boolean", "description": "Whether there are more in the direction that was asked for."},
        },
    }  # fmt: skip
