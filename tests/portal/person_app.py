"""Somebody's app in tests, as it stands at the API's door."""

from __future__ import annotations

import json
import secrets
from typing import Any

from werkzeug.test import TestResponse

from tests.factories import PASSWORD, Shop
from tests.portal.caller import HOME, conforms

USERS, ME = f"{HOME}/users", f"{HOME}/users/me"


class App:
    """Somebody's app, which holds its tokens and every answer against the document."""

    def __init__(self, shop: Shop, **more: Any) -> None:
        self.shop, self.client = shop, shop.app.test_client()
        self.access = self.refresh = ""
        if more.pop("enter", True):
            self.keep(self.sign_in(**more))

    def ask(self, method: str, path: str, body: Any = None, *, key: str = "", token: str | None = None) -> TestResponse:
        named = {"Authorization": f"Bearer {self.access if token is None else token}", "Idempotency-Key": key or secrets.token_hex(8)}
        raw = json.dumps(body) if body is not None else ""
        answer = self.client.open(path, method=method, data=raw, content_type="application/json", headers=named)
        return conforms(self.shop.app, method, path, answer)

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.ask("GET", path, **more)

    def sign_in(self, **more: Any) -> TestResponse:
        return self.ask(
            "POST",
            f"{USERS}/sign-in",
            {"email": self.shop.user.email, "password": PASSWORD, "app": "Till", "business": self.shop.vendor.public_id, **more},
        )

    def renew(self, token: str = "") -> TestResponse:
        return self.ask("POST", f"{USERS}/refresh", {"refresh_token": token or self.refresh})

    def keep(self, answer: TestResponse) -> dict[str, Any]:
        assert answer.status_code == 200, answer.text
        told = dict(answer.get_json())
        self.access, self.refresh = told["access_token"], told["refresh_token"]
        return told
