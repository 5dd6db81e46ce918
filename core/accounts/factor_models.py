"""The second step of signing in: the device that shows codes, passkeys, the codes for when all is lost, and a sign-in that is half done."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.db import Base


class SecondFactor(Base):
    """A person's authenticator app. Its secret stands nowhere: it is worked out from the salt and a key outside the database."""

    __tablename__ = "second_factors"
    __table_args__ = (
        # One that counts, and one that is being set up beside it.
        Index("uq_second_factors_confirmed", "user_id", unique=True, postgresql_where="confirmed_at IS NOT NULL"),
        Index("uq_second_factors_begun", "user_id", unique=True, postgresql_where="confirmed_at IS NULL"),
    )
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    key_id: Mapped[str] = mapped_column(String(20))
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)  # the half-minute whose code was used last: no code counts twice
    begun_at: Mapped[datetime]
    begun_in: Mapped[str] = mapped_column(String(64))  # the session that set it up: no other one is ever shown the secret
    confirmed_at: Mapped[datetime | None]


class RecoveryCode(Base):
    """One of the ten codes on a person's paper. Only its keyed hash is here."""

    __tablename__ = "recovery_codes"
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    made_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class HalfSignIn(Base):
    """The password was right and the code is still to come. The cookie holds a random secret; the row only its SHA-256."""

    __tablename__ = "half_sign_ins"
    __table_args__ = (CheckConstraint("door IN ('portal', 'staff')", name="door"), Index("ix_half_sign_ins_user", "user_id"))
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    door: Mapped[str] = mapped_column(String(6))
    begun_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Passkey(Base):
    """A public key that a device of the person's, or their password manager, holds the other half of. It is a second step, and where the
    device makes sure who holds it (user verification), both steps at once."""

    __tablename__ = "passkeys"
    __table_args__ = (
        CheckConstraint("sign_count >= 0", name="sign_count"),
        UniqueConstraint("credential_id", name="uq_passkeys_credential"),
        UniqueConstraint("public_id", name="uq_passkeys_public_id"),
        Index("ix_passkeys_user", "user_id"),
    )
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(60))  # what the person calls it
    credential_id: Mapped[bytes] = mapped_column(LargeBinary)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)  # in COSE, as it came
    transports: Mapped[str] = mapped_column(String(120))  # how a browser reaches it, words apart by blanks
    sign_count: Mapped[int] = mapped_column(BigInteger)  # of devices that count; one that does not go up is of a copy
    made_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class PasskeyChallenge(Base):
    """What a passkey is asked to sign: for one purpose, in one browser, once. The next question in its place is another row's end."""

    __tablename__ = "passkey_challenges"
    __table_args__ = (CheckConstraint("purpose IN ('add', 'second_step', 'sign_in', 'confirm')", name="purpose"),)
    holder: Mapped[str] = mapped_column(String(64), primary_key=True)  # the session, the half sign-in, or a browser nobody is signed in at
    purpose: Mapped[str] = mapped_column(String(12), primary_key=True)
    challenge: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime]
