"""Where events may be sent: never into our own house, however its address is spelled, whatever a name points to, and whoever redirects."""

from __future__ import annotations

import socket
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import pytest

from core.hooks import endpoints
from core.hooks.deliver import Letter
from core.hooks.endpoints import BadHookAddress, check_address
from core.kernel import config
from core.kernel.ids import uuid7
from core.web import outward
from core.web.outward import NotReached, post_to
from tests.core.hooks.conftest import Hooked
from tests.factories import make_link, unit
from workers import hooks as sender

# What no event may reach. Python's own is_global calls the second half of them public.
INSIDE = [
    "127.0.0.1", "127.0.0.2", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "192.0.0.1", "198.18.0.1",
    "192.0.2.1", "198.51.100.1", "203.0.113.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fc00::1", "fe80::1", "2001:db8::1", "::ffff:10.0.0.1",
    "::ffff:169.254.169.254", "100::1",
    "224.0.0.1", "ff02::1", "192.0.0.8", "192.88.99.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "fec0::1", "5f00::1",
    "3fff::1", "::ffff:0:127.0.0.1",
]  # fmt: skip


def spellings(address: str) -> list[str]:
    """How the same place can be written in an address of the web."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address):
        whole, short = ip.exploded, ip.compressed
        return [f"[{short}]", f"[{whole}]", f"[{short.upper()}]", f"[{short}%25eth0]", short, f"[{short}]:443", f"x@[{short}]", f"good.example\\@[{short}]",
                f"[{short}].", f"%5B{short}%5D", f"[{short}", f"[::ffff:{short}]"]  # fmt: skip
    parts = str(ip).split(".")
    number = int(ip)
    return [
        str(ip), f"{ip}.", str(number), hex(number), f"0{number:o}", ".".join(f"0{int(part):o}" for part in parts), ".".join(hex(int(part)) for part in parts),
        f"{parts[0]}.{int(parts[1]) * 65536 + int(parts[2]) * 256 + int(parts[3])}", f"[::ffff:{ip}]", f"{ip}\\@good.example", f"good.example@{ip}",
        str(ip).translate({ord(str(n)): 0xFF10 + n for n in range(10)}),
    ]  # fmt: skip


def test_there_are_thirty_five_addresses_in_twelve_spellings_each() -> None:
    assert len(INSIDE) == len(set(INSIDE)) == 35
    assert {len(spellings(address)) for address in INSIDE} == {12}
    assert {type(ip_address(address)) for address in INSIDE} == {IPv4Address, IPv6Address}


@pytest.mark.parametrize("inner", INSIDE)
@pytest.mark.parametrize("mode", ["test", "live"])
def test_no_spelling_of_an_inner_address_is_taken(inner: str, mode: str, environment: dict[str, str]) -> None:
    for spelling in spellings(inner):
        if spelling == "127.0.0.1" and mode == "test":
            continue  # in test mode, where the setting allows it, a program on this machine
        for scheme in ("https", "http"):
            with pytest.raises(BadHookAddress) as refused:
                check_address(f"{scheme}://{spelling}/hooks", mode)
            assert refused.value.field == "address"


@pytest.mark.parametrize("inner", INSIDE)
def test_no_name_that_points_inside_is_sent_to(inner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any, **__: Any) -> None:
        pytest.fail("something was knocked at")

    monkeypatch.setattr(socket, "create_connection", never)
    for found in ([inner], ["93.184.216.34", inner]):
        with pytest.raises(NotReached, match="public internet"):
            post_to("https://shop.example/hooks", b"{}", {}, resolve=lambda *_, found=found: found)


@pytest.mark.parametrize(
    "text",
    [
        "", "shop.example", "ftp://shop.example/", "http://shop.example/", "https://shop.example:99999/", "https://shop/", "https://user@shop.example/",
        "https://user:pw@shop.example/", "https://shop.example/#part", "https://shop.example/{PAYMENT}", "https://sh op.example/", "https://Shop.example/",
        "https://shop.example\\@good.com/", "https://localhost/\x00", "javascript:alert(1)", "https://xn--/", "https://-a.example/", "https://" + "a" * 600,
        "https:///hooks", "//shop.example/", "https://ｓｈｏｐ.example/",
    ],
)  # fmt: skip
def test_what_is_no_plain_https_address_is_refused_at_its_field(text: str, environment: dict[str, str]) -> None:
    with pytest.raises(BadHookAddress) as refused:
        check_address(text, "live")
    assert refused.value.field == "address"


def test_good_addresses_are_kept_as_they_are(environment: dict[str, str]) -> None:
    for good in ("https://shop.example/hooks?a=1", "https://shop.example:8443/x", "https://xn--bcher-kva.example/"):
        assert check_address(f" {good} ", "live") == good
    assert check_address("https://shop.example", "live") == "https://shop.example/"


def test_this_machine_is_only_for_test_mode_and_where_the_setting_allows_it(
    hooked: Hooked, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check_address("http://localhost:3000/hooks", "test")
    with pytest.raises(BadHookAddress):
        check_address("http://localhost:3000/hooks", "live")
    forbidding = replace(config.settings(), hooks_to_localhost=False)
    for place in (endpoints, sender):
        monkeypatch.setattr(place, "settings", lambda: forbidding)
    with pytest.raises(BadHookAddress):
        check_address("http://localhost:3000/hooks", "test")
    make_link(hooked.shop)
    hooked.relay()
    hooked.turn()  # one that was named while it was allowed is not reached any more either
    assert hooked.receiver.got == [] and hooked.deliveries()[0].attempts == 1


@pytest.mark.parametrize("url", ["https://shop.example/", "https://localhost.shop.example/", "http://localhost:1@shop.example/"])
def test_a_name_of_somebody_elses_that_points_to_this_machine_is_not_sent_to(
    url: str, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    """The permission is for the name localhost, not for whatever resolves to it."""
    monkeypatch.setattr(outward.socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("127.0.0.1", 443))])
    nobody = (uuid7(), "test", uuid7())
    heard = sender.send(Letter(nobody, nobody, url, "test", b"{}", {}))
    assert heard.status is None and "public internet" in heard.problem


def test_proxies_in_the_environment_are_not_asked(hooked: Hooked, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    make_link(hooked.shop)
    hooked.relay()
    assert hooked.turn() == 1 and len(hooked.receiver.got) == 1


def test_no_address_is_kept_that_was_refused(hooked: Hooked) -> None:
    with unit(hooked.app), pytest.raises(BadHookAddress):
        endpoints.change_endpoint(hooked.shop.vendor, hooked.endpoint, by="usr_x", address="https://10.0.0.1/", name="", types=[])
    assert hooked.now().address == hooked.receiver.address
