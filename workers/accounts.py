"""The accounts' job: looking up, out of the asker's sight, who wants a new password."""

from __future__ import annotations

from core.accounts.queries import find_employer
from core.accounts.reset_password import ask_to_reset
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
