"""The team: who works here in which role, who was asked to join, and who owns the business."""

from __future__ import annotations

from uuid import UUID

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from flask_babel import ngettext
from wtforms.validators import InputRequired

from core.accounts.api_keys import list_made_by, revoke_key
from core.accounts.invite import (
    invite,
    join_as_new,
    join_team,
    list_invitations,
    open_invitation,
    resend_invitation,
    revoke_invitation,
    still_meant,
)
from core.accounts.models import Invitation, Membership, User, Vendor
from core.accounts.queries import find_user, list_team
from core.accounts.roles import find_custom, list_custom, role_of
from core.accounts.sessions import begin_session, work_for
from core.accounts.team import OwnerStays, change_role, choose_language, get_member, hand_over, remove_member
from core.directory.limits import limit_member, limit_of, names_in, open_branches
from core.kernel.clock import now
from core.subscriptions.plan import payer_left
from core.web.fields import AddressField, ChoiceField, Form, LineField, RadioField, SecretField, options
from core.web.guard import current, find_current, may, public, take_seat
from core.web.languages import language
from core.web.page import page, see_other
from core.web.throttle import by_address
from portal.blueprint import portal
from portal.branch_choices import branches_to_choose
from portal.confirm import confirmed
from portal.mail import send_invitation
from portal.roles import givable, grants, matrix, role_said


class LimitForm(Form):
    """Of the business or of some branches; the boxes of those are read by name, because there is one for each. A form that says neither is
    refused: nobody sees everything because a field was missing."""

    reach = RadioField(
        later("What they see"),
        choices=options([("all", later("The whole business")), ("some", later("Only some branches"))]),
    )

    @property
    def limited(self) -> bool:
        return self.reach.data == "some"


class InviteForm(LimitForm):
    email = AddressField(later("E-mail address"), required=later("Enter the address of whom you ask."))
    role = RadioField(later("Role"), choices=(), default="support")

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.role.choices = options((role.key, role_said(role)[0]) for role in givable())


class HandOverForm(Form):
    heir = ChoiceField(later("New owner"), choices=(), words=later("Choose somebody of your team."))


class JoinForm(Form):
    name = LineField(later("Your name"), most=120, required=later("Enter what your team calls you."))
    password = SecretField(later("Password"), [InputRequired(later("Choose a password."))])


class AcceptForm(Form):
    pass


@portal.get("/portal/team")
@may("team.see")
def team() -> Response:
    return _page()


def _page(inviting: InviteForm | None = None, handing: HandOverForm | None = None) -> Response:
    me = current()
    members = list_team(me.vendor)
    hand = handing or HandOverForm(formdata=None)
    hand.heir.choices = _heirs()
    columns, rows = matrix()
    return page(
        "portal/team/index.html",
        status=max(form.status for form in (inviting or hand, hand)),
        members=members,
        invitations=[(one, _why_dead(one)) for one in list_invitations(me.vendor)],
        form=inviting or InviteForm(formdata=None, reach="all"),
        hand=hand,
        handing=handing is not None,
        said=lambda member: role_said(role_of(member.membership.role, member.custom))[0],
        asked_as=lambda one: role_said(role_of(one.role, find_custom(one.vendor_id, one.custom_role_id)))[0],
        choices=[(role.key, role_said(role)[0]) for role in givable()],
        grants={role.key: grants(role) for role in givable()},
        own=list_custom(me.vendor),
        columns=[role_said(role)[0] for role in columns],
        rows=rows,
        limit_said=_limit_said,
        branches=_branches(),
        ticked=_ticked(),
    )


def _why_dead(invitation: Invitation) -> str:
    """Why its link lets nobody in, should that be so."""
    if not still_meant(current().vendor, invitation):
        return _("Opens nothing any more: whoever asked has left, or may not give this role now.")
    return _("Its time is over.") if invitation.expires_at <= now() else ""


def _branches() -> list[tuple[str, str]]:
    """Those of this mode that somebody may be limited to, by number and name."""
    return [(number, words) for number, words in branches_to_choose(blank="", gone=False) if number]


def _ticked() -> list[str]:
    return request.form.getlist("branch")


def _is_clear(form: LimitForm) -> bool:
    """Not so where branches are ticked and it still says the whole business: nobody gets more than was meant."""
    if form.limited or not _ticked():
        return True
    form.refuse(_("Choose one of these."), "reach")
    return False


def _limit_said(limit: list[UUID] | None) -> str:
    """What a limit is called; of branches that are deleted nothing is left to say."""
    names = names_in(current().vendor, limit)
    return _("All branches") if names is None else _("Only %(branches)s", branches=", ".join(names) or _("branches that are deleted"))


def _heirs() -> list:
    me = current()
    return options((m.user.public_id, m.user.name or m.user.email) for m in list_team(me.vendor) if m.user.id != me.user.id)


@portal.post("/portal/team/invitations")
@may("team.edit")
@by_address("60 per hour", scope="invitation")
@confirmed
def ask_to_join() -> Response:
    me, form = current(), InviteForm()
    if form.validate() and _is_clear(form):
        with form.refusals():
            limit = limit_of(me.vendor, me.mode, _ticked()) if form.limited else None
            made = invite(me.vendor, email=form.email.data, role=form.role.data, by=me.user.public_id, branches=limit)
            send_invitation(me.vendor, made)
            flash(_("We have written to %(email)s. The link in it works for seven days.", email=made.email), "good")
            return see_other(url_for(".team"))
    return _page(inviting=form)


@portal.post("/portal/team/invitations/<public_id>/resend")
@may("team.edit")
@by_address("60 per hour", scope="invitation")
def ask_again(public_id: str) -> Response:
    me = current()
    made = resend_invitation(me.vendor, public_id, by=me.user.public_id)
    send_invitation(me.vendor, made)
    flash(_("We have written to %(email)s again. The older link no longer works.", email=made.email), "good")
    return see_other(url_for(".team"))


@portal.post("/portal/team/invitations/<public_id>/revoke")
@may("team.edit")
def take_back(public_id: str) -> Response:
    gone = revoke_invitation(current().vendor, public_id, by=current().user.public_id)
    flash(_("The invitation of %(email)s is taken back. Its link opens nothing any more.", email=gone.email), "good")
    return see_other(url_for(".team"))


@portal.post("/portal/team/<public_id>/role")
@may("team.edit")
@confirmed
def give_role(public_id: str) -> Response:
    me = current()
    change_role(me.vendor, public_id, role=request.form.get("role", ""), by=me.user.public_id)
    flash(_("The role is changed, from this moment on."), "good")
    return see_other(url_for(".team"))


@portal.get("/portal/team/<public_id>/branches")
@may("team.edit")
def limit_form(public_id: str) -> Response:
    user, membership = get_member(current().vendor, public_id)
    limit = membership.branches
    chosen = [] if limit is None else [one.public_id for one in open_branches(current().vendor, current().mode, limit)]
    return _ask_for_limit(user, membership, LimitForm(formdata=None, reach="all" if limit is None else "some"), chosen)


@portal.post("/portal/team/<public_id>/branches")
@may("team.edit")
@confirmed
def limit(public_id: str) -> Response:
    me, form = current(), LimitForm()
    user, membership = get_member(me.vendor, public_id)
    if form.validate() and (membership.branches is not None or _is_clear(form)):
        with form.refusals():
            limit_member(me.vendor, me.mode, public_id, _ticked() if form.limited else None, by=me.user.public_id)
            flash(_("It is so from the next page they open."), "good")
            if form.limited:
                _part_with_keys(user)
            return see_other(url_for(".team"))
    return _ask_for_limit(user, membership, form, _ticked())


def _ask_for_limit(user: User, membership: Membership, form: LimitForm, ticked: list[str]) -> Response:
    if membership.role == "owner":
        raise OwnerStays("The owner is answerable for the whole business and cannot be limited to branches.")
    return page(
        "portal/team/branches.html", status=form.status, person=user, form=form, branches=_branches(), ticked=ticked, **_keys_of(user)
    )  # fmt: skip


def _keys_of(user: User) -> dict[str, object]:
    """What the part of the page is made of that offers to revoke the keys they made."""
    me = current()
    return {
        "keys": list_made_by(me.vendor, user.public_id),
        "parting": request.form.getlist("key"),
        "may_revoke": me.may("keys.manage"),
    }


def _part_with_keys(user: User) -> None:
    """Those of their keys that were ticked are revoked, by whoever may do that; of the others it is said that they still open everything."""
    me, ticked = current(), request.form.getlist("key")
    if me.may("keys.manage"):
        for key in list_made_by(me.vendor, user.public_id):
            if key.public_id in ticked:
                revoke_key(me.vendor, key.mode, key.public_id, by=me.user.public_id)
    if left := len(list_made_by(me.vendor, user.public_id)):
        words = ngettext(
            "%(num)s key that they made still opens the whole business.", "%(num)s keys that they made still open the whole business.", left
        )
        flash(words, "warn")


@portal.get("/portal/team/<public_id>/remove")
@may("team.edit")
def ask_to_remove(public_id: str) -> Response:
    user, membership = get_member(current().vendor, public_id)
    return page(
        "portal/team/remove.html",
        person=user,
        role=role_said(role_of(membership.role, find_custom(membership.vendor_id, membership.custom_role_id)))[0],
        form=AcceptForm(formdata=None),
        **_keys_of(user),
    )


@portal.post("/portal/team/<public_id>/remove")
@may("team.edit")
@confirmed
def remove(public_id: str) -> Response:
    me = current()
    gone = remove_member(me.vendor, public_id, by=me.user.public_id)
    payer_left(me.vendor, gone.email)
    _part_with_keys(gone)
    flash(_("%(name)s is not of your team any more.", name=gone.name or gone.email), "good")
    return see_other(url_for(".team"))


@portal.post("/portal/team/owner")
@may("team.edit")
@by_address("20 per hour", scope="hand-over")
@confirmed
def make_owner() -> Response:
    me, form = current(), HandOverForm()
    form.heir.choices = _heirs()
    if form.validate():
        with form.refusals():
            heir = hand_over(me.vendor, form.heir.data, by=me.user)
            flash(_("%(name)s is the owner now, and you are a manager.", name=heir.name or heir.email), "good")
            return see_other(url_for(".team"))
    return _page(handing=form)


@portal.get("/invitation/<token>")
@public
def invitation(token: str) -> Response:
    """Looking does not use it up: mail scanners open links too, so a person presses the button."""
    vendor, found = open_invitation(token)
    return _join_page(token, vendor, found, JoinForm(formdata=None))


@portal.post("/invitation/<token>")
@public
@by_address("30 per hour", scope="join")
def join(token: str) -> Response:
    """Whoever is signed in as the one who was asked joins; somebody new makes their account and joins."""
    vendor, found = open_invitation(token)
    me = find_current()
    if me and me.user.email == found.email:
        work_for(me.session, join_team(token, me.user))
        flash(_("Welcome to the team of %(name)s.", name=vendor.name), "good")
        return see_other(url_for(".home"))
    form = JoinForm()
    if me is None and find_user(found.email) is None and form.validate():
        with form.refusals():
            return _sit_down(vendor, *join_as_new(token, name=form.name.data, password=form.password.data))
    return _join_page(token, vendor, found, form)


def _sit_down(vendor: Vendor, user: User, membership: object) -> Response:
    choose_language(user, language())
    _session, secret = begin_session(user, membership, address=request.remote_addr or "", agent=request.user_agent.string)  # type: ignore[arg-type]
    response = take_seat(see_other(url_for(".home")), secret)
    flash(_("Welcome to the team of %(name)s.", name=vendor.name), "good")
    return response


def _join_page(token: str, vendor: Vendor, found: Invitation, form: JoinForm) -> Response:
    me = find_current()
    if me:
        stage = "accept" if me.user.email == found.email else "another"
    else:
        stage = "sign_in" if find_user(found.email) else "new"
    back = url_for(".sign_in", next=url_for(".invitation", token=token))
    return page(
        "portal/team/join.html",
        status=form.status,
        token=token,
        business=vendor.name,
        invitation=found,
        role=role_said(role_of(found.role, find_custom(found.vendor_id, found.custom_role_id))),
        form=form,
        stage=stage,
        back=back,
    )
