"""A person's passkeys: added under a name, renamed, removed. The first one turns two-step sign-in on, the last second step removed turns it off."""

from __future__ import annotations

from sqlalchemy import select

from core.accounts.factor_models import Passkey
from core.accounts.models import User
from core.accounts.one_time_codes import find_factor, make_recovery_codes
from core.accounts.passkey_proof import PasskeyCopied, PasskeyRefused, Shown, check_new, list_passkeys, transports_of
from core.accounts.second_factor import switch_off, tell_log
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import Conflict, NotFound, Refusal
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.sentence import said

MOST = 10  # of one person
LONGEST_NAME = 60


def add_passkey(user: User, shown: Shown, *, name: str, by: str) -> list[str]:
    """It counts from now on. Gives ten recovery codes when it is this person's first second step, and otherwise nothing.

    Raises PasskeyRefused for an answer that is not right, also for a passkey that is known already. The door signs the other browsers out
    when it was the first.
    """
    name = _checked(name)
    locked(User, user.id)  # two tabs that add at once
    theirs = list_passkeys(user)
    _check_room(theirs)
    _check_unused(theirs, name)
    made = check_new(shown)
    if db.session.scalar(select(Passkey.id).where(Passkey.credential_id == made.credential_id)) is not None:
        raise PasskeyRefused
    at = now()
    db.session.add(
        Passkey(
            id=uuid7(), public_id=public_id("psk"), user_id=user.id, name=name, credential_id=made.credential_id,
            public_key=made.credential_public_key, transports=transports_of(shown.answer), sign_count=made.sign_count, made_at=at, used_at=None,
        )
    )  # fmt: skip
    db.session.flush()
    tell_log(user, "passkey.added", by=by, name=name)
    if user.second_factor_at is not None:
        return []
    user.second_factor_at = at
    tell_log(user, "second_factor.on", by=by)
    return make_recovery_codes(user)


def check_name(user: User, name: str) -> None:
    """Refuses what `add_passkey` would refuse, before a device has made what we then do not take."""
    theirs = list_passkeys(user)
    _check_room(theirs)
    _check_unused(theirs, _checked(name))


def rename_passkey(user: User, number: str, *, name: str, by: str) -> Passkey:
    """What the person calls it from now on."""
    name = _checked(name)
    locked(User, user.id)
    passkey = get_passkey(user, number)
    if passkey.name != name:
        _check_unused([one for one in list_passkeys(user) if one.id != passkey.id], name)
        before, passkey.name = passkey.name, name
        tell_log(user, "passkey.renamed", by=by, before=before, name=name)
    return passkey


def remove_passkey(user: User, number: str, *, by: str) -> bool:
    """It opens nothing any more. Says whether two-step sign-in is off with it, because nothing else was left to ask for: that signs out
    everywhere, and is refused (MustStay) while a business of theirs or the platform asks for two steps.
    """
    locked(User, user.id)
    passkey = get_passkey(user, number)
    last = len(list_passkeys(user)) == 1 and find_factor(user) is None
    tell_log(user, "passkey.removed", by=by, name=passkey.name)
    if last:
        switch_off(user, by=by)
    else:
        db.session.delete(passkey)
        db.session.flush()
    return last


def get_passkey(user: User, number: str) -> Passkey:
    """One of this person's own; refuses with 404."""
    mine = select(Passkey).where(Passkey.user_id == user.id, Passkey.public_id == number)
    passkey = db.session.scalar(mine) if is_public_id("psk", number) else None
    if passkey is None:
        raise NotFound(said("This passkey was removed already."))
    return passkey


def note_copied(copied: PasskeyCopied) -> None:
    """The log says that somebody has a second one of it."""
    tell_log(copied.user, "passkey.copied", by=copied.user.public_id, name=copied.passkey.name)


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise Refusal(said("Give it a name."), field="name")
    if len(name) > LONGEST_NAME:
        raise Refusal(said("Use %(most)s characters at most.", most=LONGEST_NAME), field="name")
    return name


def _check_room(theirs: list[Passkey]) -> None:
    if len(theirs) >= MOST:
        raise Conflict(said("%(most)s passkeys at most. Remove one first.", most=MOST))


def _check_unused(theirs: list[Passkey], name: str) -> None:
    if any(one.name.casefold() == name.casefold() for one in theirs):
        raise Conflict(said("One of your passkeys has this name already."), field="name")
