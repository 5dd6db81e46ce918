"""Sending a letter to a customer once more, because a person asks for it: the same kind about the same thing, as it is true now."""

from __future__ import annotations

from core.accounts.models import Vendor
from core.kernel import audit
from core.kernel.errors import Conflict, Refusal
from core.notifications.mail_stops import find_stop
from core.notifications.models import Message
from core.notifications.notify import is_address, notify

AGAIN = ("receipt", "refund_sent")  # what a customer may have lost; nobody else's letters, and none with a key in it


class NotToBeRepeated(Conflict):
    """A letter of this kind is not sent a second time."""

    code = "not_to_be_repeated"


def resend(vendor: Vendor, message: Message, *, to: str, by: str) -> Message:
    """A new letter with a number of its own; the old one stays as it is. `to` may put a misspelt address right."""
    if message.kind not in AGAIN:
        raise NotToBeRepeated("Only a receipt or the news of a refund can be sent again.")
    if not is_address(to):
        raise Refusal("Enter an e-mail address like name@example.com.", field="email")
    stop = find_stop(vendor, message.mode, to)
    if stop is not None and stop.unreachable_at is not None:
        raise Refusal("This address refused an earlier letter. Let it through again first, or use another one.", field="email")
    made = notify(vendor, message.kind, mode=message.mode, to=to, locale=message.locale, **message.params)
    audit.record(
        vendor.id, actor=by, action="message.sent_again", subject=made.public_id, first=message.public_id, corrected=to != message.recipient
    )
    return made
