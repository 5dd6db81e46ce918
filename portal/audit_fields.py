"""What the facts of an entry in the audit log are called, here and in the staff's log."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

WORDS: dict[str, Any] = {
    "about": _l("about"), "accent": _l("colour"), "accent_dark": _l("colour on dark"), "accepted": _l("accepted"), "act": _l("act"),
    "address": _l("address"), "amount": _l("amount"), "app": _l("app"), "attributes": _l("attributes"), "bps": _l("basis points"), "branches": _l("limited to branches"),
    "case": _l("case"), "category": _l("category"), "code": _l("code"), "count": _l("count"), "country": _l("country"),
    "city": _l("town"), "currency": _l("currency"), "day": _l("day"), "days": _l("days"), "description": _l("description"),
    "email": _l("e-mail"), "exceptions": _l("days with other hours"), "fee_bps": _l("fee in basis points"), "file": _l("file"),
    "first": _l("first day"), "handle": _l("readable address"), "headers": _l("headers"), "hidden": _l("hidden"), "hours": _l("opening hours"),
    "issued": _l("issued"), "journal": _l("journal"), "kind": _l("kind"), "label": _l("label"), "legal_name": _l("name by law"),
    "lat_e6": _l("latitude"), "letter": _l("letter"), "link": _l("link"), "list": _l("list"), "lon_e6": _l("longitude"),
    "minimum_minor": _l("least amount"), "mode": _l("mode"), "name": _l("name"), "new_values": _l("new values of"), "offered": _l("offered"), "order": _l("order"),
    "outcome": _l("outcome"), "owner": _l("owner"), "page": _l("page"), "payment": _l("payment"), "payout": _l("payout"),
    "permissions": _l("permissions"), "phone": _l("telephone"), "place": _l("place"), "postcode": _l("postcode"),
    "price_minor": _l("price"), "refund_limit_minor": _l("refunds without a second person up to"),
    "registration": _l("registration"), "release_days": _l("days that money waits"), "report": _l("report"), "result": _l("result"),
    "role": _l("role"), "rule": _l("rule"), "rules": _l("rules"), "schedule": _l("schedule"), "scopes": _l("scopes"),
    "seller": _l("seller"), "second_factor_required": _l("two-step sign-in required"), "since": _l("since"), "slug": _l("readable address"),
    "state": _l("state"), "status": _l("status"), "street": _l("street and number"), "summary": _l("summary"),
    "support_email": _l("e-mail for questions"), "support_phone": _l("telephone for questions"), "time_zone": _l("time zone"),
    "title": _l("title"), "to": _l("to"), "tolerance_bps": _l("tolerance in basis points"), "tolerance_minor": _l("tolerance"),
    "total": _l("total"), "town": _l("town"), "trial_days": _l("days of trial"), "until": _l("until"), "url": _l("address"),
    "value": _l("value"), "vat_id": _l("VAT number"), "version": _l("version"), "website": _l("website"), "what": _l("what"), "why": _l("why"),
    "asked_by": _l("asked for by"), "before": _l("before"), "begins_at": _l("begins"), "by": _l("by"), "chains": _l("sum of the chains"),
    "consultation": _l("number of the look-up"), "corrected": _l("to another address"), "declines": _l("declined payments"), "devices": _l("devices"), "labels": _l("labels"),
    "events": _l("events"), "file_format": _l("kind of file"), "filters": _l("filters"), "flag": _l("flag"), "goal": _l("goal"),
    "held": _l("held"), "host": _l("host name"), "inclusive": _l("prices include it"), "into": _l("new key"), "job": _l("job"),
    "last": _l("last"), "line": _l("line"), "of": _l("of"), "orders": _l("orders"), "people": _l("people"),
    "prefill": _l("filled-in address"), "proposed_by": _l("proposed by"), "provider": _l("processor"),
    "queued": _l("waits for the balance"), "refund": _l("refund"), "rejected": _l("rejected"), "sending": _l("letter"),
    "sent": _l("sent"), "sha256": _l("SHA-256"), "source": _l("copied from"), "valid_from": _l("counts from"), "vendor": _l("vendor"),
    "where": _l("where"),
}  # fmt: skip


def field_word(name: str) -> str:
    """One of them; what has no word yet stays as it is written down."""
    return str(WORDS.get(name, name.replace("_", " ")))
