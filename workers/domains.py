"""The domain job: looks for a vendor's proof in a file on the host, then in DNS, and writes down what it found."""

from __future__ import annotations

import uuid

from core.accounts.domains import FILE, RECORD, find_domain, record_check
from core.kernel.db import unit_of_work
from core.web.outward import NotReached, look_at
from workers.dns_records import records


def verify_domain(vendor_id: uuid.UUID, *, domain: str) -> None:
    """Look once. A domain that was removed meanwhile is nobody's business any more."""
    with unit_of_work():
        named = find_domain(vendor_id, uuid.UUID(domain))
    if named is None:
        return
    found_by, problem = None, ""
    try:
        answer = look_at(named.host, FILE)
        said = answer.body.decode("ascii", "replace")
        if answer.status == 200 and named.proof in said.split():
            found_by = "file"
        else:
            problem = f"https://{named.host}{FILE} answers {answer.status}" + (" without the right line." if answer.status == 200 else ".")
    except NotReached as reason:
        problem = str(reason)
    if found_by is None and named.proof in (records(f"{RECORD}.{named.host}", "TXT") or ()):
        found_by = "dns"
    with unit_of_work():
        fresh = find_domain(vendor_id, named.id)
        if fresh is not None:
            record_check(fresh, found_by=found_by, problem=f"{problem} The DNS record is not there either.")
