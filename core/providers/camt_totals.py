"""The control totals of a statement: what the bank says it has listed, against what it has listed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.kernel.money import Money
from core.kernel.sentence import said
from core.providers.statement import StatementRefused

Minor = Callable[[str, str, int], int]


class Totals:
    """The summary as it stands in the file, kept until all entries have passed."""

    def __init__(self, element: Any, line: int) -> None:
        self.element, self.line = element, line

    def stated(self, group: str, name: str) -> str:
        """One figure of one group (all, credits, debits); empty when the bank gives none."""
        found = self.element.find(f"{{*}}{group}/{{*}}{name}")
        return "" if found is None or found.text is None else found.text.strip()


def check_totals(totals: Totals, listed: list[tuple[int, int]], currency: str, minor: Minor) -> None:
    """Refuses a summary that does not agree with the entries: their number, their sums and their net."""
    credits = [amount for sign, amount in listed if sign > 0]
    debits = [amount for sign, amount in listed if sign < 0]
    for group, name, amounts in (
        ("TtlNtries", said("entries"), credits + debits),
        ("TtlCdtNtries", said("credits"), credits),
        ("TtlDbtNtries", said("debits"), debits),
    ):
        count, total = totals.stated(group, "NbOfNtries"), totals.stated(group, "Sum")
        if count and int(count) != len(amounts):
            raise StatementRefused(
                said(
                    "The summary says %(count)s %(what)s, the statement lists %(listed)s.", count=int(count), what=name, listed=len(amounts)
                ),
                totals.line,
            )
        if total and minor(_positive(total, totals.line), currency, totals.line) != sum(amounts):
            raise StatementRefused(
                said(
                    "The summary of the %(what)s says %(total)s, they come to %(sum)s.",
                    what=name,
                    total=total,
                    sum=Money(sum(amounts), currency),
                ),
                totals.line,
            )
    _check_net(totals, sum(credits) - sum(debits), currency, minor)


def _check_net(totals: Totals, net: int, currency: str, minor: Minor) -> None:
    """Version 02 names the net and its direction beside each other, later ones in a group."""
    amount = totals.stated("TtlNtries", "TtlNetNtryAmt") or totals.stated("TtlNtries/{*}TtlNetNtry", "Amt")
    direction = totals.stated("TtlNtries", "CdtDbtInd") or totals.stated("TtlNtries/{*}TtlNetNtry", "CdtDbtInd")
    if amount and direction:
        told = minor(_positive(amount, totals.line), currency, totals.line) * (1 if direction == "CRDT" else -1)
        if told != net:
            raise StatementRefused(
                said(
                    "The summary says %(amount)s %(direction)s in all, the entries come to %(net)s.",
                    amount=amount,
                    direction=direction,
                    net=Money(net, currency),
                ),
                totals.line,
            )


def _positive(text: str, line: int) -> str:
    if text.startswith("-"):
        raise StatementRefused("A sum of the summary is below zero.", line)
    return text
