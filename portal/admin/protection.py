"""A vendor's attack mode, for the staff: seen and switched, with the vendor told in its audit log."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _

from core.accounts.everywhere import get_vendor_everywhere
from core.accounts.models import Vendor
from core.kernel.errors import NotFound
from core.risk.attack import BY_SURGE, begin_by_hand, end_by_hand, find_attack, last_attack
from core.web.page import page, see_other
from core.web.staff_guard import seen, staff, staff_may
from portal.admin.blueprint import staff_door
from portal.admin.visits import ask_why, visit_of
from portal.protection import AttackForm

WORLDS = ("live", "test")


@staff_door.get("/staff/vendors/<public_id>/protection/<world>")
@staff_may("vendors.see")
def protection(public_id: str, world: str) -> Response:
    vendor = _vendor(public_id, world)
    if visit_of(vendor) is None:
        return ask_why(vendor)
    seen(vendor, vendor.public_id)
    return _page(vendor, world, AttackForm(formdata=None))


@staff_door.post("/staff/vendors/<public_id>/protection/<world>/on")
@staff_may("attack_mode.switch")
def begin_attack_mode(public_id: str, world: str) -> Response:
    vendor, form = _vendor(public_id, world), AttackForm()
    if visit_of(vendor) is None:
        return _why(vendor, world)
    if form.validate():
        with form.refusals():
            begin_by_hand(vendor, world, by=staff().public_id, hours=form.span)
            flash(_("Attack mode is on for %(vendor)s.", vendor=vendor.name), "good")
            return see_other(url_for(".protection", public_id=public_id, world=world))
    return _page(vendor, world, form)


@staff_door.post("/staff/vendors/<public_id>/protection/<world>/off")
@staff_may("attack_mode.switch")
def end_attack_mode(public_id: str, world: str) -> Response:
    vendor = _vendor(public_id, world)
    if visit_of(vendor) is None:
        return _why(vendor, world)
    end_by_hand(vendor, world, by=staff().public_id)
    flash(_("Attack mode is off for %(vendor)s.", vendor=vendor.name), "good")
    return see_other(url_for(".protection", public_id=public_id, world=world))


def _why(vendor: Vendor, world: str) -> Response:
    """Pressed after the visit was over: the reason is asked for, and leads back to the page with the button."""
    back = url_for(".protection", public_id=vendor.public_id, world=world)
    return see_other(url_for("staff.new_visit", public_id=vendor.public_id, next=back))


def _vendor(public_id: str, world: str) -> Vendor:
    if world not in WORLDS:
        raise NotFound("That page does not exist.")
    return get_vendor_everywhere(public_id)


def _page(vendor: Vendor, world: str, form: AttackForm) -> Response:
    last = last_attack(vendor, world)
    return page(
        "portal/admin/protection/show.html",
        status=form.status,
        vendor=vendor,
        visit=visit_of(vendor),
        world=world,
        form=form,
        on=find_attack(vendor.id, world),
        last=last if last is not None and last.began_by else None,
        by_surge=BY_SURGE,
        may_switch=staff().may("attack_mode.switch"),
    )
