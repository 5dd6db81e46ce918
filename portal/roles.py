"""Roles in words: what each one grants, exactly; and the roles that a business puts together itself."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.models import CustomRole
from core.accounts.permissions import ALWAYS, PERMISSIONS, granted_by
from core.accounts.roles import LONGEST_NAME, Role, change_custom, drop_role, get_custom, list_roles, make_role, role_of
from core.web.fields import Form, LineField
from core.web.guard import current, may
from core.web.page import page, see_other
from core.web.role_words import DEEDS
from portal.blueprint import portal
from portal.confirm import confirmed


def role_words() -> dict[str, tuple[str, str]]:
    """What each role of the house is called, and what it is for."""
    return {
        "owner": (_("Owner"), _("Everything, and is answerable for it.")),
        "admin": (_("Admin"), _("Everything a manager may, and looks after the team.")),
        "manager": (_("Manager"), _("Links, refunds, customers and settings; not the team.")),
        "accountant": (_("Finance"), _("Payments, refunds, balance, statements and exports.")),
        "support": (_("Support"), _("Looks at payments and customers, sends receipts again.")),
        "developer": (_("Developer"), _("Sees payments, links and settings to connect other software; moves no money.")),
        "viewer": (_("Viewer"), _("Looks, and changes nothing.")),
    }


def deeds() -> dict[str, str]:
    """Every act a role may or may not do, in words; one that has none yet is called by its name in the code."""
    return {name: str(DEEDS.get(name, name)) for name in PERMISSIONS if name not in ALWAYS}


def role_said(role: Role) -> tuple[str, str]:
    """Its name and what it is for."""
    return (role.name, _("A role of your own.")) if role.custom else role_words()[role.key]


def grants(role: Role) -> str:
    """Exactly what it grants, on one line."""
    return " · ".join(words for name, words in deeds().items() if role.may(name)) or _("Nothing beyond looking around.")


def givable() -> list[Role]:
    """The roles that the person who is signed in may give: none that lets somebody do what they may not."""
    me = current()
    return [role for role in list_roles(me.vendor) if role.permissions <= me.role.permissions]


def matrix() -> tuple[list[Role], list[tuple[str, list[bool]]]]:
    """The columns and rows of the table that compares all roles."""
    roles = [role_of("owner", None), *list_roles(current().vendor)]
    return roles, [(words, [role.may(name) for role in roles]) for name, words in deeds().items()]


class RoleForm(Form):
    """The name; the boxes are read by name, because there is one for each act."""

    name = LineField(later("Name of the role"), most=LONGEST_NAME, required=later("Give it a name."))
    permissions = LineField("", most=1)  # where a refusal about the boxes is shown


@portal.get("/portal/team/roles/new")
@may("team.edit")
def new_role() -> Response:
    return _page(RoleForm(formdata=None), None, granted_by("viewer"))


@portal.post("/portal/team/roles/new")
@may("team.edit")
@confirmed
def create_role() -> Response:
    me, form = current(), RoleForm()
    if form.validate():
        with form.refusals():
            made = make_role(me.vendor, name=form.name.data, permissions=_ticked(), by=me.user.public_id)
            flash(_("The role “%(name)s” can be given from now on.", name=made.name), "good")
            return see_other(url_for(".team"))
    return _page(form, None, _ticked())


@portal.get("/portal/team/roles/<public_id>")
@may("team.edit")
def role(public_id: str) -> Response:
    row = get_custom(current().vendor, public_id)
    return _page(RoleForm(formdata=None, name=row.name), row, frozenset(row.permissions))


@portal.post("/portal/team/roles/<public_id>")
@may("team.edit")
@confirmed
def change_role_itself(public_id: str) -> Response:
    me, form = current(), RoleForm()
    row = get_custom(me.vendor, public_id)
    if form.validate():
        with form.refusals():
            changed = change_custom(me.vendor, public_id, name=form.name.data, permissions=_ticked(), by=me.user.public_id)
            flash(_("The role “%(name)s” is changed, from this moment on, for everybody who has it.", name=changed.name), "good")
            return see_other(url_for(".team"))
    return _page(form, row, _ticked())


@portal.post("/portal/team/roles/<public_id>/remove")
@may("team.edit")
@confirmed
def remove_role(public_id: str) -> Response:
    me = current()
    drop_role(me.vendor, public_id, by=me.user.public_id)
    flash(_("The role is gone."), "good")
    return see_other(url_for(".team"))


def _ticked() -> frozenset[str]:
    return frozenset(request.form.getlist("may"))


def _page(form: RoleForm, row: CustomRole | None, ticked: frozenset[str]) -> Response:
    mine = current().role
    rows = [(name, words, name in ticked, mine.may(name)) for name, words in deeds().items()]
    return page("portal/roles/edit.html", status=form.status, form=form, role=row, rows=rows)
