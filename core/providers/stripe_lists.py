"""Stripe's lists, the newest first: read page by page to what is looked for, or to their end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import structlog

from core.providers.contract import ProviderUnreachable

log = structlog.get_logger("providers")
PAGE = 100
MOST = 1_000  # pages: a hundred thousand payments of one payer. A list that does not end there is answered by something that is broken


def rows(read: Callable[..., dict[str, Any]], what: str, **params: Any) -> Iterator[dict[str, Any]]:
    """Each row of a list, as far as somebody reads on. Raises ProviderUnreachable when it does not end, and at a page that is empty
    although there is more: what was not seen by then may be there all the same, and nobody may do it again."""
    for _ in range(MOST):
        page = read(what, limit=PAGE, **params)
        yield from page["data"]
        if not page["has_more"]:
            return
        if not page["data"]:
            raise ProviderUnreachable("A page was empty although there is more.", effect_unknown=True)
        params["starting_after"] = page["data"][-1]["id"]
    log.error("list_does_not_end", what=what, pages=MOST)  # for a person: asking again will not help
    raise ProviderUnreachable("The list does not end.", effect_unknown=True)


def whole(read: Callable[..., dict[str, Any]], what: str, told: dict[str, Any] | None) -> list[dict[str, Any]]:
    """A list that was told within another object. Only its newest rows come along with that: where there are more, all of them are read."""
    told = told or {}
    return list(rows(read, what)) if told.get("has_more") else list(told.get("data") or ())
