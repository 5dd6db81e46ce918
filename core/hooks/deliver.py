"""One endpoint's turn: what is due there is taken under a lease, sent outside any transaction by the caller, and what came back written down."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from sqlalchemy import select

from core.accounts.queries import get_vendor
from core.accounts.roles import list_holders
from core.hooks.endpoints import signing_keys, switch_off
from core.hooks.feed import envelope, small_envelope
from core.hooks.headers import HIDDEN, HeadersLost, covered, headers_of
from core.hooks.models import Event, HookAttempt, HookDelivery, HookEndpoint
from core.hooks.order import Key, is_held, next_turn
from core.hooks.sign import signed
from core.hooks.states import ANSWER_KEPT, JITTER, LARGEST_BODY, LONGEST_REST, PATIENCE, WAITS, WORRY
from core.kernel.clock import now
from core.kernel.db import db, locked, whole_unit
from core.kernel.rows import in_order
from core.notifications.notices import post_notice
from core.notifications.notify import notify

LEASE = timedelta(seconds=90)  # a killed sender's endpoints are due again after this; one slow answer and a pause fit into it
SLOW_MS = 5000
HEADERS_KEPT = 30
NO_HEADERS = "Not sent: the values of your own headers cannot be read any more. Write them anew, or take the headers away."
NO_SECRET = "Not sent: its secret is lost, so it cannot be signed. Roll the secret."
PATIENT = (429, 502, 503, 504)

# Whose turn it is: due, rested, not taken. Those that answered late the last time are asked for apart, so that the sender can give them some of
# its lines only: however many of them hang, the others are served.
_LEND = in_order("""UPDATE hook_endpoints e SET taken_until = %s FROM (
  SELECT vendor_id, mode, id FROM hook_endpoints WHERE due_at <= %s AND state = 'on' AND (rest_until IS NULL OR rest_until <= %s)
    AND (taken_until IS NULL OR taken_until <= %s) AND slow = %s ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED) due
  WHERE e.vendor_id = due.vendor_id AND e.mode = due.mode AND e.id = due.id RETURNING e.vendor_id, e.mode, e.id""")


@dataclass(frozen=True, slots=True)
class Letter:
    """Something to send: where, the very bytes, and what goes with them; `own` are the vendor's headers, whose values nobody is shown.

    `unsendable` says what is missing that should go with it: without that it is not sent.
    """

    delivery: Key
    endpoint: Key
    address: str  # empty: it is caught here
    mode: str
    body: bytes
    headers: dict[str, str]
    own: dict[str, str] = field(default_factory=dict, repr=False)
    unsendable: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back: an answer, or why there was none."""

    status: int | None
    took_ms: int
    answer: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    problem: str = ""


def lend_endpoints(most: int, *, slow: bool) -> list[Key]:
    """Up to so many endpoints whose turn it is, lent to the caller; a unit by itself."""
    at = now()
    return [(v, m, i) for v, m, i in whole_unit(_LEND, (at + LEASE, at, at, at, slow, most))] if most > 0 else []


def next_letter(key: Key) -> Letter | None:
    """The oldest delivery that is due at this endpoint and held by no earlier one, ready to be sent; None when its turn is over."""
    endpoint = db.session.get(HookEndpoint, key, populate_existing=True)
    if endpoint is None or endpoint.state != "on" or (endpoint.rest_until and endpoint.rest_until > now()):
        return None
    looked = now()
    due = (
        select(HookDelivery, Event).join(Event, _OF_EVENT).where(*_of(key), HookDelivery.state == "waiting", HookDelivery.due_at <= looked)
    )
    found = db.session.execute(due.where(~is_held(looked)).order_by(HookDelivery.due_at, HookDelivery.position).limit(1)).first()
    if found is None:
        return None
    delivery, event = found
    endpoint.taken_until = now() + LEASE
    number, body, at, keys = (
        (delivery.vendor_id, delivery.mode, delivery.id),
        body_of(event),
        int(now().timestamp()),
        signing_keys(endpoint),
    )
    try:
        own = headers_of(endpoint)
    except HeadersLost:
        return Letter(number, key, endpoint.address, delivery.mode, body, {}, unsendable=NO_HEADERS)
    if not keys:
        return Letter(number, key, endpoint.address, delivery.mode, body, {}, unsendable=NO_SECRET)
    sent = {"Content-Type": "application/json", "User-Agent": "portal-webhooks/1", **signed(keys, event.public_id, at, body)}
    return Letter(number, key, endpoint.address, delivery.mode, body, sent, own)


def body_of(event: Event) -> bytes:
    """The bytes that are signed and sent. One that would be too large for receivers names its object only."""
    body = _written(envelope(event))
    return body if len(body) < LARGEST_BODY else _written(small_envelope(event))


def _written(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def caught(letter: Letter) -> Heard:
    """What the catcher says: it takes everything, and the log shows it."""
    return Heard(200, 0, b"Caught: it is shown here and was sent nowhere.")


def record_try(letter: Letter, heard: Heard) -> bool:
    """Write down what one try came to, and what follows. Answers whether the endpoint may be sent the next one at once."""
    endpoint, delivery, at = locked(HookEndpoint, *letter.endpoint), locked(HookDelivery, *letter.delivery), now()
    if endpoint is None or delivery is None:
        return False  # the account was closed meanwhile
    delivery.attempts += 1
    db.session.add(_attempt(letter, delivery, heard, at))
    delivery.status = heard.status
    endpoint.slow = heard.took_ms > SLOW_MS
    if heard.status is not None and 200 <= heard.status < 300:
        _succeeded(endpoint, delivery, at)
        return not endpoint.slow
    _failed(endpoint, delivery, heard, at)
    return False


def give_back(key: Key) -> None:
    """The endpoint's turn is over: it is due again with the earliest of what still waits and is not held."""
    endpoint = locked(HookEndpoint, *key)
    if endpoint is not None:
        endpoint.taken_until, endpoint.due_at = None, next_turn(key, now()) if endpoint.state == "on" else None


def _succeeded(endpoint: HookEndpoint, delivery: HookDelivery, at: datetime) -> None:
    endpoint.succeeded_at, endpoint.failures, endpoint.failing_since, endpoint.rest_until = at, 0, None, None
    if delivery.state == "waiting":
        delivery.state, delivery.due_at, delivery.ended_at = "delivered", None, at


def _failed(endpoint: HookEndpoint, delivery: HookDelivery, heard: Heard, at: datetime) -> None:
    before, endpoint.failed_at, endpoint.failures = endpoint.failed_at, at, endpoint.failures + 1
    endpoint.failing_since = endpoint.failing_since or at
    wait = _patience_asked(heard, at)
    if delivery.state == "waiting":
        if delivery.attempts >= len(WAITS):
            delivery.state, delivery.due_at, delivery.ended_at = "failed", None, at
        else:
            delivery.due_at = at + max(jittered(WAITS[delivery.attempts]), wait)
    endpoint.slow = endpoint.slow or heard.status is None
    # A server that is down or says it is busy is left in peace for a moment with everything: each new event would find the same.
    rest = max(wait, timedelta(seconds=min(2**endpoint.failures, 60)) if heard.status is None or heard.status in PATIENT else timedelta(0))
    endpoint.rest_until = at + rest if rest else None
    if endpoint.state != "on":
        return
    if heard.status == 410:
        _stop(endpoint, "answered_410")
    elif at - endpoint.failing_since >= PATIENCE:
        _stop(endpoint, "failing")
    elif before is not None and before - endpoint.failing_since < WORRY <= at - endpoint.failing_since:
        _tell(endpoint, "webhook_failing")  # by the first try that fails after a day, so once


def _stop(endpoint: HookEndpoint, why: str) -> None:
    """Switched off by itself, and its owner hears of it."""
    db.session.flush()
    switch_off(endpoint, why=why, by="system")
    _tell(endpoint, "webhook_stopped")


def _tell(endpoint: HookEndpoint, kind: str) -> None:
    """The team, and by letter whoever looks after keys and webhooks."""
    vendor = get_vendor(endpoint.vendor_id)
    post_notice(vendor, kind, mode=endpoint.mode, about=endpoint.public_id)
    for owner in list_holders(vendor, "keys.manage"):
        notify(vendor, kind, mode=endpoint.mode, to=owner.email, locale=owner.language or "en", endpoint=endpoint.public_id)


def jittered(wait: timedelta) -> timedelta:
    """A little longer."""
    return wait + wait * secrets.randbelow(1000) / (1000 * JITTER)


def _patience_asked(heard: Heard, at: datetime) -> timedelta:
    """What Retry-After says, in seconds or as a date, no longer than an hour; only with answers that it belongs to."""
    said = heard.headers.get("retry-after", "").strip()
    if heard.status not in PATIENT or not said:
        return timedelta(0)
    if said.isascii() and said.isdigit():
        return timedelta(seconds=min(int(said[:6]), int(LONGEST_REST.total_seconds())))
    try:
        until = parsedate_to_datetime(said)
        return min(max(until - at, timedelta(0)), LONGEST_REST)
    except (TypeError, ValueError):  # no date, or one without a zone
        return timedelta(0)


def _attempt(letter: Letter, delivery: HookDelivery, heard: Heard, at: datetime) -> HookAttempt:
    answered = {name[:60]: _plain(covered(value, letter.own))[:300] for name, value in list(heard.headers.items())[:HEADERS_KEPT]}
    answer = _plain(covered(heard.answer.decode("utf-8", "replace"), letter.own))[:ANSWER_KEPT]
    sent = letter.headers | dict.fromkeys(letter.own, HIDDEN)
    return HookAttempt(
        vendor_id=delivery.vendor_id, mode=delivery.mode, delivery_id=delivery.id, number=delivery.attempts, sent=sent,
        status=heard.status, answered=answered, answer=answer,
        problem=heard.problem[:300], took_ms=min(heard.took_ms, 10**9), at=at,
    )  # fmt: skip


def _plain(text: str) -> str:
    """What a stranger wrote, without the signs that no database takes."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _of(key: Key) -> tuple[object, ...]:
    return HookDelivery.vendor_id == key[0], HookDelivery.mode == key[1], HookDelivery.endpoint_id == key[2]


_OF_EVENT = (Event.vendor_id == HookDelivery.vendor_id) & (Event.mode == HookDelivery.mode) & (Event.id == HookDelivery.event_id)
