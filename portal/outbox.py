"""The messages sent in a vendor's name, and in the demo the letters that would have left by mail."""

from __future__ import annotations

from flask import Response, request, url_for
from flask_babel import lazy_gettext as _l

from core.accounts.queries import find_employer, find_user
from core.kernel.config import settings
from core.kernel.errors import NotFound
from core.notifications.queries import get_message, list_messages, may_read_words
from core.web.fields import plain_text
from core.web.guard import current, may, public
from core.web.page import cursor, page
from portal.blueprint import portal
from portal.mail import MODE, is_kept_here, may_be_read_by_anybody

KINDS = {
    "verify_email": "Confirm your address",
    "reset_password": "New password",
    "password_changed": "Password changed",
    "payment_received": "Payment received",
    "receipt": "Receipt",
    "refund_sent": "Refund sent",
    "refund_failed": "Refund failed",
    "link_sent": _l("Link sent"),
    "link_reminder": _l("Reminder of a link"),
}


@portal.get("/portal/outbox")
@may("messages.see")
def outbox() -> Response:
    me, after = current(), cursor()
    found = list_messages(me.vendor, me.mode, after=after, limit=25)
    return page(
        "portal/outbox/index.html",
        fragment="portal/outbox/_table.html",
        messages=found.rows,
        kinds=KINDS,
        kept_here=is_kept_here(),
        older=url_for(".outbox", after=found.next) if found.next else None,
        newest=url_for(".outbox") if after else None,
    )


@portal.get("/portal/outbox/<public_id>")
@may("messages.see")
def message(public_id: str) -> Response:
    me = current()
    found = get_message(me.vendor, me.mode, public_id)
    readable = may_read_words(found, email=me.user.email, demo=settings().demo)
    return page("portal/outbox/show.html", message=found, kinds=KINDS, readable=readable)


@portal.get("/outbox")
@public
def demo_outbox() -> Response:
    """In the demo somebody who forgot a password cannot sign in to read the message about it; so this one page is open."""
    if not may_be_read_by_anybody():
        raise NotFound
    address = request.args.get("address", "")
    user = None if plain_text(address) else find_user(address)
    vendor = find_employer(user) if user else None
    rows = list_messages(vendor, MODE, about=user.public_id, limit=10).rows if vendor and user else []
    return page("portal/outbox/demo.html", address=address, messages=[row for row in rows if row.text], kinds=KINDS)
