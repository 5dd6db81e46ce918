"""Where payers may be led back to: only https addresses on host names their vendor has proved to hold. There is no open redirect."""

from __future__ import annotations

import re
import uuid
from urllib.parse import urlsplit

from sqlalchemy import select

from core.accounts.models import VendorDomain
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.sentence import said

HOST = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])")
LOCAL = frozenset({"localhost", "127.0.0.1"})  # for trying out on one's own machine, in test mode
PLACE = "{PAYMENT}"  # where the payment's number goes
_PLAIN = re.compile(r"[!#$%&'()*+,./0-9:;=?@A-Z_a-z~{}-]+")
LONGEST = 500


class BadReturnAddress(Refusal):
    """Not an address that payers may be led to."""

    code = "bad_return_address"


def read_host(url: str, mode: str, *, field: str = "url", like: str = "https://shop.example/thanks") -> str:
    """The host name of a well-formed return address. Raises BadReturnAddress with what to write instead.

    Browsers and libraries read strange addresses differently (`\\`, `@`, blanks, other alphabets): whatever could be read in two
    ways is refused instead of being understood.
    """
    if len(url) > LONGEST or not _PLAIN.fullmatch(url) or "@" in url:
        raise BadReturnAddress(
            said("Write a whole address like %(like)s, of %(longest)s characters at most.", like=like, longest=LONGEST), field=field
        )
    if any(sign in url.replace(PLACE, "") for sign in "{}"):
        raise BadReturnAddress(said("Only %(place)s may stand between curly brackets.", place=PLACE), field=field)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadReturnAddress(said("Write a whole address like %(like)s.", like=like), field=field) from None
    host = parts.hostname or ""
    if parts.netloc != (host if port is None else f"{host}:{port}"):
        raise BadReturnAddress("Write the host name in small letters, like shop.example.", field=field)
    if host in LOCAL and mode == "test" and parts.scheme in ("http", "https"):
        return host
    if parts.scheme != "https":
        raise BadReturnAddress("The address must begin with https://.", field=field)
    if not HOST.fullmatch(host):
        raise BadReturnAddress("Write a host name like shop.example.", field=field)
    return host


def check_return_address(vendor_id: uuid.UUID, mode: str, url: str, *, field: str) -> None:
    """Refuse an address that is malformed, or on a host name this vendor has not proved to hold."""
    host = read_host(url, mode, field=field)
    if host not in LOCAL and host not in verified_hosts(vendor_id):
        raise BadReturnAddress(said("Prove first that %(host)s is yours: Settings, Return domains.", host=host), field=field)


def return_address(vendor_id: uuid.UUID, mode: str, url: str, *, payment: str) -> str | None:
    """The address to lead one payer to, its payment's number filled in; None when it may not be used (any more)."""
    if not url:
        return None
    try:
        check_return_address(vendor_id, mode, url, field="url")
    except BadReturnAddress:
        return None
    return url.replace(PLACE, payment)


def verified_hosts(vendor_id: uuid.UUID) -> set[str]:
    """The host names this vendor has proved to hold."""
    mine = select(VendorDomain.host).where(VendorDomain.vendor_id == vendor_id, VendorDomain.verified_at.is_not(None))
    return set(db.session.scalars(mine))
