"""Whoever asks for a host that no machine can be called is told so, on a page like any other."""

from __future__ import annotations

import pytest
from flask import Flask

LABEL = "a" * 64  # one sign more than a label may have


@pytest.mark.parametrize("host", [LABEL, f"{LABEL}.example", "a..example", f"x{'-' * 400}"])
@pytest.mark.parametrize("path", ["/", "/sign-in", "/portal/", "/pay/x", "/no-such-page", "/api/v1/payments", "/healthz"])
@pytest.mark.parametrize("upgrade", [{}, {"Upgrade": "websocket", "Connection": "Upgrade"}])
def test_a_host_that_cannot_be_is_refused_and_no_fault(app: Flask, host: str, path: str, upgrade: dict[str, str]) -> None:
    client = app.test_client()
    for method in ("GET", "POST"):
        answer = client.open(path, method=method, headers={"Host": host, **upgrade})
        assert 300 <= answer.status_code < 500, (method, path, host, answer.status_code)
    good = client.get("/sign-in")
    assert good.status_code == 200
