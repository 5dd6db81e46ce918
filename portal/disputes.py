"""Disputes of a vendor: what a payer's bank wants and until when, what it does to the money, and the one answer that can be given."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Response, request, url_for
from flask_babel import format_timedelta, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.queries import names_of
from core.disputes.evidence import file_kinds_of, questions_of, why_not_answerable
from core.disputes.files import get_file, list_files
from core.disputes.models import Dispute, DisputeEvent
from core.disputes.queries import SOON, STAGES, TODAY, get_dispute, history_of, list_disputes, payment_behind
from core.disputes.states import ANSWERABLE
from core.disputes.thread import list_said
from core.kernel import clock
from core.kernel.errors import NotFound
from core.ledger.queries import journals_about
from core.payments.models import Payment
from core.web.dispute_words import ADVICE, FILES, QUESTIONS, REASONS, STEPS
from core.web.guard import current, may
from core.web.languages import written
from core.web.page import cursor, page, send_kept
from portal.blueprint import portal
from portal.dispute_form import AnswerForm, FileForm, MessageForm, draft_form, empty_message, file_form
from portal.explain import BookLine, book_lines

ON_A_PAGE = 50
STAGE_WORDS = {"answer": _l("To answer"), "waiting": _l("With the bank"), "over": _l("Decided")}
MONEY = ("dispute opened", "dispute won", "dispute lost", "dispute reversed", "dispute fee")  # kinds of journals that are a dispute's
ACTORS = {"bank": _l("The payer’s bank"), "provider": _l("The processor"), "system": _l("Automatic")}


@dataclass(frozen=True)
class Left:
    """How long is left to answer, in words, and how urgent that is: red within a day, amber within three."""

    words: str
    tone: str
    at: datetime


def left_of(dispute: Dispute) -> Left | None:
    """None where nothing is to be answered, or no day was told."""
    if dispute.state not in ANSWERABLE or dispute.wish or dispute.answered_at or dispute.due_at is None:
        return None
    gap = dispute.due_at - clock.now()
    if gap <= timedelta(0):
        return Left(_("Too late"), "bad", dispute.due_at)
    if gap > TODAY:
        words = ngettext("%(num)s day left", "%(num)s days left", gap.days)
    else:
        words = _("%(time)s left", time=format_timedelta(gap, threshold=1, granularity="minute"))
    return Left(words, "bad" if gap <= TODAY else "warn" if gap <= SOON else "calm", dispute.due_at)


def stage_of(dispute: Dispute) -> str:
    """What the badge says: the state, or that an answer is on its way."""
    return "answering" if dispute.wish and dispute.state in ANSWERABLE else dispute.state


@portal.get("/portal/disputes")
@may("payments.see")
def disputes() -> Response:
    me, after, stage = current(), cursor(), request.args.get("stage", "")
    if stage and stage not in STAGES:
        raise NotFound
    found = list_disputes(me.vendor, me.mode, stage=stage, after=_key(after) if after else None, limit=ON_A_PAGE + 1)
    kept = {"stage": stage} if stage else {}
    return page(
        "portal/disputes/index.html",
        disputes=[(one, left_of(one), stage_of(one)) for one in found[:ON_A_PAGE]],
        stage=stage,
        stages=STAGE_WORDS,
        reasons=REASONS,
        newest=url_for(".disputes", **kept) if after else None,
        older=url_for(".disputes", after=str(found[ON_A_PAGE - 1].id), **kept) if len(found) > ON_A_PAGE else None,
    )


@portal.get("/portal/disputes/<number>")
@may("payments.see")
def dispute(number: str) -> Response:
    return show(get_own(number))


def get_own(number: str) -> Dispute:
    """The vendor's, in the mode they look at; refuses with 404."""
    me = current()
    return get_dispute(me.vendor, me.mode, number)


def show(found: Dispute, *, form: AnswerForm | None = None, upload: FileForm | None = None, message: MessageForm | None = None) -> Response:
    """The page of one dispute, with a form as it was sent or fresh."""
    me = current()
    payment, why_not, history = payment_behind(me.vendor, found), why_not_answerable(found), history_of(me.vendor, found)
    failed = form or upload or message
    people = names_of(me.vendor) | {me.user.public_id: _("You")}
    return page(
        "portal/disputes/show.html",
        status=(409 if failed.form_errors else 422) if failed and failed.errors else 200,
        dispute=found,
        payment=payment,
        stage=stage_of(found),
        left=left_of(found),
        reason=REASONS[found.reason],
        advice=ADVICE[found.reason],
        lines=_lines(payment),
        history=history,
        steps=STEPS,
        actors=ACTORS | people | staff_among(history),
        thread=list_said(me.vendor, found),
        people=people,
        message_form=message or empty_message(),
        may_write=me.may("disputes.answer"),
        files=list_files(found),
        file_words=FILES,
        form=form or draft_form(found),
        upload=upload or file_form(found),
        failed=failed,
        questions=questions_of(found),
        kinds=file_kinds_of(found),
        why_not=written(why_not) if why_not else None,
        may_answer=why_not is None and me.may("disputes.answer"),
        question_words=QUESTIONS,
    )


def staff_among(history: list[DisputeEvent]) -> dict[str, str]:
    """Somebody of the staff has no name for a vendor: what counts is that it was the platform."""
    return {event.actor: _("The platform’s staff") for event in history if event.actor.startswith("stf_")}


def _lines(payment: Payment) -> list[BookLine]:
    """What disputes of this payment moved on the vendor's own accounts."""
    me = current()
    if not me.may("balance.see"):
        return []
    journals = journals_about(me.vendor, me.mode, payment.public_id)
    return book_lines([(journal, legs) for journal, legs in journals if journal.kind in MONEY])


@portal.get("/portal/disputes/<number>/files/<file>")
@may("payments.see")
def dispute_file(number: str, file: str) -> Response:
    """As it is kept, which is not as it was sent: a browser shows nothing in it that could act by itself."""
    kept = get_file(current().vendor, get_own(number), file)
    ending = "pdf" if kept.media_type == "application/pdf" else "jpg"
    answer = send_kept(kept.content, f"{kept.kind}-{kept.public_id}.{ending}", kind=kept.media_type)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _key(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound(_("That page of disputes does not exist.")) from None
