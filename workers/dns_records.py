"""What DNS says of a name, for the jobs that look for a vendor's proof."""

from __future__ import annotations

import dns.exception
import dns.resolver
from dns.rdtypes.txtbase import TXTBase

from core.web.outward import SECONDS


def records(name: str, kind: str) -> list[str] | None:
    """The records of a name, in order; None when DNS does not answer, which is another thing than an answer that there are none."""
    try:
        found = dns.resolver.resolve(name, kind, lifetime=SECONDS, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError):
        return None
    return sorted(
        b"".join(record.strings).decode("ascii", "replace") if isinstance(record, TXTBase) else str(record).rstrip(".").lower()
        for record in found
    )
