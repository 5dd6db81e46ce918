"""What is kept aside of sellers' sales: more of it by one person of the staff with a reason, less of it only by two."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from flask_babel import ngettext

from core.accounts.everywhere import get_vendor_everywhere
from core.accounts.models import Vendor
from core.accounts.staff import staff_names
from core.kernel.errors import NotFound
from core.payments.reserve_models import LONGEST_REASON, MOST_DAYS
from core.payments.reserve_rules import MOST_BPS, approve_rule, decline_rule, get_rule, list_rules, rule_of, set_rule
from core.payments.reserves_everywhere import held_of, list_in_force, list_waiting
from core.web.fields import CountField, Form, FormTokenField, LineField
from core.web.filters import percent
from core.web.page import page, see_other
from core.web.percent_field import PercentField
from core.web.staff_guard import staff, staff_may
from portal.admin.blueprint import staff_door
from portal.confirm import confirmed


class ReserveForm(Form):
    form_token = FormTokenField()
    bps = PercentField(later("Part of each sale"), most=MOST_BPS, required=later("Enter a percentage, 0 for nothing."))
    days = CountField(later("Kept for so many days"), least=0, most=MOST_DAYS)
    reason = LineField(later("Why"), most=LONGEST_REASON, required=later("Say why: it stays with the rule, and the seller reads it."))


@staff_door.get("/staff/reserves")
@staff_may("reserves.see")
def reserves() -> Response:
    return page(
        "portal/admin/reserves/index.html",
        waiting=[(vendor, row, rule_of(vendor.id, row.mode)) for vendor, row in list_waiting()],
        in_force=[(vendor, row, held_of(vendor, row.mode)) for vendor, row in list_in_force()],
        names=staff_names(),
        me=staff().public_id,
        rule_words=rule_words,
    )


@staff_door.get("/staff/reserves/<vendor_id>/<mode>")
@staff_may("reserves.see")
def reserve_rules(vendor_id: str, mode: str) -> Response:
    return _page(_whose(vendor_id, mode), mode, None)


@staff_door.post("/staff/reserves/<vendor_id>/<mode>")
@staff_may("reserves.set")
@confirmed
def set_reserve(vendor_id: str, mode: str) -> Response:
    """Sent twice, it is one."""
    vendor, form = _whose(vendor_id, mode), ReserveForm()
    if form.validate():
        with form.refusals():
            made = set_rule(
                vendor, mode, bps=form.bps.data or 0, days=form.days.data or 0, reason=form.reason.data, by=staff().public_id,
                form_token=form.form_token.data,
            )  # fmt: skip
            if made.state == "in_force":
                flash(_("It counts for everything that is released from now on. The seller is told."), "good")
            else:
                flash(_("It leaves the seller more than before: a second person has to say so too."), "warn")
            return see_other(url_for(".reserve_rules", vendor_id=vendor_id, mode=mode))
    return _page(vendor, mode, form)


@staff_door.post("/staff/reserves/<vendor_id>/<mode>/<number>/approval")
@staff_may("reserves.set")
@confirmed
def approve_reserve(vendor_id: str, mode: str, number: str) -> Response:
    vendor = _whose(vendor_id, mode)
    approve_rule(vendor, get_rule(vendor, mode, number), by=staff().public_id)
    flash(_("It counts for everything that is released from now on. The seller is told."), "good")
    return see_other(url_for(".reserve_rules", vendor_id=vendor_id, mode=mode))


@staff_door.post("/staff/reserves/<vendor_id>/<mode>/<number>/refusal")
@staff_may("reserves.set")
@confirmed
def decline_reserve(vendor_id: str, mode: str, number: str) -> Response:
    vendor = _whose(vendor_id, mode)
    decline_rule(vendor, get_rule(vendor, mode, number), by=staff().public_id)
    flash(_("The rule stays as it was."), "good")
    return see_other(url_for(".reserve_rules", vendor_id=vendor_id, mode=mode))


def rule_words(bps: int, days: int) -> str:
    """A rule as a person reads it."""
    if not bps:
        return _("Nothing")
    return _("%(percent)s for %(days)s", percent=percent(bps), days=ngettext("%(num)s day", "%(num)s days", days))


def _whose(vendor_id: str, mode: str) -> Vendor:
    if mode not in ("test", "live"):
        raise NotFound
    return get_vendor_everywhere(vendor_id)


def _page(vendor: Vendor, mode: str, failed: ReserveForm | None) -> Response:
    rule = rule_of(vendor.id, mode)
    rules = list_rules(vendor, mode)
    return page(
        "portal/admin/reserves/show.html",
        status=(409 if failed.form_errors else 422) if failed else 200,
        vendor=vendor,
        mode=mode,
        rule=rule,
        rules=rules,
        waiting=next((row for row in rules if row.state == "requested"), None),
        held=held_of(vendor, mode),
        names=staff_names(),
        me=staff().public_id,
        rule_words=rule_words,
        form=failed or ReserveForm(formdata=None, bps=rule.bps, days=rule.days),
        failed=failed,
        may_set=staff().may("reserves.set"),
    )
