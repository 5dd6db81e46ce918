"""What belongs to the request that is being answered, for code that runs on the way of every one of them."""

from __future__ import annotations

from typing import Any

from flask import Request, g, request

from core.kernel.ids import public_id


def kept() -> dict[str, Any]:
    """The same as `g`, without the detour that each single look at it makes."""
    return g._get_current_object().__dict__  # type: ignore[attr-defined, no-any-return]


def asked() -> Request:
    """The same as `request`, for code that looks at it several times."""
    return request._get_current_object()  # type: ignore[attr-defined, no-any-return]


def request_number() -> str:
    """By which a caller and we speak of this request; made when somebody first asks for it."""
    mine = kept()
    if "request_number" not in mine:
        mine["request_number"] = public_id("req")
    return str(mine["request_number"])
