"""Where payers may be led back to, and everything that looks like it and is not."""

from __future__ import annotations

import pytest

from core.accounts.domains import add_domain, record_check
from core.accounts.return_addresses import BadReturnAddress, check_return_address, read_host, return_address
from tests.factories import Shop, make_shop, unit


@pytest.fixture(scope="module")
def shop(app) -> Shop:
    made = make_shop(app)
    with unit(app):
        domain = add_domain(made.vendor, host="shop.example", by="usr_x")
        record_check(domain, found_by="dns")
        add_domain(made.vendor, host="waiting.example", by="usr_x")
    return made


@pytest.mark.parametrize(
    "url",
    ["https://shop.example", "https://shop.example/", "https://shop.example:8443/a/b?c=d&e={PAYMENT}#f", "https://shop.example/{PAYMENT}"],
)
def test_an_address_on_a_proved_host_is_taken(shop: Shop, url: str) -> None:
    with shop.app.app_context():
        check_return_address(shop.vendor.id, "live", url, field="success_url")
        assert return_address(shop.vendor.id, "live", url, payment="pay_1") == url.replace("{PAYMENT}", "pay_1")


REFUSED = [
    "", "shop.example", "//shop.example", "/thanks", "http://shop.example/", "javascript:alert(1)", "data:text/html,x", "ftp://shop.example/",
    "https://evil.example/", "https://waiting.example/", "https://www.shop.example/", "https://shop.example.evil.example/", "https://evilshop.example/",
    "https://shop.example@evil.example/", "https://user:pw@shop.example/", "https://evil.example\\@shop.example/", "https://shop.example\\.evil.example/",
    "https://evil.example#@shop.example/", "https:shop.example", "https:///shop.example", "https:/\\shop.example", "https://shop.example:99999/",
    "https://shop.example:x/", "https://SHOP.example/", "https://shop.example./", "https://ｓhop.example/", "https://shop。example/", "https://{PAYMENT}.shop.example/",
    "https://shop.example/{OTHER}", "https://shop.example/{PAYMENT", "https://shop.example/a b", "https://shop.example/\n", "https://shop.example/\x00",
    "https://shop.example/\"><script>", "https://127.0.0.1/", "https://[::1]/", "https://0x7f000001/", "https://2130706433/", "https://shop.example/" + "x" * 500,
    "https://localhost/", "http://localhost:8080/", " https://shop.example/", "HTTPS://shop.example/", "https://%73hop.example/", "https://shop.example%2eevil.example/",
]  # fmt: skip


@pytest.mark.parametrize("url", REFUSED, ids=ascii)
def test_every_other_address_is_refused(shop: Shop, url: str) -> None:
    if url == "HTTPS://shop.example/":
        assert read_host(url, "live") == "shop.example"  # a scheme may be written in capitals; it is the same place
        return
    with shop.app.app_context():
        with pytest.raises(BadReturnAddress):
            check_return_address(shop.vendor.id, "live", url, field="success_url")
        assert return_address(shop.vendor.id, "live", url, payment="pay_1") is None


@pytest.mark.parametrize("url", ["http://localhost:8080/thanks", "http://127.0.0.1/x", "https://localhost/{PAYMENT}"])
def test_ones_own_machine_is_for_test_mode(shop: Shop, url: str) -> None:
    with shop.app.app_context():
        check_return_address(shop.vendor.id, "test", url, field="success_url")
        with pytest.raises(BadReturnAddress):
            check_return_address(shop.vendor.id, "live", url, field="success_url")


def test_one_vendors_proof_is_no_other_vendors(shop: Shop, app) -> None:
    other = make_shop(app)
    with app.app_context(), pytest.raises(BadReturnAddress):
        check_return_address(other.vendor.id, "live", "https://shop.example/", field="success_url")
