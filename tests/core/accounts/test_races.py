"""Two at once: one address is signed up once, and one link is used once."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from flask import Flask

from core.accounts.email_links import make_link
from core.accounts.reset_password import reset_password
from core.accounts.sign_up import Registration, sign_up
from core.kernel.signing import TokenRefused, make_token
from tests.factories import PASSWORD, make_shop, unit

ROUNDS = 10


def together(act: Callable[[int], bool]) -> list[bool]:
    """The act, twice, from the same instant; which of them had their way."""
    start = Barrier(2)

    def run(number: int) -> bool:
        start.wait(60)
        return act(number)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, range(2)))


def test_one_address_signed_up_twice_at_once_is_one_account(app: Flask) -> None:
    for _ in range(ROUNDS):
        email = f"{secrets.token_hex(6)}@example.com"

        def act(_number: int, email: str = email) -> bool:
            with unit(app):
                return sign_up(Registration("Blue Door", "GB", "GBP", email, PASSWORD)) is not None

        assert sorted(together(act)) == [False, True]


def test_one_reset_link_used_twice_at_once_sets_one_password(app: Flask) -> None:
    shop = make_shop(app)
    for _ in range(ROUNDS):
        with unit(app):
            link = make_link(shop.user, "password-reset")
            token = make_token(
                "password-reset", vendor=shop.vendor.public_id, mode="test", token_id=link.token_id, expires_at=link.expires_at
            )

        def act(number: int, token: str = token) -> bool:
            try:
                with unit(app):
                    reset_password(token, password=f"quiet-Lantern-{number}-harbour")
            except TokenRefused:
                return False
            return True

        assert sorted(together(act)) == [False, True]
