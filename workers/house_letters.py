"""Letters of the house to its own staff: the paper of a closed day."""

from __future__ import annotations

from datetime import date

from core.accounts.models import Vendor
from core.accounts.staff_papers import reads_day_papers
from core.kernel.db import unit_of_work
from core.ledger.days import find_day, find_paper
from core.notifications.models import Message
from core.web import addresses
from core.web.mail import Enclosure
from workers.letter import Facts, NoLongerTrue


def day_paper(vendor: Vendor, message: Message) -> Facts:
    """What the day came to in a few words; the paper itself is enclosed. Not written to somebody who has left, or does not want it any more."""
    row, paper = find_day(message.mode, _day(message)), find_paper(message.mode, _day(message))
    if row is None or row.facts is None or paper is None:
        raise NoLongerTrue("there is no paper of this day")
    if not reads_day_papers(message.recipient):
        raise NoLongerTrue("they are not sent the papers of days any more")
    return {
        "day": row.day, "facts": row.facts, "sha256": paper.sha256, "practice": message.mode == "test",
        "action_url": addresses.staff_day(message.mode, row.day.isoformat()),
    }  # fmt: skip


def day_paper_enclosed(vendor: Vendor, message: Message) -> list[Enclosure]:
    """As it was printed."""
    with unit_of_work():
        paper = find_paper(message.mode, _day(message))
    return [Enclosure(f"day-{message.mode}-{_day(message).isoformat()}.pdf", "application/pdf", paper.pdf)] if paper else []


def _day(message: Message) -> date:
    return date.fromisoformat(message.params["day"])
