"""The accounts' jobs: looking up, out of the asker's sight, who wants a new password; and beginning what the staff announced to stop."""

from __future__ import annotations

from uuid import UUID

from core.accounts.queries import find_employer, get_vendor
from core.accounts.reset_password import ask_to_reset
from core.admission.stops import begin_announced, get_stop
from core.kernel.db import unit_of_work
from core.notifications.notify import notify
from workers.task import Task


def send_reset_links(tasks: list[Task]) -> None:
    """The link goes to whoever has the address; when nobody has it, nothing happens, and nobody could time the difference."""
    for task in tasks:
        known = ask_to_reset(task.args["email"])
        vendor = known and find_employer(known[0])
        if known and vendor:
            user, link = known
            locale = task.args.get("locale", "en")
            notify(vendor, "reset_password", mode="test", to=link.email, locale=locale, user=user.public_id, token=link.token_id)


def begin_stop(vendor_id: UUID, *, mode: str, stop: str) -> None:
    """The day has come of which the business was told."""
    with unit_of_work():
        vendor = get_vendor(vendor_id)
        begin_announced(vendor, get_stop(vendor, mode, stop))
