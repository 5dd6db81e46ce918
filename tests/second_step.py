"""Two-step sign-in of a test's person: set up through the real acts, with the codes that an app would show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp
from flask import Flask

from core.accounts.models import User
from core.accounts.one_time_codes import STEP, step_at
from core.accounts.second_factor import begin_enrolment, confirm_enrolment
from core.kernel.clock import frozen, now
from core.kernel.db import db
from tests.factories import unit


@dataclass(frozen=True)
class Device:
    """An app that was given the secret, and the paper with the recovery codes."""

    secret: str
    paper: list[str]

    def code(self, *, ahead: int = 0, at: datetime | None = None) -> str:
        """What it shows now, or so many half-minutes ahead (the one after now counts too: so a test need not wait for a fresh code)."""
        return pyotp.TOTP(self.secret).generate_otp(step_at(at or now()) + ahead)


def set_up(app: Flask, user: User) -> Device:
    """The person has an app from now on. The code it showed was of a while ago, so that the present one is fresh."""
    with frozen(now()), unit(app):
        person = db.session.get_one(User, user.id)
        secret = begin_enrolment(person, session="s" * 64).secret
        before = pyotp.TOTP(secret).generate_otp(step_at(now() - timedelta(seconds=STEP)))
        return Device(secret, confirm_enrolment(person, before, session="s" * 64, by=person.public_id))
