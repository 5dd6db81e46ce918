"""One-time codes: those an authenticator app shows (RFC 6238) and those on the paper for when it is lost. Each opens once."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime

import pyotp
from sqlalchemy import delete, func, select, update

from core.accounts.factor_models import RecoveryCode, SecondFactor
from core.accounts.models import User
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.keyed import derive, has_key, key_ids
from core.kernel.sentence import said

STEP = 30  # seconds a code of the app is shown
EITHER_WAY = 1  # steps a clock may be off: the code before and the one after count too
DIGITS = 6
RECOVERY_CODES = 10
# Signs that nobody mixes up when writing them down. Sixteen of these 31 are 79 bits: out of reach of guessing, and of trying them
# all against the table, for which the key is missing besides. So a plain keyed hash does what a slow one does for passwords.
SIGNS, SIGNS_IN_CODE, SIGNS_IN_GROUP = "abcdefghjkmnpqrstuvwxyz23456789", 16, 4


class WrongCode(Refusal):
    """A code that is not right, or not any more. Which of the two is not said."""

    code = "wrong_code"

    def __init__(self) -> None:
        super().__init__(
            said("That code is not right, or it was used already. Wait until your app shows the next one and type that."), field="code"
        )


class AppLost(WrongCode):
    """No code of the app can be looked at any more: the key that its secret follows from is gone."""

    code = "second_step_lost"

    def __init__(self) -> None:
        words = said(
            "Codes of your app cannot be checked any more. Use a recovery code, or ask the owner or the platform’s staff to let you in."
        )
        Refusal.__init__(self, words, field="code")


def secret_of(factor: SecondFactor) -> str:
    """What the app was given, as it is written in base32: worked out, for it is kept nowhere."""
    return base64.b32encode(derive("second-factor", factor.key_id, factor.user_id.bytes, factor.salt)[:20]).decode()


def new_factor_salt() -> tuple[str, bytes]:
    """Of a new secret: the key it follows from, and its salt."""
    return key_ids()[0], secrets.token_bytes(32)


def step_at(moment: datetime) -> int:
    """The number of the half-minute."""
    return int(moment.timestamp()) // STEP


def matching_step(factor: SecondFactor, code: str) -> int | None:
    """The half-minute in which the app shows this code, when it is now or just beside it. All three are compared, whichever fits."""
    app, here, found = pyotp.TOTP(secret_of(factor), digits=DIGITS, interval=STEP), step_at(now()), None
    for step in range(here - EITHER_WAY, here + EITHER_WAY + 1):
        if pyotp.utils.strings_equal(app.generate_otp(step), code):
            found = step
    return found


def use_code(user: User, text: str) -> str:
    """Spend a code, `app` or `recovery`: says which it was. Raises WrongCode, and AppLost. Of any number of tries at once with one code, one is let through.

    Counting tries is the door's: this says no as often as it is asked.
    """
    typed = "".join(text.split()).replace("-", "").lower()
    if len(typed) == DIGITS and typed.isascii() and typed.isdigit():
        if _use_app_code(user, typed):
            return "app"
    elif _use_recovery_code(user, typed):
        return "recovery"
    raise WrongCode


def _use_app_code(user: User, code: str) -> bool:
    factor = find_factor(user)
    if factor is not None and not has_key(factor.key_id):
        raise AppLost
    step = matching_step(factor, code) if factor else None
    if factor is None or step is None:
        return False
    later = update(SecondFactor).where(SecondFactor.id == factor.id, SecondFactor.confirmed_at.is_not(None), SecondFactor.last_step < step)
    return bool(db.session.execute(later.values(last_step=step).execution_options(synchronize_session=False)).rowcount)


def _use_recovery_code(user: User, code: str) -> bool:
    if len(code) != SIGNS_IN_CODE or not code.isascii():
        return False
    digests = [_digest(user, key_id, code) for key_id in key_ids()]
    unused = update(RecoveryCode).where(RecoveryCode.user_id == user.id, RecoveryCode.digest.in_(digests), RecoveryCode.used_at.is_(None))
    return bool(db.session.execute(unused.values(used_at=now()).execution_options(synchronize_session=False)).rowcount)


def find_factor(user: User) -> SecondFactor | None:
    """The app that counts, or None."""
    return db.session.scalar(select(SecondFactor).where(SecondFactor.user_id == user.id, SecondFactor.confirmed_at.is_not(None)))


def make_recovery_codes(user: User) -> list[str]:
    """Ten new codes, to be shown once; the former ones open nothing any more."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id).execution_options(synchronize_session=False))
    codes = ["".join(secrets.choice(SIGNS) for _ in range(SIGNS_IN_CODE)) for _ in range(RECOVERY_CODES)]
    at, key_id = now(), key_ids()[0]
    db.session.add_all([RecoveryCode(user_id=user.id, digest=_digest(user, key_id, code), made_at=at, used_at=None) for code in codes])
    db.session.flush()
    return ["-".join(code[at : at + SIGNS_IN_GROUP] for at in range(0, SIGNS_IN_CODE, SIGNS_IN_GROUP)) for code in codes]


def codes_left(user: User) -> int:
    """How many recovery codes still open."""
    mine = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None))
    return int(db.session.scalar(mine) or 0)


def _digest(user: User, key_id: str, code: str) -> str:
    return derive("recovery-code", key_id, user.id.bytes, code.encode()).hex()
