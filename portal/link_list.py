"""The list of payment links with its filters, and what can be done to several of them at once."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from core.kernel.errors import Conflict, NotFound, Refusal
from core.payments.archive import archive_link, unarchive_link
from core.payments.basket import offer_of
from core.payments.link import expire_link, link_state, pause_link, resume_link
from core.payments.models import PaymentLink
from core.payments.queries import get_link, label_words, labels_by_link, list_links
from core.payments.sharing import add_label, remove_label
from core.web.fields import ChoiceField, Form, LineField, options, plain_text
from core.web.guard import current, may
from core.web.languages import written
from core.web.page import cursor, page, see_other
from portal.blueprint import portal
from portal.branch_choices import branches_to_choose
from portal.link_undo import MOST, WAYS_BACK, done, undo_offered

STATES = [("", _l("All")), ("active", _l("Active")), ("paused", _l("Paused")), ("expired", _l("Ended")), ("archived", _l("Archived"))]
AMOUNTS = [("", _l("All")), ("fixed", _l("Fixed")), ("open", _l("Payer chooses")), ("request", _l("In parts"))]
ACTS = [
    ("pause", _l("Pause")),
    ("resume", _l("Resume")),
    ("archive", _l("Archive")),
    ("unarchive", _l("Bring back from the archive")),
    ("expire", _l("End for good")),
    ("label", _l("Add a label")),
    ("unlabel", _l("Take a label off")),
]


class FilterForm(Form):
    class Meta:
        csrf = False  # reading changes nothing

    q = LineField(_l("Search"), most=120)
    state = ChoiceField(_l("State"), choices=options(STATES), default="")
    label = LineField(_l("Label"), most=30)
    amount = ChoiceField(_l("Amount"), choices=options(AMOUNTS), default="")
    branch = ChoiceField(_l("Branch"), choices=lambda: options(branches_to_choose(blank=_("All branches"))), default="")

    def wanted(self) -> dict[str, str | None]:
        """The filters as the question about links takes them."""
        return {
            "text": self.q.data or None,
            "state": self.state.data or None,
            "label": self.label.data or None,
            "amount_kind": self.amount.data or None,
            "branch": self.branch.data or None,
        }

    def kept(self) -> dict[str, str]:
        """What belongs in the address of the next page."""
        return {name: field.data for name, field in self._fields.items() if field.data}


@portal.get("/portal/links")
@may("links.see")
def links() -> Response:
    me, form = current(), FilterForm(request.args)
    good, after = form.validate(), cursor()
    found = list_links(me.vendor, me.mode, after=after, limit=MOST, **(form.wanted() if good else {}))
    kept, words = form.kept() if good else {}, [] if me.limited else label_words(me.vendor, me.mode)
    return page(
        "portal/links/index.html",
        fragment="portal/links/_table.html",
        form=form,
        links=found.rows,
        items={link.public_id: len(offer_of(link).items) for link in found.rows},
        states={link.public_id: link_state(link) for link in found.rows},
        labels=labels_by_link(me.vendor, me.mode, found.rows),
        label_words=words,
        label_options=[(word, word) for word in dict.fromkeys([*words, form.label.data or ""]) if word],
        acts=ACTS,
        kept=kept,
        undo=undo_offered(),
        filtered=bool(kept),
        newest=url_for(".links", **kept) if after else None,
        older=url_for(".links", after=found.next, **kept) if found.next else None,
    )


@portal.post("/portal/links/bulk")
@may("links.edit")
def bulk() -> Response:
    """Does one thing to every ticked link that takes it, says what was done, and offers the way back. From an end there is none: it is asked first."""
    act, chosen = request.form.get("act", ""), _chosen()
    kept = {name: value for name in ("q", "state", "label", "amount", "branch") if (value := request.form.get(f"kept_{name}"))}
    if act not in dict(ACTS):
        raise Conflict(_("Choose what to do with the links."))
    if not chosen:
        flash(_("Tick the links first."), "warn")
        return see_other(url_for(".links", **kept))
    ending = [link for link in chosen if link.state != "expired"]
    if act == "expire" and ending and "sure" not in request.form:
        return page("portal/links/expire_many.html", links=ending, kept=kept, back=url_for(".links", **kept))
    changed, refused = _to_each(chosen, _act(act))
    for message in refused:
        flash(message, "warn")
    if changed:
        flash(_said(act, changed), "good")
    what = f"{act}d"  # paused, resumed, archived, unarchived
    if what in WAYS_BACK and changed:
        return see_other(done(".links", what, changed, **kept))
    return see_other(url_for(".links", **kept))


def _chosen() -> list[PaymentLink]:
    """The ticked links that are this vendor's, always in one order: two people who change the same ones do not block each other."""
    me = current()
    ids = dict.fromkeys(request.form.getlist("links")[:MOST])
    return sorted((get_link(me.vendor, me.mode, public_id) for public_id in ids), key=lambda link: link.id)


def _act(name: str) -> Callable[[PaymentLink], bool]:
    by, label = current().user.public_id, request.form.get("label", "")
    if name in ("label", "unlabel") and (plain_text(label) or not label.strip()):
        raise Conflict(_("Write the label beside the choice."))
    acts: dict[str, Callable[[PaymentLink], bool]] = {
        "pause": lambda link: link.state == "active" and bool(pause_link(link, by=by, message=link.paused_message)),
        "resume": lambda link: link.state == "paused" and bool(resume_link(link, by=by)),
        "archive": lambda link: archive_link(link, by=by),
        "unarchive": lambda link: unarchive_link(link, by=by),
        "expire": lambda link: link.state != "expired" and bool(expire_link(link, by=by)),
        "label": lambda link: add_label(link, by=by, label=label),
        "unlabel": lambda link: remove_label(link, by=by, label=label),
    }
    return acts[name]


def _to_each(links: list[PaymentLink], act: Callable[[PaymentLink], bool]) -> tuple[list[PaymentLink], list[str]]:
    """Which links changed, and what was said by those that refused. A refusal is raised before anything is written."""
    changed, refused = [], []
    for link in links:
        try:
            if act(link):
                changed.append(link)
        except NotFound:
            raise
        except Refusal as no:
            refused.append(f"{link.title}: {written(no.message)}")
    if not changed and not refused:
        refused.append(_("Nothing to change: the ticked links are that way already, or have ended."))
    return changed, refused


def _said(act: str, changed: list[PaymentLink]) -> str:
    number = len(changed)
    return {
        "pause": ngettext(
            "%(num)s link paused. Nobody can pay through it now.", "%(num)s links paused. Nobody can pay through them now.", number
        ),
        "resume": ngettext("%(num)s link takes payments again.", "%(num)s links take payments again.", number),
        "archive": ngettext(
            "%(num)s link archived. Payers read that it has expired.", "%(num)s links archived. Payers read that they have expired.", number
        ),
        "unarchive": ngettext("%(num)s link is back.", "%(num)s links are back.", number),
        "expire": ngettext("%(num)s link has ended. Its history stays.", "%(num)s links have ended. Their history stays.", number),
        "label": ngettext("%(num)s link labelled.", "%(num)s links labelled.", number),
        "unlabel": ngettext("Label taken off %(num)s link.", "Label taken off %(num)s links.", number),
    }[act]
