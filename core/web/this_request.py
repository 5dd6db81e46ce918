"""What belongs to the request that is being answered, for code that runs on the way of every one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from urllib.parse import SplitResult, urlsplit

from flask import Request, g, request, session

from core.kernel.ids import public_id

if TYPE_CHECKING:
    from flask.ctx import _AppCtxGlobals
    from flask.sessions import SessionMixin
    from werkzeug.local import LocalProxy

# What they are; Flask declares them as what they stand for.
_G = cast("LocalProxy[_AppCtxGlobals]", g)
_REQUEST = cast("LocalProxy[Request]", request)
_SESSION = cast("LocalProxy[SessionMixin]", session)


def kept() -> dict[str, Any]:
    """The same as `g`, without the detour that each single look at it makes."""
    return _G._get_current_object().__dict__


def asked() -> Request:
    """The same as `request`, for code that looks at it several times."""
    return _REQUEST._get_current_object()


def opened() -> SessionMixin:
    """The same as `session`."""
    return _SESSION._get_current_object()


def request_number() -> str:
    """By which a caller and we speak of this request; made when somebody first asks for it."""
    mine = kept()
    if "request_number" not in mine:
        mine["request_number"] = public_id("req")
    return str(mine["request_number"])


def came_from() -> SplitResult:
    """The address of the page that led here, in its parts; of one that is none, as of none at all, nothing."""
    try:
        return urlsplit(asked().referrer or "")
    except ValueError:  # "http://["
        return urlsplit("")
