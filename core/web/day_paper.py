"""The paper of a closed day: what each account opened with, what moved, what it closed with, where every chain ended, and who signed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Protocol

from core.kernel.money import Money
from core.web.mail import stationery_for
from core.web.reader import Reader

PLATFORM = "00000000-0000-0000-0000-000000000000"  # whose book it is that belongs to no vendor
LANGUAGE, ZONE = "en", "UTC"  # one paper for whoever audits the house, and a day of the books is one in UTC


class Day(Protocol):
    """What the paper needs to know of a day that is closed."""

    mode: str
    day: date
    facts: dict[str, Any] | None


def day_html(row: Day, names: Mapping[str, str]) -> str:
    """The whole sheet. `names` says what a book is called to the outside. The same facts give the same text, whenever it is written."""
    facts = {"people": {}} | (row.facts or {})  # until November 2026 a day wrote down its signers by number only, and its paper says those
    reader = Reader(LANGUAGE, ZONE)
    return (
        stationery_for(reader)
        .get_template("papers/day.html")
        .render(
            day=row.day,
            practice=row.mode == "test",
            facts=facts,
            closed_at=datetime.fromisoformat(facts["closed_at"]),
            since=date.fromisoformat(facts["since"]) if facts["since"] else None,
            currencies=[_currency(total, facts["accounts"]) for total in facts["totals"]],
            accepted=[{**one, "amount": _money(one)} for one in facts["accepted"]],
            heads=[{"whose": _whose(head, names), "what": head[1], "seq": head[2], "hash": head[3]} for head in facts["heads"]],
        )
    )


def _currency(total: Mapping[str, Any], accounts: list[dict[str, Any]]) -> dict[str, Any]:
    code = total["currency"]
    sums = {name: Money(total[name], code) for name in ("debit", "credit", "left", "right")}
    lines = [
        {"code": one["code"], "name": one["name"], **{name: Money(one[name], code) for name in ("opening", "debit", "credit", "closing")}}
        for one in accounts
        if one["currency"] == code
    ]
    return {"code": code, "accounts": lines, **sums}


def _money(one: Mapping[str, Any]) -> Money | None:
    return Money(one["minor"], one["currency"]) if "minor" in one else None


def _whose(head: list[Any], names: Mapping[str, str]) -> str:
    return "platform" if head[0] == PLATFORM else names.get(head[0], "unknown")
