"""An invoice of a plan issued anew: by its vendor within 30 days when its details or its tax are others now, by the staff with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.accounts.house import house
from core.billing.clock import clock_of, day_at_the_seller
from core.billing.documents import CreditExceedsInvoice
from core.billing.effects import Effect
from core.billing.lines import Document
from core.billing.models import BillingDocument, KeptSubscription
from core.billing.parties import Parties
from core.billing.reissue import CannotReissue
from core.billing.reissue_store import preview_reissue, reissue_document
from core.billing.store import SHORTEST_REASON
from core.kernel.db import db, lock_again
from core.kernel.errors import Refusal
from core.kernel.sentence import said
from core.subscriptions.follow import follow

DAYS = 30  # so long its vendor may ask for it
PRINTED = ("name", "street", "postcode", "city", "country", "registration", "vat_id")  # what a paper says of its buyer


class ChangedMeanwhile(CannotReissue):
    """What was looked at is not what would be done."""

    code = "changed_meanwhile"


@dataclass(frozen=True, slots=True)
class Anew:
    """What would be made: both documents, and the buyer before and now."""

    note: Document
    invoice: Document
    before: Mapping[str, Any]
    now: Mapping[str, Any]

    @property
    def expects(self) -> str:
        """What somebody who looked at it has seen."""
        return ":".join(str(part) for part in (self.note.gross, self.invoice.gross, *(self.now.get(name) or "" for name in PRINTED)))

    @property
    def changes(self) -> bool:
        """Whether the new invoice says anything else than the old one."""
        renamed = any((self.before.get(name) or "") != (self.now.get(name) or "") for name in PRINTED)
        return renamed or [(tax.bps, -tax.net) for tax in self.note.taxes] != [(tax.bps, tax.net) for tax in self.invoice.taxes]


def plan_of(document: BillingDocument) -> KeptSubscription:
    """The subscription a document belongs to."""
    return db.session.get_one(KeptSubscription, (document.vendor_id, document.mode, document.subscription_id))


def anew_of(row: KeptSubscription, document: BillingDocument) -> Anew:
    """What issuing it anew would make now. Refuses as the act does."""
    note, new = preview_reissue(row, document)
    return Anew(note, new, document.buyer, Parties().of(row)[1])


def anew_or_why_not(row: KeptSubscription, document: BillingDocument) -> tuple[Anew | None, Refusal | None]:
    """The same for a page: it, or the reason why it cannot be."""
    try:
        return anew_of(row, document), None
    except (CannotReissue, CreditExceedsInvoice) as refusal:
        return None, refusal


def check_own(row: KeptSubscription, document: BillingDocument) -> Anew:
    """What its vendor may ask for: within the days, and where it changes anything. Refuses with the reason."""
    issued = document.issued_on
    if issued is not None and (day_at_the_seller(house(), clock_of(row)) - issued).days > DAYS:
        raise CannotReissue(said("An invoice can be issued anew within %(days)s days. Write to us about this one.", days=DAYS))
    anew = anew_of(row, document)
    if not anew.changes:
        raise CannotReissue("It says what you are called and how you are taxed today: nothing on it would change.")
    return anew


def may_ask_anew(document: BillingDocument) -> bool:
    """Whether its vendor is offered it."""
    try:
        check_own(plan_of(document), document)
    except (CannotReissue, CreditExceedsInvoice):
        return False
    return True


def issue_own_anew(row: KeptSubscription, document: BillingDocument, *, expects: str, by: str) -> tuple[Effect, ...]:
    """The vendor's own act: what it looked at, and nothing else."""
    row = lock_again(row)
    if check_own(row, document).expects != expects:
        raise ChangedMeanwhile("Something has changed since you opened this page. Look at it once more.")
    return _issue(row, document, reason="", by=by)


def issue_anew(row: KeptSubscription, document: BillingDocument, *, reason: str, by: str) -> tuple[Effect, ...]:
    """By the staff, at any time. Refuses without a reason, and as the act does."""
    reason = " ".join(reason.split())
    if len(reason) < SHORTEST_REASON:
        raise Refusal("Say in a few words why: it stays with both documents.", field="why")
    return _issue(lock_again(row), document, reason=reason, by=by)


def _issue(row: KeptSubscription, document: BillingDocument, *, reason: str, by: str) -> tuple[Effect, ...]:
    effects = reissue_document(row, document, reason=reason, by=by)
    follow(row)
    return effects
