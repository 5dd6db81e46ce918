"""The life of an answer: a person asks for it, a worker hands it to the provider, and the provider's word moves the dispute. Giving in goes the same way."""

from __future__ import annotations

from dataclasses import dataclass

from core.accounts.models import Vendor
from core.disputes.evidence import lock_to_answer, texts_to_send
from core.disputes.files import list_files
from core.disputes.history import note
from core.disputes.models import Dispute, DisputeFile
from core.disputes.remind import next_reminder
from core.disputes.states import ANSWERABLE
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, lock_again
from core.kernel.errors import Refusal
from core.kernel.outbox import enqueue
from core.notifications.team import tell_team
from core.payments.models import Payment
from core.providers.contract import ProviderRefused
from core.providers.disputes import DisputeOutcome, Evidence, EvidenceFile
from core.providers.registry import provider_named


class NothingToSay(Refusal):
    """An answer without a word and without a file helps nobody, and there is only one."""

    code = "nothing_to_say"


def request_answer(vendor: Vendor, dispute: Dispute, *, by: str, for_vendor: bool = False) -> Dispute:
    """Send what stands in the draft: once, and for good. Asked for twice it is sent once. Refuses with NotAnswerable, NothingToSay.

    `for_vendor`: somebody of the staff does it in the vendor's place, and the team is told.
    """
    if (again := _wished(dispute, "answer")) is not None:
        return again
    dispute = lock_to_answer(dispute)
    if not dispute.draft and not list_files(dispute):
        raise NothingToSay("Write at least one answer, or add a file: it can be sent only once.", field="uncategorized_text")
    if for_vendor:
        tell_team(vendor, "dispute_answered_for", mode=dispute.mode, dispute=dispute.public_id)
    return _wish(vendor, dispute, "answer", by, texts=sorted(dispute.draft), files=[file.kind for file in list_files(dispute)])


def request_acceptance(vendor: Vendor, dispute: Dispute, *, by: str) -> Dispute:
    """Give in: the payer keeps the money. Asked for twice it is once. Refuses with NotAnswerable."""
    if (again := _wished(dispute, "accept")) is not None:
        return again
    return _wish(vendor, lock_to_answer(dispute), "accept", by)


def _wished(dispute: Dispute, wish: str) -> Dispute | None:
    dispute = lock_again(dispute)
    return dispute if dispute.wish == wish else None


def _wish(vendor: Vendor, dispute: Dispute, wish: str, by: str, **detail: list[str]) -> Dispute:
    dispute.wish, dispute.wished_by, dispute.accept_at = wish, by, None
    act = "answered" if wish == "answer" else "given_in"
    note(dispute, f"dispute.{act}_asked", actor=by, **detail)
    record(vendor.id, actor=by, action=f"dispute.{act}", subject=dispute.public_id, mode=dispute.mode, amount=str(dispute.amount))
    enqueue("send_dispute_answer", vendor.id, queue="papers", mode=dispute.mode, dispute=str(dispute.id))
    return dispute


@dataclass(frozen=True, slots=True)
class Sending:
    """What is about to be handed over."""

    dispute: Dispute
    wish: str
    texts: dict[str, str]
    files: list[DisputeFile]

    @property
    def reference(self) -> str:
        """Ours: the same for the same answer however often it is sent."""
        return f"{self.dispute.public_id}-{self.wish}-{self.dispute.cycle}"


def begin_sending(vendor: Vendor, dispute: Dispute, payment: Payment) -> Sending | None:
    """First unit of the sender. None when there is nothing to send."""
    dispute = lock_again(dispute)
    if dispute.wish is None or dispute.state not in ANSWERABLE:
        return None
    files = list_files(dispute)
    for file in files:
        db.session.refresh(file, ["content"])
    return Sending(dispute, dispute.wish, texts_to_send(vendor, payment, dispute), files)


def send(sending: Sending) -> DisputeOutcome:
    """Hand it over, outside any transaction. It may have been handed over before by somebody who did not live to say so: then it is only read."""
    dispute = sending.dispute
    provider = provider_named(dispute.provider, dispute.mode)
    known = provider.inquire_dispute(dispute.provider_reference)
    if known.state not in ANSWERABLE or known.submissions > dispute.submissions:
        return known
    if sending.wish == "accept":
        return provider.accept_dispute(sending.reference, dispute.provider_reference)
    files = tuple(EvidenceFile(file.kind, file.name, file.media_type, file.content) for file in sending.files)
    return provider.answer_dispute(sending.reference, dispute.provider_reference, Evidence(sending.texts, files))


def record_not_sent(dispute: Dispute, refusal: ProviderRefused) -> None:
    """The provider did not take it: it stands as a draft again, and the page says why."""
    dispute = lock_again(dispute)
    if dispute.wish is None:
        return
    dispute.wish, dispute.remind_at = None, next_reminder(dispute.due_at, now())
    note(dispute, "dispute.not_sent", actor="provider", why=refusal.code[:60], said=refusal.message[:300])
