"""What the portal calls types of events, and how an endpoint and a delivery stand."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask_babel import gettext as _

from core.hooks.models import HookDelivery, HookEndpoint
from core.hooks.types import FAMILIES, TYPES, family_of, words_for
from core.web.languages import written


def families() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Each family with its name and its types in words, in the order of the list."""
    return [
        (family, written(name), [(type_, written(words)) for type_, words in TYPES.items() if family_of(type_) == family])
        for family, name in FAMILIES.items()
    ]


def type_words(type_: str) -> str:
    """What happened."""
    return written(words_for(type_))


def chosen_words(types: list[str]) -> str:
    """Which events an endpoint is told of, for people."""
    if not types:
        return _("All events")
    return ", ".join(written(FAMILIES[one[:-2]]) if one.endswith(".*") else one for one in types)


def endpoint_name(endpoint: HookEndpoint) -> str:
    """What it is called where its whole address is nobody's business: some have a secret in theirs."""
    return endpoint.name or (_("Catcher") if endpoint.catches else urlsplit(endpoint.address).hostname or endpoint.address)


def endpoint_state(endpoint: HookEndpoint) -> tuple[str, str]:
    """In a word, and its tone."""
    if endpoint.state == "off":
        off = {"answered_410": _("Off: it answered 410"), "failing": _("Off: it took nothing for three days")}
        return off.get(endpoint.why_off, _("Off")), "bad" if endpoint.why_off != "by_hand" else "quiet"
    if endpoint.failing_since:
        return _("Failing"), "bad"
    return (_("Working"), "good") if endpoint.succeeded_at else (_("Nothing sent yet"), "quiet")


def delivery_states() -> dict[str, str]:
    """Every state of a delivery in words."""
    return {
        "waiting": _("Waiting"), "delivered": _("Delivered"), "failed": _("Failed"), "superseded": _("Replaced by a newer state"),
        "canceled": _("Called off"),
    }  # fmt: skip


def delivery_state(delivery: HookDelivery) -> tuple[str, str]:
    """In a word, and its tone."""
    tones = {"delivered": "good", "failed": "bad", "waiting": "warn" if delivery.attempts else "quiet"}
    if delivery.state == "waiting" and delivery.attempts:
        return _("Tried in vain, is tried again"), "warn"
    return delivery_states()[delivery.state], tones.get(delivery.state, "quiet")


def causes() -> dict[str, str]:
    """Why a delivery was made."""
    return {"event": _("It happened"), "again": _("Sent again by hand"), "catch_up": _("Brought up to date"), "test": _("A test")}
