"""Card testing, seen from a payment: each try is looked at before it goes to the provider, each decline is counted after it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import bindparam, select

from core.accounts.models import Vendor
from core.kernel.ask import Question
from core.kernel.clock import now
from core.kernel.network import one_network
from core.notifications.team import tell_team
from core.payments.attempt import live_attempt, tries_told
from core.payments.hear import ask_again
from core.payments.history import note
from core.payments.lockout import BY_CARD
from core.payments.models import Payment
from core.payments.start import lock_payment
from core.payments.states import PAID_OR_OVER
from core.risk import score
from core.risk.attack import attacks_told, begin_by_surge
from core.risk.score import Verdict
from core.risk.windows import kept, mark

HOLD = timedelta(minutes=30)
REMEMBERED = 24 * 3600  # seconds for which it is known from where a payment was tried
_BEFORE_A_TRY = Question(select(tries_told(), attacks_told(bindparam("vendor_id"), bindparam("mode"), bindparam("at"))))


@dataclass(frozen=True, slots=True)
class Source:
    """From where a try comes: a network address and a browser."""

    address: str
    browser: str


@dataclass(frozen=True, slots=True)
class Screened:
    """What a try came to, whether the vendor is under attack, and how many tries there were before."""

    verdict: Verdict
    under_attack: bool
    tries: int


def screen_try(vendor: Vendor, payment: Payment, source: Source) -> Screened:
    """Look at a try before it is made. Nothing is counted yet. Reads the vendor's attack mode from the database, the rest from Redis."""
    [(tries, attacks)] = _BEFORE_A_TRY.all(vendor_id=vendor.id, mode=payment.mode, payment_id=payment.id, at=now())
    under_attack = attacks > 0
    return Screened(score.judge(_scope(payment), _who(payment, source), under_attack=under_attack), under_attack, tries)


def count_try(payment: Payment, source: Source, *, number: int) -> None:
    """It is being made: counted, and remembered from where, because news of its decline comes from elsewhere."""
    where = json.dumps({"address": source.address, "browser": source.browser})
    beside = _where(payment), where, REMEMBERED
    score.note_try(_scope(payment), _who(payment, source), name=f"{payment.public_id}.{number}", beside=beside)


def count_decline(payment: Payment, *, decline: str, card: str) -> tuple[Verdict, int]:
    """A card was declined on this payment: counted once, however often it is heard. Outside any transaction.

    Gives what another try from the same place would come to, and the declines of a surge at the vendor (0: there is none).
    """
    scope, who = _scope(payment), _who(payment, _source_of(payment)) | {"card": card}
    score.note_decline(scope, who, name=decline, card=card, link=str(payment.link_id))
    return score.judge(scope, who), score.is_surge(scope, who["vendor"])


def act_on_decline(vendor: Vendor, payment: Payment, verdict: Verdict, surge: int) -> None:
    """What follows from the count: the vendor's attack mode, and this payment held."""
    if surge and begin_by_surge(vendor, payment.mode, declines=surge):
        tell_team(vendor, "attack_mode", mode=payment.mode, began=now().isoformat(timespec="seconds"))
    if verdict.step == "stop":
        hold_payment(payment, verdict)


def hold_payment(payment: Payment, verdict: Verdict) -> None:
    """No card is tried on it for half an hour, and one that may be tried at this moment is called off. Repeating it changes nothing."""
    payment = lock_payment(payment)
    if payment.state in PAID_OR_OVER or (payment.held_until and now() < payment.held_until):
        return
    payment.held_until = now() + HOLD
    limit = verdict.limit
    detail = {"counted": limit.counted, "of": limit.of, "most": limit.most, "seconds": limit.seconds} if limit else {}
    note(payment, "payment.held", actor="system", score=verdict.score, **detail)
    attempt = live_attempt(payment)
    if attempt is not None and attempt.method in BY_CARD:
        ask_again(payment.vendor_id, payment.mode, attempt)  # its page at the provider takes cards still: a worker closes it


def _scope(payment: Payment) -> str:
    """Each vendor is counted alone: nobody is stopped here for what happened at somebody else's."""
    return f"{payment.vendor_id}:{payment.mode}"


def _who(payment: Payment, source: Source) -> dict[str, str]:
    return {
        "address": source.address,
        "browser": source.browser,
        "email": payment.email,
        "link": str(payment.link_id),
        "vendor": str(payment.vendor_id),
    }


def _where(payment: Payment) -> str:
    return mark(_scope(payment), "where", payment.public_id)


def _source_of(payment: Payment) -> Source:
    """Where this payment was last tried from; nobody knows when Redis has forgotten it."""
    said = kept(_where(payment))
    try:
        found = json.loads(said) if said else {}
    except ValueError:
        found = {}
    return Source(str(found.get("address", "")), str(found.get("browser", "")))


def source(address: str, browser: str) -> Source:
    """From where a request comes, as it is counted: by what our own key makes of it, never by the address itself."""
    return Source(mark("", "address", one_network(address)), mark("", "browser", browser) if browser else "")
