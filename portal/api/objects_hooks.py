"""The objects of what your software is told: webhook endpoints, what was sent there, and the feed of events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import url_for

from core.hooks.endpoints import public_keys
from core.hooks.feed import envelope
from core.hooks.log import Line
from core.hooks.models import HookAttempt, HookEndpoint
from core.hooks.states import CAUSES, DELIVERY
from core.kernel.config import settings
from portal.api.objects import MODES
from portal.api.shapes import each, flag, free, moment, number, one, pairs, shape, text, texts, written_moment

ON_OFF = ("on", "off")

HOOK = shape(
    "webhook_endpoint",
    "An address of your software that is told of events.",
    id=text("Its number, whe_...", lambda row: row.public_id),
    mode=text("Whether it is told of practice or of real money.", lambda row: row.mode, one_of=MODES),
    name=text("What you call it; may be empty.", lambda row: row.name),
    address=text("Where events are sent; empty where the portal itself catches them.", lambda row: row.address),
    catcher=flag("Whether the portal itself is the receiver, for trying it out.", lambda row: row.catches),
    types=texts("Of what it is told; none named: of everything.", lambda row: row.types),
    version=text("The version its events are written in, whatever comes after.", lambda row: row.version),
    header_names=texts("Names of headers of your own that go along with every delivery. Their values are never told.", lambda row: row.header_names),
    status=text("Whether anything is sent there.", lambda row: row.state, one_of=ON_OFF),
    why_off=text(
        "Why it is off: by_hand, answered_410, or failing for three days.", lambda row: row.why_off if row.state == "off" else None,
        nullable=True,
    ),
    failing_since=moment("Since when it has taken nothing.", lambda row: row.failing_since),
    last_success_at=moment("When it last took something.", lambda row: row.succeeded_at),
    last_failure_at=moment("When it last did not.", lambda row: row.failed_at),
    created_at=moment("When it was made.", lambda row: row.made_at, nullable=False),
    public_keys=texts(
        "Public keys, whpk_...: with any of them the v1a signature (Ed25519) of a delivery is checked. The newest first, the former one beside it "
        "while a secret is rolled.",
        public_keys,
    ),
    secret_url=text("Where its secret can be read for an hour after it was made or rolled.", lambda row: _secret_url(row)),
)  # fmt: skip

DELETED_HOOK = shape(
    "webhook_endpoint",
    "An endpoint that was taken away.",
    "DeletedWebhookEndpoint",
    id=text("The number it had.", lambda row: row.public_id),
    deleted=flag("Always true.", lambda row: True),
)


def _secret_url(row: HookEndpoint) -> str:
    """Whole, as every address that the API gives."""
    return settings().public_url + url_for("api.show_hook_secret", number=row.public_id)


@dataclass(frozen=True)
class SeenSecret:
    """A secret with whose it is, and until when the former one still signs."""

    endpoint: HookEndpoint
    secret: str
    former_until: datetime | None


HOOK_SECRET = shape(
    "webhook_secret",
    "What deliveries are signed with.",
    endpoint=text("The endpoint whose it is.", lambda seen: seen.endpoint.public_id),
    secret=text("The secret, whsec_...", lambda seen: seen.secret),
    former_signs_until=moment("Until when the former secret signs beside it.", lambda seen: seen.former_until),
)

# Read off the envelope itself, so that the feed, an event's own address and a delivery's body say the same letter by letter.
EVENT = shape(
    "event",
    "Something that happened. Your software knows it by its id: the same one may be sent twice.",
    id=text("Its number, evt_...", lambda told: told["id"]),
    type=text("What happened: payment.succeeded.", lambda told: told["type"]),
    timestamp=written_moment("When it happened.", lambda told: told["timestamp"]),
    mode=text("Practice or real money.", lambda told: told["mode"], one_of=MODES),
    version=text("The version it is written in.", lambda told: told["version"]),
    sequence=number("Its place in the feed: grows by one with each event. Of two about one object the larger is the newer.", lambda told: told["sequence"]),
    data=free("`object` is what it is about, as it stood then or later, in the shape of events of this version: ask for it by its id for the shape it has here. `sample_of` beside it marks a sample, which somebody had sent as a test.", lambda told: told["data"]),
)  # fmt: skip

FEED = shape(
    "list",
    "Some events in their order, the oldest first.",
    "EventPage",
    data=each(EVENT, "The events.", lambda found: [envelope(row) for row in found.rows]),
    next=text("Ask on with it as `after`; null when nothing has ever happened.", lambda found: found.next, nullable=True),
    has_more=flag("Whether there are more already.", lambda found: found.has_more),
)

CHANGE = shape(
    "change",
    "That something changed, without what it became: a line for a store that follows everything.",
    sequence=number("Its place in the feed: grows by one with each.", lambda row: row.position),
    type=text("What happened: payment.succeeded.", lambda row: row.type),
    about=text("The object, by its number.", lambda row: row.subject),
    event=text("The event with the object as it stood: /events/{id}.", lambda row: row.public_id),
    at=moment("When it happened.", lambda row: row.at, nullable=False),
)

CHANGES = shape(
    "list",
    "Some changes in their order, the oldest first.",
    "ChangePage",
    data=each(CHANGE, "The changes.", lambda found: found.rows),
    next=number("Ask on with it as `after`.", lambda found: found.next),
    has_more=flag("Whether there are more already.", lambda found: found.has_more),
)


@dataclass(frozen=True)
class SeenDelivery:
    """A delivery with its event and where it goes."""

    endpoint: HookEndpoint
    line: Line
    tries: tuple[HookAttempt, ...] = ()


HOOK_DELIVERY = shape(
    "webhook_delivery",
    "One event on its way to one endpoint.",
    id=text("Its number, dlv_...", lambda seen: seen.line.delivery.public_id),
    mode=text("Practice or real money.", lambda seen: seen.line.delivery.mode, one_of=MODES),
    endpoint=text("Where it goes.", lambda seen: seen.endpoint.public_id),
    event=text("The event that is sent.", lambda seen: seen.line.event.public_id),
    type=text("What happened.", lambda seen: seen.line.event.type),
    about=text("The object it is about, by its number.", lambda seen: seen.line.event.subject),
    cause=text("Why it is sent: it happened, or somebody asked.", lambda seen: seen.line.delivery.cause, one_of=CAUSES),
    status=text("How it stands.", lambda seen: seen.line.delivery.state, one_of=DELIVERY),
    attempts=number("How often it was tried.", lambda seen: seen.line.delivery.attempts),
    last_answer=number("The HTTP status of the last answer.", lambda seen: seen.line.delivery.status, nullable=True),
    next_try_at=moment("When it is tried next.", lambda seen: seen.line.delivery.due_at),
    created_at=moment("When it was made.", lambda seen: seen.line.delivery.created_at, nullable=False),
    ended_at=moment("When it was over.", lambda seen: seen.line.delivery.ended_at),
)

HOOK_TRY = shape(
    "webhook_try",
    "One try to deliver something.",
    number=number("Which one it was.", lambda row: row.number),
    at=moment("When.", lambda row: row.at, nullable=False),
    took_ms=number("How many milliseconds it took.", lambda row: row.took_ms),
    sent_headers=pairs("What was sent beside the body; of headers of your own the name and ••• for the value.", lambda row: row.sent),
    answer=number("The HTTP status of the answer.", lambda row: row.status, nullable=True),
    answer_headers=pairs("What came back beside it.", lambda row: row.answered),
    answer_body=text("How the answer began.", lambda row: row.answer),
    problem=text("Why there was no answer.", lambda row: row.problem or None, nullable=True),
)

HOOK_DELIVERY_IN_FULL = shape(
    "webhook_delivery",
    "A delivery with what was sent and every try.",
    "WebhookDeliveryInFull",
    **HOOK_DELIVERY.parts,
    body=one(EVENT, "What was sent.", lambda seen: envelope(seen.line.event)),
    tries=each(HOOK_TRY, "The last one first.", lambda seen: seen.tries),
)


@dataclass(frozen=True)
class SeenCatchUp:
    """What bringing an endpoint up to date sends, or would send."""

    endpoint: HookEndpoint
    dry: bool
    objects: int
    left_out: int
    arrived: int


CATCH_UP = shape(
    "catch_up",
    "What an endpoint is sent that it missed.",
    endpoint=text("Which one.", lambda seen: seen.endpoint.public_id),
    dry_run=flag("Whether it was only counted.", lambda seen: seen.dry),
    objects=number("Of how many objects the newest state is sent.", lambda seen: seen.objects),
    older_left_out=number("How many older states of them are not.", lambda seen: seen.left_out),
    arrived_already=number("Of how many objects the newest state had arrived.", lambda seen: seen.arrived),
)
