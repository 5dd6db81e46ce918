"""What belongs to the request that is being answered, for code that runs on the way of every one of them."""

from __future__ import annotations

from typing import Any

from flask import g

from core.kernel.ids import public_id


def kept() -> dict[str, Any]:
    """The same as `g`, without the detour that each single look at it makes."""
    return g._get_current_object().__dict__  # type: ignore[attr-defined, no-any-return]


def request_number() -> str:
    """By which a caller and we speak of this request; made when somebody first asks for it."""
    return str(kept().setdefault("request_number", public_id("req")))
