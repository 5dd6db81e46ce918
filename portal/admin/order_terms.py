"""What the platform keeps of orders: the fees in force, the versions there were, and a new one, which is tried on an order before it is published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from core.accounts.house import house
from core.accounts.staff import staff_names
from core.kernel import clock
from core.kernel.errors import NotFound
from core.kernel.money import Money
from core.orders.terms import Rate, Terms, list_terms, terms_now
from core.orders.terms_versions import COMING, EARLIER, IN_FORCE, REPLACED, before, counting_at, fee_of, publish_next, standings, terms_of
from core.web.filters import money, percent
from core.web.page import page, see_other
from core.web.staff_guard import staff, staff_may
from portal.admin.blueprint import staff_door
from portal.admin.order_terms_form import BEARERS, USUAL_BPS, OrderTermsForm, form_of, posted_form
from portal.confirm import confirmed

WORLDS = {"live": _l("live"), "test": _l("test")}
STANDINGS: dict[str, tuple[Any, str]] = {
    IN_FORCE: (_l("in force"), "good"),
    COMING: (_l("to come"), "info"),
    EARLIER: (_l("earlier"), "quiet"),
    REPLACED: (_l("replaced"), "quiet"),
}


@dataclass(frozen=True)
class Difference:
    """What a version says differently; None where one of them says nothing."""

    what: str
    before: str | None
    after: str | None


@staff_door.get("/staff/order-terms")
@staff_may("order_terms.see")
def order_terms() -> Response:
    """`?mode=test` shows what test orders are charged by."""
    mode = _mode(request.args.get("mode", "live"))
    kept = list_terms(mode)
    known = standings(kept, clock.now())
    coming = sorted((each for each in kept if known[each.version] == COMING), key=lambda each: each.begins_at)
    return page(
        "portal/admin/order_terms/index.html",
        mode=mode,
        current=counting_at(kept, clock.now()),
        terms=terms_now(mode),
        coming=[(each, differences(before(kept, each), terms_of(each))) for each in coming],
        kept=kept,
        **_words(known),
    )


@staff_door.get("/staff/order-terms/<mode>/<version>")
@staff_may("order_terms.see")
def order_terms_version(mode: str, version: str) -> Response:
    """One version, whole, and what it said differently from the one before it."""
    kept = list_terms(_mode(mode))
    shown = next((each for each in kept if str(each.version) == version), None)
    if shown is None:
        raise NotFound(_("There is no such version."))
    return page(
        "portal/admin/order_terms/show.html",
        mode=mode,
        shown=shown,
        terms=terms_of(shown),
        changes=differences(before(kept, shown), terms_of(shown)),
        **_words(standings(kept, clock.now())),
    )


@staff_door.get("/staff/order-terms/new")
@staff_may("order_terms.publish")
def new_order_terms() -> Response:
    """Filled in with the latest version."""
    mode = _mode(request.args.get("mode", "live"))
    latest = next(iter(list_terms(mode)), None)
    return _edit(form_of(terms_of(latest) if latest else Terms(0), house().currency), mode, latest.version if latest else 0)


@staff_door.post("/staff/order-terms/new")
@staff_may("order_terms.publish")
def look_at_order_terms() -> Response:
    """More rows, back to the form, or what an order would cost then."""
    mode, after, form = _mode(request.form.get("mode", "")), _after(), posted_form()
    if request.form.get("go") in ("more", "edit") or not form.validate():
        return _edit(form, mode, after)
    begins, terms = form.begins_at.data, form.terms
    other = counting_at(list_terms(mode), begins or clock.now())
    present = terms_of(other) if other is not None else Terms(0)
    assert form.example_amount.data is not None  # the form refuses to be without
    amount, tier, category = form.example_amount.data, form.example_tier.data or "", form.example_category.data or ""
    return page(
        "portal/admin/order_terms/preview.html",
        mode=mode,
        world=WORLDS[mode],
        begins_at=begins,
        terms=terms,
        changes=differences(present, terms),
        amount=amount,
        tier=tier,
        category=category,
        fees=[fee_of(one, amount, tier=tier, category=category, usual_bps=USUAL_BPS) for one in (present, terms)],
        carried=[(name, value) for name, value in request.form.items(multi=True) if name not in ("csrf_token", "go")],
        rate_rows=rate_rows(terms),
        usual=percent(USUAL_BPS),
    )


@staff_door.post("/staff/order-terms")
@staff_may("order_terms.publish")
@confirmed
def publish_order_terms() -> Response:
    """It counts for checkouts that are opened from then on. Sent twice it is published once."""
    mode, after, form = _mode(request.form.get("mode", "")), _after(), posted_form()
    if form.validate():
        with form.refusals():
            made = publish_next(mode, form.terms, begins_at=form.begins_at.data, after=after, by=staff().public_id)
            flash(_("Published as version %(version)s.", version=made.version), "good")
            return see_other(url_for(".order_terms_version", mode=mode, version=made.version))
    return _edit(form, mode, after)


def _edit(form: OrderTermsForm, mode: str, after: int) -> Response:
    return page(
        "portal/admin/order_terms/new.html",
        status=409 if form.form_errors else form.status,
        form=form,
        mode=mode,
        world=WORLDS[mode],
        after=after,
        usual=percent(USUAL_BPS),
    )


def rate_rows(terms: Terms) -> list[tuple[str, str, str]]:
    """Each rate: for whom, the percentage, the fixed part. The most particular one first, as they count."""
    ordered = sorted(terms.rates, key=lambda rate: (not rate.category, not rate.tier, rate.category, rate.tier))
    return [(rate_name(rate), percent(rate.bps), _fixed(rate) or "–") for rate in ordered]


def rate_name(rate: Rate) -> str:
    """For whom it is."""
    if rate.tier and rate.category:
        return _("“%(category)s” of sellers on the plan %(tier)s", category=rate.category, tier=rate.tier)
    if rate.category:
        return _("“%(category)s” of all sellers", category=rate.category)
    return _("Sellers on the plan %(tier)s", tier=rate.tier) if rate.tier else _("Everything else")


def _fixed(rate: Rate) -> str:
    return ", ".join(money(Money(minor, code)) for code, minor in sorted((rate.fixed or {}).items()))


def differences(old: Terms, new: Terms) -> list[Difference]:
    """What one version says that another does not."""
    found = []
    rates = [{rate_name(rate): _rate_said(rate) for rate in terms.rates} for terms in (old, new)]
    for name in dict.fromkeys([*rates[0], *rates[1]]):
        if rates[0].get(name) != rates[1].get(name):
            found.append(Difference(name, rates[0].get(name), rates[1].get(name)))
    for what, one, other in (
        (_("Who bears what the processor keeps"), *(str(BEARERS["seller" if terms.seller_bears else "platform"]) for terms in (old, new))),
        (_("Counts as delivered after"), *(_days(terms.waiting_days) for terms in (old, new))),
        (_("Available at the soonest after"), *(_days(terms.least_days) for terms in (old, new))),
    ):
        if one != other:
            found.append(Difference(what, one, other))
    return found


def _rate_said(rate: Rate) -> str:
    return _("%(percent)s and %(fixed)s an order", percent=percent(rate.bps), fixed=_fixed(rate)) if rate.fixed else percent(rate.bps)


def _days(count: int) -> str:
    return ngettext("%(num)s day", "%(num)s days", count)


def _words(known: dict[int, str]) -> dict[str, Any]:
    return {
        "known": {version: STANDINGS[standing] for version, standing in known.items()},
        "names": staff_names(),
        "rate_rows": rate_rows,
        "world_words": WORLDS,
        "may_publish": staff().may("order_terms.publish"),
        "usual": percent(USUAL_BPS),
    }


def _mode(text: str) -> str:
    if text not in WORLDS:
        raise NotFound(_("There are fees for test and for live."))
    return text


def _after() -> int:
    """The version the form began with; what is none of ours is none."""
    text = request.form.get("after", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0
