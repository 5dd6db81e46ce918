"""The demo shop as it runs: another host name than the portal's, so that a browser keeps our cookies from it."""

from __future__ import annotations

import importlib.util
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.accounts.embed_origins import allow_origin
from core.payments.button import Look, make_button
from core.payments.lists import list_payments
from core.payments.prefill import Answers, prefill_token
from tests.factories import Shop, again, link_address, make_link, unit

SHOP = Path(__file__).resolve().parents[2] / "docs" / "demo-shop" / "shop.py"


def demo_shop() -> Any:
    spec = importlib.util.spec_from_file_location("demo_shop", SHOP)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Site:
    """Where it is, whose it is, and what came of it."""

    address: str
    shop: Shop

    def payments(self) -> list[str]:
        with self.shop.app.app_context():
            return [payment.state for payment in list_payments(self.shop.vendor, "test").rows]


def opening_sites(shop: Shop, portal: str) -> Iterator[Callable[..., Site]]:
    """Gives what opens one: site(named=False) has not been named, site(POLICY=...) has a policy of its own, site(KEY=...) asks the API."""
    from werkzeug.serving import make_server

    servers = []

    def opened(*, named: bool = True, **blanks: Any) -> Site:
        link = make_link(shop, amount="12.50")
        with unit(shop.app):
            button = make_button(
                shop.vendor, again(link), by="usr_x", answers=Answers(), look=Look(text="Pay"), expires_at=None, form_token=secrets.token_hex(12)
            )  # fmt: skip
            token = prefill_token(shop.vendor, again(link), button)
        demo = demo_shop()
        script = (SHOP.parents[2] / "static" / "embed" / "v1.js").read_bytes()
        made = demo.make_shop(
            **{
                "PORTAL": portal, "LINK": portal + link_address(shop, link), "BUTTON": token, "AMOUNT": "12.50", "CURRENCY": "GBP",
                "INTEGRITY": demo.integrity_of(script), **blanks,
            }
        )  # fmt: skip
        server = make_server("localhost", 0, made, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        address = f"http://localhost:{server.server_port}"
        if named:
            with unit(shop.app):
                allow_origin(shop.vendor, "test", address, by="usr_x")
        return Site(address, shop)

    yield opened
    for server in servers:
        server.shutdown()
        server.server_close()
