"""Lists on the wire: newest first, cursors by id, `has_more`, and never a count of everything."""

from dataclasses import dataclass

from core.web.wire.errors import bad_parameter


@dataclass(frozen=True)
class PageQuery:
    limit: int
    starting_after: str | None
    ending_before: str | None


def page_query(params):
    """Reads limit (1-100, 10 when absent) and at most one cursor."""
    query = PageQuery(
        params.integer("limit", least=1, most=100, default=10),
        params.text("starting_after", longest=255),
        params.text("ending_before", longest=255),
    )
    if query.starting_after and query.ending_before:
        raise bad_parameter("parameter_invalid", "ending_before", "Give starting_after or ending_before, not both.")
    return query


def envelope(url, rows, has_more):
    return {"object": "list", "data": rows, "has_more": has_more, "url": url}


def page(url, query, fetch, place_of):
    """One page. `fetch(before, after, count)` gives rows in list order (newest first): those older than the place
    `before`, or the `count` rows just newer than `after`; `place_of(id, param)` turns a cursor into a place or refuses.
    One row more than asked for is fetched to know `has_more`, whichever way the reader walks."""
    before = place_of(query.starting_after, "starting_after") if query.starting_after else None
    after = place_of(query.ending_before, "ending_before") if query.ending_before else None
    rows = fetch(before, after, query.limit + 1)
    has_more = len(rows) > query.limit
    if has_more:
        rows = rows[1:] if after is not None else rows[:-1]
    return envelope(url, rows, has_more)
