"""Webhook endpoints and what was sent there, for the vendor's own software: a thin door over core/hooks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from core.accounts.models import Vendor
from core.hooks import endpoints
from core.hooks.catch_up import catch_up, get_delivery, missed, send_again, send_test
from core.hooks.log import Line, feed_deliveries, line_of, tries_of
from core.hooks.models import HookDelivery, HookEndpoint
from core.hooks.shapes import VERSION, VERSIONS
from core.hooks.states import DELIVERY, OVERLAP
from core.hooks.types import ENDPOINT_TEST
from core.kernel.errors import NotFound
from portal.api.endpoint import endpoint
from portal.api.guard import acting
from portal.api.kinds import Fields, Flag, Headers, Listed, Moment, Number, Text
from portal.api.objects_hooks import (
    CATCH_UP,
    DELETED_HOOK,
    HOOK,
    HOOK_DELIVERY,
    HOOK_DELIVERY_IN_FULL,
    HOOK_SECRET,
    ON_OFF,
    SeenCatchUp,
    SeenDelivery,
    SeenSecret,
)
from portal.api.paging import Asked, list_of

HOUR = timedelta(hours=1)
PLACE: Fields = {
    "address": Text(about="Where events are sent, with https.", least=1, most=500, example="https://shop.example/webhooks"),
    "name": Text(about="What you call it.", usual="", most=60),
    "types": Listed(
        about="Of what it is told: payment.succeeded, or a whole family, payment.*. Left out: everything.",
        of=Text(about="A type or a family.", most=60),
        usual=(),
    ),
    "headers": Headers(
        about="Headers of your own that go along with every delivery, ten at most: all of them, in the place of those there were. Their values are kept "
        "encrypted and never told again. Not those that are ours or the connection's, such as Host, Cookie, Content-Type or webhook-id.",
        usual={},
    ),
}


@endpoint("GET", "/webhook-endpoints", gives=HOOK, many=True)
def list_hooks(vendor: Vendor, mode: str, asked: Asked) -> dict[str, Any]:
    """List webhook endpoints

    There are sixteen at most.
    """
    return list_of(HOOK, endpoints.feed_endpoints(vendor, mode, asked.span))


@endpoint(
    "POST", "/webhook-endpoints", gives=HOOK, status=201,
    takes=PLACE | {"version": Text(about="The version its events are written in.", usual=VERSION, one_of=VERSIONS)},
)  # fmt: skip
def make_hook(vendor: Vendor, mode: str, sent: dict[str, Any]) -> dict[str, Any]:
    """Make a webhook endpoint

    Its secret is read at `secret_url` within an hour: no answer that is kept for repetitions carries it.
    """
    made, _secret = endpoints.make_endpoint(vendor, mode, by=acting(), **sent)
    return HOOK.encode(made)


@endpoint("GET", "/webhook-endpoints/<number>", gives=HOOK)
def show_hook(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Read a webhook endpoint, without its secret"""
    return HOOK.encode(endpoints.get_endpoint(vendor, mode, number))


@endpoint(
    "PATCH", "/webhook-endpoints/<number>", gives=HOOK, partly=True,
    takes=PLACE | {"status": Text(about="Switched off, nothing is sent there, and what waits is called off.", one_of=ON_OFF)},
)  # fmt: skip
def change_hook(vendor: Vendor, mode: str, sent: dict[str, Any], number: str) -> dict[str, Any]:
    """Change a webhook endpoint

    Only what is named is changed. What waits goes to the new address. Where that is another server, the headers have to be named anew.
    """
    row = endpoints.get_endpoint(vendor, mode, number)
    place = {"address": row.address, "name": row.name, "types": list(row.types), "headers": None} | {
        name: sent[name] for name in PLACE if name in sent
    }
    row = endpoints.change_endpoint(vendor, row, by=acting(), **place)
    status = sent.get("status", row.state)
    if status != row.state:
        row = endpoints.switch_on(row, by=acting()) if status == "on" else endpoints.switch_off(row, why="by_hand", by=acting())
    return HOOK.encode(row)


@endpoint("DELETE", "/webhook-endpoints/<number>", gives=DELETED_HOOK)
def drop_hook(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Take a webhook endpoint away

    Nothing more is sent there; what is waiting is called off.
    """
    row = endpoints.get_endpoint(vendor, mode, number)
    endpoints.take_away(row, by=acting())
    return DELETED_HOOK.encode(row)


@endpoint("GET", "/webhook-endpoints/<number>/secret", gives=HOOK_SECRET, also=(410,))
def show_hook_secret(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Read the secret that deliveries are signed with

    For an hour after it was made; later it can only be rolled.
    """
    row = endpoints.get_endpoint(vendor, mode, number)
    return HOOK_SECRET.encode(SeenSecret(row, endpoints.young_secret(row), endpoints.overlap_ends(row)))


@endpoint(
    "POST", "/webhook-endpoints/<number>/roll", gives=HOOK,
    takes={
        "overlap_hours": Number(
            about="For how many hours the former secret signs beside the new one; none when it has leaked.", usual=OVERLAP // HOUR, least=0,
            most=endpoints.LONGEST_OVERLAP // HOUR,
        )
    },
)  # fmt: skip
def roll_hook_secret(vendor: Vendor, mode: str, sent: dict[str, Any], number: str) -> dict[str, Any]:
    """Make another secret

    It is read at `secret_url`, as the first one was.
    """
    row = endpoints.get_endpoint(vendor, mode, number)
    endpoints.roll_secret(row, by=acting(), overlap=timedelta(hours=sent["overlap_hours"]))
    return HOOK.encode(row)


@endpoint(
    "POST", "/webhook-endpoints/<number>/test", gives=HOOK_DELIVERY, status=201,
    takes={"type": Text(about="The newest event of this type once more, or a sample of it where none has happened in test mode; left out: a plain test event.", usual=ENDPOINT_TEST, most=60)},
)  # fmt: skip
def test_hook(vendor: Vendor, mode: str, sent: dict[str, Any], number: str) -> dict[str, Any]:
    """Send a test event"""
    row = endpoints.get_endpoint(vendor, mode, number)
    return HOOK_DELIVERY.encode(_seen(vendor, row, send_test(vendor, row, sent["type"], by=acting())))


@endpoint(
    "POST", "/webhook-endpoints/<number>/catch-up", gives=CATCH_UP,
    takes={
        "since": Moment(about="Since when it missed something; ninety days ago at most."),
        "dry_run": Flag(about="Only count.", usual=False),
    },
)  # fmt: skip
def catch_hook_up(vendor: Vendor, mode: str, sent: dict[str, Any], number: str) -> dict[str, Any]:
    """Send what an endpoint missed

    Of each object only the newest state. Older ones that still wait are taken out.
    """
    row, dry = endpoints.get_endpoint(vendor, mode, number), sent["dry_run"]
    found = missed(vendor, row, sent["since"]) if dry else catch_up(vendor, row, sent["since"], by=acting())
    return CATCH_UP.encode(SeenCatchUp(row, dry, len(found.events), found.left_out, found.has))


@endpoint(
    "GET", "/webhook-endpoints/<number>/deliveries", gives=HOOK_DELIVERY, many=True,
    query={"status": Text(about="How they stand.", usual="", one_of=tuple(sorted(DELIVERY)))},
)  # fmt: skip
def list_hook_deliveries(vendor: Vendor, mode: str, asked: Asked, number: str) -> dict[str, Any]:
    """List what was sent to an endpoint

    For ninety days.
    """
    row = endpoints.get_endpoint(vendor, mode, number)
    found = feed_deliveries(vendor, row, asked.span, state=asked.filters["status"])
    return list_of(HOOK_DELIVERY, found, lambda pair: SeenDelivery(row, Line(*pair)))


@endpoint("GET", "/webhook-endpoints/<number>/deliveries/<delivery>", gives=HOOK_DELIVERY_IN_FULL)
def show_hook_delivery(vendor: Vendor, mode: str, number: str, delivery: str) -> dict[str, Any]:
    """Read a delivery with its event and every try"""
    row, found = _sent_to(vendor, mode, number, delivery)
    return HOOK_DELIVERY_IN_FULL.encode(SeenDelivery(row, line_of(vendor, found), tuple(tries_of(vendor, found))))


@endpoint("POST", "/webhook-endpoints/<number>/deliveries/<delivery>/retry", gives=HOOK_DELIVERY, status=201)
def retry_hook_delivery(vendor: Vendor, mode: str, number: str, delivery: str) -> dict[str, Any]:
    """Send the same event once more, at once

    As a new delivery; the event keeps its id.
    """
    row, found = _sent_to(vendor, mode, number, delivery)
    return HOOK_DELIVERY.encode(_seen(vendor, row, send_again(vendor, found, by=acting())))


def _seen(vendor: Vendor, row: HookEndpoint, made: HookDelivery) -> SeenDelivery:
    return SeenDelivery(row, line_of(vendor, made))


def _sent_to(vendor: Vendor, mode: str, number: str, delivery: str) -> tuple[HookEndpoint, HookDelivery]:
    """A delivery to this very endpoint; refuses with 404."""
    row, found = endpoints.get_endpoint(vendor, mode, number), get_delivery(vendor, mode, delivery)
    if found.endpoint_id != row.id:
        raise NotFound("There is no such delivery, or it is not kept any more.")
    return row, found
