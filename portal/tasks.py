"""What a vendor should look at: everything that waits for a person, each with the place where it can be dealt with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from core.directory.standing import find_standing
from core.disputes.queries import SOON, to_answer
from core.hooks.endpoints import is_troubled, list_endpoints
from core.kernel.clock import now
from core.kernel.money import Money
from core.notifications.queries import count_failed
from core.payments.claim import claims_to_decide
from core.payments.figures import FAILURES_COUNTED, failed_refunds
from core.payments.refund_queue import lines_of_refunds
from core.payments.transfer_queries import count_open_cases
from core.risk.attack import BY_SURGE, find_attack
from core.subscriptions.plan import are_sold, find_plan
from core.web.filters import money, when
from core.web.guard import current
from portal.days import beginning, today
from portal.hook_words import endpoint_name
from portal.plan_hints import grace_now

LOOKED_BACK = 30  # days


@dataclass(frozen=True)
class Task:
    """One thing to do: what, why it matters, and where."""

    title: str
    text: str
    href: str
    tone: str = "warn"


def open_tasks(found: dict[tuple[str, str, str], Money]) -> list[Task]:
    """From the balances of the book and what failed in the last weeks, the most urgent first."""
    return [
        *_attack(),
        *_disputes(),
        *_plan(),
        *_owed(found),
        *_unmatched(found),
        *_transfers(),
        *_waiting_refunds(),
        *_claims(),
        *_failed_refunds(),
        *_webhooks(),
        *_undelivered(),
    ]


def _attack() -> list[Task]:
    me = current()
    on = find_attack(me.vendor.id, me.mode)
    if on is None:
        return []
    text = _("Your payers prove that they are people until %(time)s. See why, and switch it off when it is over.", time=when(on.ends_at))
    return [Task(_("Attack mode is on"), text, url_for("portal.protection"), "bad" if on.began_by == BY_SURGE else "warn")]


def _disputes() -> list[Task]:
    """Answers that are due, with the first day: after it the payer keeps the money."""
    me = current()
    count, first = to_answer(me.vendor, me.mode)
    if not count:
        return []
    title = ngettext("%(num)s dispute waits for your answer", "%(num)s disputes wait for your answer", count)
    text = (
        _("The first until %(day)s. Without an answer the payer keeps the money.", day=when(first))
        if first
        else _("See what the bank wants to know.")
    )
    return [Task(title, text, url_for("portal.disputes", stage="answer"), "bad" if first and first - now() <= SOON else "warn")]


def _plan() -> list[Task]:
    """The plan, where it keeps the business out of the directory or soon will."""
    me, href = current(), url_for("portal.plan_page")
    row = find_plan(me.vendor, me.mode)
    if row is None:
        standing = find_standing(me.vendor.id, me.mode)
        if standing is None or not are_sold(me.mode):
            return []  # a business that lists nothing needs no plan
        return [Task(_("Choose a plan"), _("Your listings are shown as soon as a plan runs. Everything is kept meanwhile."), href)]
    if row.status == "past_due":
        text = _("The last invoice is not paid. Everything still works; see when the card is tried again, or pay with another one.")
        return [Task(_("Your plan is not paid"), text, href, "bad")]
    if row.status == "suspended":
        return [Task(_("Your plan is suspended"), _("Your listings are out of the directory. Pay what is owed to come back."), href, "bad")]
    left, words = grace_now(row)
    return [Task(_("More products than the plan holds"), " ".join(words), href, "warn" if left > 1 else "bad")] if words else []


def _owed(found: dict[tuple[str, str, str], Money]) -> list[Task]:
    title, text = _("You owe %(amount)s"), _("Refunds or disputes took more than your balance held. The next payments make it up.")
    return [
        Task(title % {"amount": money(amount)}, text, url_for("portal.balance_lines", slug="owed", currency=code), "bad")
        for (account, _sub, code), amount in found.items()
        if account == "seller_receivable" and amount and current().may("balance.see")
    ]


def _unmatched(found: dict[tuple[str, str, str], Money]) -> list[Task]:
    text = _("It came with a payment that had not asked for it. Look at the notice, and decide with the payer what becomes of it.")
    return [
        Task(_("%(amount)s arrived that was not expected", amount=money(amount)), text, _where(code), "bad")
        for (account, _sub, code), amount in found.items()
        if account == "unapplied_receipts" and amount
    ]


def _where(code: str) -> str:
    """The lines of what was not expected; whoever may not see the balance goes by the notices."""
    if current().may("balance.see"):
        return url_for("portal.balance_lines", slug="unexpected", currency=code)
    return url_for("portal.notices", kind="unexpected_money")


def _transfers() -> list[Task]:
    """Transfers of too much, or that came too late: the money waits, and so does the payer."""
    me = current()
    count = count_open_cases(me.vendor, me.mode)
    if not count:
        return []
    title = ngettext("%(num)s bank transfer needs your decision", "%(num)s bank transfers need your decision", count)
    text = _("Too much came, or it came too late. Take it, or give it back: each is one press.")
    return [Task(title, text, url_for("portal.transfers"))]


def _failed_refunds() -> list[Task]:
    me, since = current(), today() - timedelta(days=LOOKED_BACK)
    count = failed_refunds(me.vendor, me.mode, beginning(since))
    if not count:
        return []
    title = ngettext("%(num)s refund did not reach its payer", "%(num)s refunds did not reach their payers", min(count, FAILURES_COUNTED))
    return [
        Task(
            title,
            _("The money is back in your balance. Pay it back in another way, or try again."),
            url_for("portal.refunds", status="failed"),
        )
    ]


def _waiting_refunds() -> list[Task]:
    """Refunds that the balance does not hold: nobody else would notice that they stand still."""
    me = current()
    lines = lines_of_refunds(me.vendor, me.mode)
    return [
        Task(
            ngettext(
                "%(num)s refund of %(amount)s waits for your balance",
                "%(num)s refunds of %(amount)s in all wait for your balance",
                line.count,
                amount=money(line.amount),
            ),
            _("They go out by themselves, in their order, as money becomes available. Until then each can be called off."),
            url_for("portal.refunds", status="queued"),
        )
        for line in lines.values()
    ]


def _claims() -> list[Task]:
    """Accounts that payers named: no money moves before somebody has looked."""
    me = current()
    count, first = claims_to_decide(me.vendor, me.mode)
    if first is None:
        return []
    title = ngettext("%(num)s refund to a named account waits for approval", "%(num)s refunds to named accounts wait for approval", count)
    text = _("The payer has said where the money is to go. Approve it, or say why not.")
    href = url_for("portal.refund_link", number=first.public_id) if count == 1 else url_for("portal.refund_link_list", status="claimed")
    return [Task(title, text, href)]


def _webhooks() -> list[Task]:
    """Receivers of the vendor's own that take nothing: their software does not know what happens here."""
    me = current()
    if not me.may("keys.manage"):
        return []
    troubled = [one for one in list_endpoints(me.vendor, me.mode) if is_troubled(one)]
    return [
        Task(
            _("The webhook %(name)s is off", name=endpoint_name(one))
            if one.state == "off"
            else _("The webhook %(name)s fails", name=endpoint_name(one)),
            _("It took nothing, so nothing is sent there. Switch it on again when it works; what it missed can then be sent.")
            if one.state == "off"
            else _("It has taken nothing since %(time)s. What waits is tried again for three days.", time=when(one.failing_since)),
            url_for("portal.webhook", number=one.public_id),
            "bad",
        )
        for one in troubled
    ]


def _undelivered() -> list[Task]:
    me, since = current(), today() - timedelta(days=7)
    count = count_failed(me.vendor, me.mode, beginning(since))
    if not count:
        return []
    title = ngettext("%(num)s message could not be delivered", "%(num)s messages could not be delivered", count)
    return [Task(title, _("The address may be misspelt. You can send it again once it is right."), url_for("portal.outbox", state="lost"))]
