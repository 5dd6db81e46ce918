"""Which host name payers meet: the vendor's own, where it is proved and in use, or ours; and whose a name is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from sqlalchemy import select

from core.accounts.models import Vendor
from core.accounts.pay_domain_models import PayHost
from core.accounts.return_addresses import HOST
from core.kernel.config import settings
from core.kernel.db import db


@dataclass(frozen=True, slots=True)
class Hosted:
    """A host name of a vendor's, and whose it is. `verified` is not, any more, what was lost or removed."""

    host: str
    vendor: str  # its public id
    verified: bool


def home_of(vendor: Vendor) -> str:
    """How whole addresses of this vendor's payment pages begin. Asks nobody: the name stands in the vendor's own row."""
    return beginning(vendor.pay_host) if vendor.pay_host else settings().public_url


def beginning(host: str) -> str:
    """The public address of the house with another host name in it: the same scheme, port and path."""
    return _beginning(host, settings().public_url)


@lru_cache(1024)
def _beginning(host: str, public_url: str) -> str:
    parts = urlsplit(public_url)
    port = f":{parts.port}" if parts.port else ""
    return parts._replace(netloc=host + port).geturl()


@lru_cache(8)
def own_host(public_url: str) -> str:
    """The host name of the house itself."""
    return (urlsplit(public_url).hostname or "").rstrip(".")


@lru_cache(1024)
def plain_host(said: str) -> str:
    """A host name as we keep it, from how a request or an address says it: in small letters, without port and final dot; empty if it is none."""
    host = said.strip().lower().partition(":")[0].rstrip(".")
    return host if HOST.fullmatch(host) else ""


def find_pay_host(host: str) -> Hosted | None:
    """Whose payment pages this host name shows, or None. `host` is a plain one."""
    whose = select(PayHost.verified, Vendor.public_id).join(Vendor, Vendor.id == PayHost.vendor_id).where(PayHost.host == host)
    found = db.session.execute(whose).first()
    return Hosted(host, found.public_id, found.verified) if found else None
