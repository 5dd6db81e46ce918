"""What a passkey is asked to sign, and whether it did: each question counts once, for five minutes, for one purpose in one browser.

The checking itself is py_webauthn's. It is loaded when somebody uses a passkey: what it brings for certificates of devices, which nobody
here asks for, would be some megabytes in every process.
"""

from __future__ import annotations

import ipaddress
import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.factor_models import Passkey, PasskeyChallenge
from core.accounts.models import User
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.sentence import said

if TYPE_CHECKING:
    from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor
    from webauthn.registration.verify_registration_response import VerifiedRegistration

LIFE = timedelta(minutes=5)
ADD, SECOND_STEP, SIGN_IN, CONFIRM = "add", "second_step", "sign_in", "confirm"  # what a question is for
PRODUCT = "Portal"  # what a device calls the entry
LONGEST_ID = 1023  # bytes of a credential's id, as the standard has it


class PasskeyRefused(Refusal):
    """Not signed as it had to be, by a passkey we do not know, or too late. Which of these is not said."""

    code = "passkey_refused"

    def __init__(self) -> None:
        super().__init__(said("That passkey could not be used here, or it took too long. Try again, or sign in another way."))


class PasskeyCopied(PasskeyRefused):
    """Its counter did not go up: somewhere there is a second one of it. The door tells the person, in a unit of work of its own."""

    def __init__(self, passkey: Passkey, user: User) -> None:
        super().__init__()
        self.passkey, self.user = passkey, user


class PasswordFirst(PasskeyRefused):
    """The password was reset since this passkey was last used. Told to nobody but who has just shown that they hold it."""

    def __init__(self) -> None:
        Refusal.__init__(
            self,
            said(
                "The password of your account was reset since. Sign in with the new one this once and use the passkey as the second step; then it opens by itself again."
            ),
        )


@dataclass(frozen=True, slots=True)
class Party:
    """Who asks: the name that passkeys are bound to, and the one origin whose pages may ask."""

    id: str
    origin: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What a browser answered, and the question it had been asked; None where there was none, or it is too old."""

    answer: str
    challenge: bytes | None


def find_party() -> Party | None:
    """Ourselves by our public address, or None where no browser keeps a passkey: for a number, without TLS (but on one's own machine), or for a
    name that is not written as browsers send it (xn--...)."""
    parts = urlsplit(settings().public_url)
    host = (parts.hostname or "").lower()
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if host and host.isascii() and (parts.scheme == "https" or host == "localhost" or host.endswith(".localhost")):
            usual = {"https": 443, "http": 80}[parts.scheme]
            return Party(host, f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in (None, usual) else ""))
    return None


def list_passkeys(user: User) -> list[Passkey]:
    """All of this person's, the oldest first."""
    return list(db.session.scalars(select(Passkey).where(Passkey.user_id == user.id).order_by(Passkey.id)))


def ask_for_new(user: User, *, holder: str) -> str:
    """The question for a new passkey of this person's, as a browser takes it. Those they have are named, so that no device makes a second."""
    import webauthn
    from webauthn.helpers.structs import AuthenticatorSelectionCriteria, ResidentKeyRequirement, UserVerificationRequirement

    asked = webauthn.generate_registration_options(
        rp_id=_party().id, rp_name=PRODUCT, user_id=user.public_id.encode(), user_name=user.email, user_display_name=user.name or user.email,
        challenge=_new_challenge(ADD, holder), timeout=_milliseconds(), exclude_credentials=_described(user),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
    )  # fmt: skip
    return webauthn.options_to_json(asked)


def ask_to_sign(purpose: str, *, holder: str, user: User | None = None) -> str:
    """The question to a passkey of this person's; without one, to whichever the browser has for us, which then must know its holder."""
    import webauthn
    from webauthn.helpers.structs import UserVerificationRequirement

    asked = webauthn.generate_authentication_options(
        rp_id=_party().id, challenge=_new_challenge(purpose, holder), timeout=_milliseconds(), allow_credentials=_described(user) if user else None,
        user_verification=UserVerificationRequirement.REQUIRED if user is None else UserVerificationRequirement.PREFERRED,
    )  # fmt: skip
    return webauthn.options_to_json(asked)


def spend_challenge(purpose: str, *, holder: str) -> bytes | None:
    """The question that this browser was asked for this purpose, which is used up from now on. The door commits that before it looks at the
    answer: a wrong one spends it too, and of two answers at once one is looked at."""
    spent = delete(PasskeyChallenge).where(PasskeyChallenge.purpose == purpose, PasskeyChallenge.holder == holder)
    row = db.session.execute(spent.returning(PasskeyChallenge.challenge, PasskeyChallenge.expires_at)).one_or_none()
    return row.challenge if row is not None and row.expires_at > now() else None


def credential_named(answer: str) -> str:
    """What the answer says which passkey it is of, to count tries by. Nothing is believed of it."""
    try:
        said_id = json.loads(answer)["id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return said_id if isinstance(said_id, str) else ""


def check_new(shown: Shown) -> VerifiedRegistration:
    """What there is to keep of a new passkey. Raises PasskeyRefused."""
    import webauthn

    party = _party()
    if shown.challenge is None:
        raise PasskeyRefused
    try:
        made = webauthn.verify_registration_response(
            credential=shown.answer, expected_challenge=shown.challenge, expected_rp_id=party.id, expected_origin=party.origin
        )
        _check_not_framed(shown.answer)
    except Exception as wrong:  # what a stranger has put together may break its reading anywhere, and whatever is said of it is no
        raise PasskeyRefused from wrong
    if not 0 < len(made.credential_id) <= LONGEST_ID:
        raise PasskeyRefused
    return made


def use_passkey(shown: Shown, *, user: User | None = None) -> User:
    """Whose passkey has signed the question. With `user` it must be theirs; without, it must say whose it is and that the device made sure who holds it.

    Raises PasskeyRefused, PasskeyCopied when its counter did not go up, and PasswordFirst for one that would open alone after a reset.
    """
    passkey, holder = _named_in(shown.answer)
    if user is not None and holder.id != user.id:
        raise PasskeyRefused
    signed = _check_signed(shown, passkey, holder, alone=user is None)
    if (signed.new_sign_count or passkey.sign_count) and signed.new_sign_count <= passkey.sign_count:
        raise PasskeyCopied(passkey, holder)
    if user is None and needs_password(passkey, holder):
        raise PasswordFirst
    passkey.sign_count, passkey.used_at = signed.new_sign_count, now()
    return holder


def needs_password(passkey: Passkey, holder: User) -> bool:
    """Whether it opens after the password only: since a reset it was not used beside the new one. Somebody who had the account, and put a passkey
    of their own into it, is out with the reset, and whoever reads the holder's letters takes no second step off with one."""
    return max(passkey.made_at, passkey.used_at or passkey.made_at) < holder.password_changed_at


def _named_in(answer: str) -> tuple[Passkey, User]:
    """The passkey that the answer says it is of, locked: of two answers with one counter the second one sees the first."""
    from webauthn.helpers import base64url_to_bytes

    try:
        credential_id = base64url_to_bytes(credential_named(answer))
    except ValueError:
        raise PasskeyRefused from None
    found = db.session.execute(
        select(Passkey, User)
        .join(User, User.id == Passkey.user_id)
        .where(Passkey.credential_id == credential_id)
        .with_for_update(of=Passkey)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise PasskeyRefused
    return found[0], found[1]


def _check_signed(shown: Shown, passkey: Passkey, holder: User, *, alone: bool) -> VerifiedAuthentication:
    import webauthn
    from webauthn.helpers import parse_authentication_credential_json

    party = _party()
    if shown.challenge is None:
        raise PasskeyRefused
    try:
        answer = parse_authentication_credential_json(shown.answer)
        signed = webauthn.verify_authentication_response(
            credential=answer, expected_challenge=shown.challenge, expected_rp_id=party.id, expected_origin=party.origin,
            credential_public_key=passkey.public_key, require_user_verification=alone,
            credential_current_sign_count=0,  # compared by us, who tell a copy from a forgery
        )  # fmt: skip
        _check_not_framed(shown.answer)
    except Exception as wrong:  # as above
        raise PasskeyRefused from wrong
    if signed.credential_id != passkey.credential_id or answer.response.user_handle not in _handles(holder, alone=alone):
        raise PasskeyRefused
    return signed


def _handles(holder: User, *, alone: bool) -> tuple[bytes | None, ...]:
    """What the device may say of whose it is. One that is asked for by name need not know."""
    mine = holder.public_id.encode()
    return (mine,) if alone else (mine, None, b"")


def _check_not_framed(answer: str) -> None:
    """No page of ours that asks for passkeys stands in somebody else's; a browser that says so was led there."""
    from webauthn.helpers import base64url_to_bytes

    if json.loads(base64url_to_bytes(json.loads(answer)["response"]["clientDataJSON"])).get("crossOrigin"):
        raise ValueError("asked from within another site")


def _party() -> Party:
    party = find_party()
    if party is None:
        raise PasskeyRefused
    return party


def _new_challenge(purpose: str, holder: str) -> bytes:
    """Random bytes that stand in the place of any that were asked here for this before."""
    challenge, until = secrets.token_bytes(32), now() + LIFE
    asked = insert(PasskeyChallenge).values(holder=holder, purpose=purpose, challenge=challenge, expires_at=until)
    again = asked.on_conflict_do_update(index_elements=["holder", "purpose"], set_={"challenge": challenge, "expires_at": until})
    db.session.execute(again)
    return challenge


def _described(user: User) -> list[PublicKeyCredentialDescriptor]:
    from webauthn.helpers.structs import AuthenticatorTransport, PublicKeyCredentialDescriptor

    return [
        PublicKeyCredentialDescriptor(
            id=one.credential_id, transports=[AuthenticatorTransport(word) for word in one.transports.split()] or None
        )
        for one in list_passkeys(user)
    ]


def transports_of(answer: str) -> str:
    """How a browser says that it reaches the new passkey; words that are not the standard's are dropped."""
    from webauthn.helpers.structs import AuthenticatorTransport

    known: set[str] = {one.value for one in AuthenticatorTransport}
    said_so: Any = json.loads(answer)["response"].get("transports")
    words = said_so if isinstance(said_so, list) else []
    return " ".join(sorted({word for word in words if isinstance(word, str) and word in known}))


def _milliseconds() -> int:
    return int(LIFE.total_seconds() * 1000)
