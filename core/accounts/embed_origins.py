"""Websites on which a business lets its payment pages be shown: how an origin is written, which of them a list lets in, and the list itself.

Nothing is allowed until a person names it, test and live apart. https only: on an open line anybody could put another frame in the
place of ours. A developer's own machine is the exception, and only for practice money.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from sqlalchemy import func, select

from core.accounts.embed_models import EmbedOrigin
from core.accounts.models import Vendor
from core.accounts.return_addresses import HOST, LOCAL
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import NotFound, Refusal
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.sentence import said

MOST_ORIGINS = 30  # they all stand in a header of every framed page
LONGEST = 500
DEFAULT_PORTS = {"https": 443, "http": 80}
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_PLAIN = re.compile(r"[\w.:/*%?&=#~+,;!$'()@\[\]-]+")


class BadOrigin(Refusal):
    """Not a website on which payment pages may be shown."""

    code = "bad_origin"


def read_origin(text: str, mode: str, *, field: str = "origin") -> str:
    """The origin of what somebody pasted (a page's address will do), as browsers write it. Raises BadOrigin with what to write instead."""
    text = text.strip()
    if not text or len(text) > LONGEST or not _PLAIN.fullmatch(text):
        raise BadOrigin("Paste the address of a page of yours, like https://shop.example.", field=field)
    text = text if _SCHEME.match(text) else f"https://{text}"
    try:
        parts = urlsplit(text)
        host, port = _spelt(parts.hostname or ""), parts.port
    except ValueError:
        raise BadOrigin("Paste the address of a page of yours, like https://shop.example.", field=field) from None
    if parts.username is not None or parts.password is not None:
        raise BadOrigin("Leave out the name and the password before the @.", field=field)
    scheme = parts.scheme.lower()
    if host in LOCAL:
        if mode != "test":
            raise BadOrigin("Your own machine can be allowed in test mode only.", field=field)
        if scheme not in DEFAULT_PORTS:
            raise BadOrigin("The address must begin with https:// or http://.", field=field)
    elif scheme != "https":
        raise BadOrigin("Only pages that begin with https:// may show a payment page. Let your site have a certificate first.", field=field)
    else:
        _check_host(host, field)
    return f"{scheme}://{host}" + (f":{port}" if port and port != DEFAULT_PORTS[scheme] else "")


def _spelt(host: str) -> str:
    """In small letters and, where it is written in another alphabet, as DNS writes it. Raises ValueError (UnicodeError is one)."""
    host = host.rstrip(".").lower()
    return host if host.isascii() else host.encode("idna").decode()


def _check_host(host: str, field: str) -> None:
    plain = host.removeprefix("*.")
    if not HOST.fullmatch(plain):
        raise BadOrigin("Write a host name like shop.example, or *.shop.example for all of its subdomains.", field=field)
    if plain != host and plain.count(".") < 1:
        raise BadOrigin("A star stands for the subdomains of a domain of yours, like *.shop.example.", field=field)


def lets_in(allowed: list[str], origin: str) -> bool:
    """Whether a list lets this origin frame a page: by the letter, or by one that begins with a star."""
    if origin in allowed:
        return True
    scheme, _, place = origin.partition("://")
    host, colon, port = place.partition(":")
    above = host.split(".")[1:]
    return any(f"{scheme}://*.{'.'.join(above[n:])}{colon}{port}" in allowed for n in range(len(above)))


def allow_origin(vendor: Vendor, mode: str, text: str, *, by: str) -> EmbedOrigin:
    """Pages of this website may show the business's payment pages from now on. Naming it again answers the same row."""
    origin = read_origin(text, mode)
    mine = select(EmbedOrigin).where(EmbedOrigin.vendor_id == vendor.id, EmbedOrigin.mode == mode)
    if (known := db.session.scalar(mine.where(EmbedOrigin.origin == origin))) is not None:
        return known
    if int(db.session.scalar(select(func.count()).select_from(mine.subquery())) or 0) >= MOST_ORIGINS:
        raise BadOrigin(said("%(most)s websites at most. Remove one first.", most=MOST_ORIGINS), field="origin")
    row = EmbedOrigin(
        vendor_id=vendor.id, mode=mode, id=uuid7(), public_id=public_id("org"), origin=origin, created_by=by, created_at=now()
    )
    db.session.add(row)
    record(vendor.id, actor=by, action="embed.allowed", subject=row.public_id, origin=origin, mode=mode)
    return row


def remove_origin(vendor: Vendor, mode: str, public_id: str, *, by: str) -> EmbedOrigin:
    """From now on that website is refused. Whoever has the page open there finishes on our own page."""
    row = None
    if is_public_id("org", public_id):
        mine = EmbedOrigin.vendor_id == vendor.id, EmbedOrigin.mode == mode, EmbedOrigin.public_id == public_id
        row = db.session.scalar(select(EmbedOrigin).where(*mine))
    if row is None:
        raise NotFound("There is no such website.")
    db.session.delete(row)
    record(vendor.id, actor=by, action="embed.removed", subject=row.public_id, origin=row.origin, mode=mode)
    return row


def list_origins(vendor: Vendor, mode: str) -> list[EmbedOrigin]:
    """All of them, oldest first."""
    mine = EmbedOrigin.vendor_id == vendor.id, EmbedOrigin.mode == mode
    return list(db.session.scalars(select(EmbedOrigin).where(*mine).order_by(EmbedOrigin.id)))


def allowed_origins(vendor: Vendor, mode: str) -> list[str]:
    """The same as the origins themselves, in the order in which they were named; empty: its pages are shown nowhere."""
    return [row.origin for row in list_origins(vendor, mode)]
