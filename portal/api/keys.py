"""Keys for the vendor's own software: which there are and what each is used for; one is revoked, or rolls itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import g

from core.accounts.api_keys import (
    KINDS,
    LONGEST_NOTE,
    LONGEST_OVERLAP,
    counts,
    end_of,
    feed_keys,
    get_key,
    revoke_key,
    roll_key,
    unused_scopes,
)
from core.accounts.key_models import ApiKey
from core.accounts.models import Vendor
from core.accounts.refused_calls import Caller
from core.kernel.errors import NotAllowed
from portal.api.endpoint import endpoint
from portal.api.guard import acting, show_once
from portal.api.kinds import Number, Text
from portal.api.objects import MODES
from portal.api.paging import Asked, list_of
from portal.api.shapes import moment, shape, text, texts

HOUR = timedelta(hours=1)
USUAL_HOURS = 24


@dataclass(frozen=True)
class SeenKey:
    """A key; its secret only in the one answer that makes it."""

    key: ApiKey
    secret: str | None = None


def _state(one: SeenKey) -> str:
    if one.key.revoked_at is not None:
        return "revoked"
    if not counts(one.key):
        return "over"
    return "rolled" if one.key.replaced_by else "counts"


KEY = shape(
    "key",
    "A key of your software.",
    id=text("Its number, key_...", lambda one: one.key.public_id),
    mode=text("Which money it sees.", lambda one: one.key.mode, one_of=MODES),
    name=text("What it is for.", lambda one: one.key.name),
    kind=text("sk: secret, rk: restricted, pk: publishable.", lambda one: one.key.kind, one_of=KINDS),
    ends_in=text("By which a person tells one key from another.", lambda one: one.key.ends_in),
    status=text(
        "rolled: it counts beside the one that replaced it until `counts_until`; over: its time has ended.", _state,
        one_of=("counts", "rolled", "over", "revoked"),
    ),
    scopes=texts("What a restricted one is good for.", lambda one: one.key.scopes),
    unused_scopes=texts("What of it was never needed.", lambda one: unused_scopes(one.key)),
    addresses=texts("Networks it counts from; none named: all.", lambda one: one.key.addresses),
    replaced_by=text("The key it was rolled into.", lambda one: one.key.replaced_by or None, nullable=True),
    secret=text("Only in the answer that makes it, and never again: not even when the same call is repeated.", lambda one: one.secret, nullable=True),
    last_used_at=moment("When it was last used, to the minute.", lambda one: one.key.last_used_at),
    counts_until=moment("When it stops counting by itself.", lambda one: end_of(one.key)),
    revoked_at=moment("When it was revoked.", lambda one: one.key.revoked_at),
    created_at=moment("When it was made.", lambda one: one.key.made_at, nullable=False),
)  # fmt: skip


class NotItself(NotAllowed):
    """A key rolls itself and no other: what it is good for must not grow by that."""

    code = "rolls_only_itself"


@endpoint("GET", "/keys", gives=KEY, many=True)
def all_keys(vendor: Vendor, mode: str, asked: Asked) -> dict[str, Any]:
    """List keys

    Of the mode your own key is of. New ones are made in the portal, by a person.
    """
    return list_of(KEY, feed_keys(vendor, mode, asked.span), SeenKey)


@endpoint("GET", "/keys/<number>", gives=KEY)
def show_key(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Read a key, without its secret"""
    return KEY.encode(SeenKey(get_key(vendor, mode, number)))


@endpoint(
    "POST", "/keys/<number>/revoke", gives=KEY,
    takes={"because": Text(about="Why; your team reads it.", usual="", most=LONGEST_NOTE)},
)  # fmt: skip
def revoke_by_api(vendor: Vendor, mode: str, sent: dict[str, Any], number: str) -> dict[str, Any]:
    """Revoke a key

    At once. A key may revoke itself: that is the last it does.
    """
    return KEY.encode(SeenKey(revoke_key(vendor, mode, number, by=acting(), note=sent["because"])))


@endpoint(
    "POST", "/keys/<number>/roll", gives=KEY, status=201,
    takes={
        "overlap_hours": Number(
            about="For how many hours the old key counts beside the new one.", usual=USUAL_HOURS, most=LONGEST_OVERLAP // HOUR
        )
    },
    called={"overlap": "overlap_hours"},
)  # fmt: skip
def roll_by_api(vendor: Vendor, mode: str, sent: dict[str, Any], number: str) -> dict[str, Any]:
    """Roll the very key this is asked with

    Answers the new one, with its secret, once. Others are rolled in the portal. Whoever reports the old one as leaked ends the new one too.
    """
    caller: Caller | None = g.get("api_caller")
    if caller is None or caller.key != get_key(vendor, mode, number).public_id:
        raise NotItself("A key rolls itself and no other. Other keys are rolled in the portal.")
    new, secret = roll_key(vendor, mode, number, overlap=timedelta(hours=sent["overlap_hours"]), by=acting())
    show_once("secret")
    return KEY.encode(SeenKey(new, secret))
