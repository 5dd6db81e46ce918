"""Host names for payment pages: what is one, whose it is, and how it is proved, kept, lost and taken over."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask

from core.accounts.pay_domain_models import PayDomain, PayHost
from core.accounts.pay_domains import (
    MOST_DOMAINS,
    BadPayDomain,
    add_pay_domain,
    ask_for_look,
    find_pay_domain,
    is_taken,
    list_pay_domains,
    plan_looks,
    read_pay_host,
    remove_pay_domain,
    use_pay_domain,
)
from core.accounts.pay_host import beginning, home_of, own_host, plain_host
from core.kernel.clock import frozen, now
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.errors import Conflict, NotFound
from core.kernel.outbox import OutboxTask
from tests.factories import Shop, make_shop, unit
from tests.pay_domains import look, name_host, some_host, vendor_of


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def other(app: Flask) -> Shop:
    return make_shop(app)


# --- what is one -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "host"),
    [
        ("pay.example.com", "pay.example.com"), (" Pay.Example.COM. ", "pay.example.com"), ("https://pay.example.com/", "pay.example.com"),
        ("zahlen.bäckerei.example", "zahlen.xn--bckerei-5wa.example"), ("xn--bckerei-5wa.example", "xn--bckerei-5wa.example"),
        ("ｐay.example.com", "pay.example.com"), ("a-b.co.uk", "a-b.co.uk"), ("pay。example。com", "pay.example.com"),
    ],
)  # fmt: skip
def test_a_host_name_is_read_as_dns_writes_it(typed: str, host: str) -> None:
    assert read_pay_host(typed) == host


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("127.0.0.1", "in numbers"), ("[::1]", "in numbers"), ("2001:db8::1", "in numbers"), ("pay.example.com:8443", "port"),
        ("pay_me.example.com", "underscore"), ("pay.example.com/x", "alone"), ("https://u@pay.example.com", "alone"), ("pay.example.com?x", "alone"),
        ("localhost", "Write a host name"), ("com", "Write a host name"), ("", "Write a host name"), ("a b.example", "Write a host name"),
        ("-a.example", "Write a host name"), ("*.example.com", "Write a host name"), ("a..example", "Write a host name"), ("a\x00.example", "Write a host name"),
        ("x" * 300, "Write a host name"), ("ä" * 70 + ".example", "Write a host name"), ("\u200d.example", "Write a host name"), ("pay.example.com\nx", "Write a host name"),
        ("co.uk", "registered below"), ("com.au", "registered below"), ("2130706433", "Write a host name"), ("ftp://pay.example.com", "alone"),
    ],
)  # fmt: skip
def test_what_is_none_is_refused_saying_why(typed: str, says: str) -> None:
    with pytest.raises(BadPayDomain, match=says) as refused:
        read_pay_host(typed)
    assert refused.value.field == "host"


@pytest.mark.parametrize("typed", ["pay.house.example", "x.pay.house.example", "house.example", "PAY.HOUSE.EXAMPLE."])
def test_our_own_name_and_what_is_below_or_above_it_is_nobodys(typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    changed = dataclasses.replace(settings(), public_url="https://pay.house.example")
    monkeypatch.setattr("core.accounts.pay_domains.settings", lambda: changed)
    with pytest.raises(BadPayDomain, match="platform"):
        read_pay_host(typed)
    assert read_pay_host("pay.ouse.example") == "pay.ouse.example"


def test_addresses_keep_the_scheme_the_port_and_the_path_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    for ours, theirs in (("https://h.example", "https://p.example"), ("http://h.example:81/a", "http://p.example:81/a"), ("http://127.0.0.1:5000", "http://p.example:5000")):  # fmt: skip
        changed = dataclasses.replace(settings(), public_url=ours)
        monkeypatch.setattr("core.accounts.pay_host.settings", lambda changed=changed: changed)
        assert beginning("p.example") == theirs
    assert own_host("https://h.example:8/x") == "h.example"
    assert [plain_host(said) for said in ("P.example.:80", "p.example", "localhost", "127.0.0.1:5", "[::1]:5", "", "a_b.example")] == ["p.example", "p.example", "", "", "", "", ""]  # fmt: skip


def test_naming_it_again_is_the_same_one_and_there_are_only_so_many(shop: Shop) -> None:
    host = some_host()
    with unit(shop.app):
        vendor = vendor_of(shop)
        assert add_pay_domain(vendor, host=host, by="usr_x").id == add_pay_domain(vendor, host=host.upper(), by="usr_x").id
        for _ in range(MOST_DOMAINS - 1):
            add_pay_domain(vendor, host=some_host(), by="usr_x")
        with pytest.raises(BadPayDomain, match="at most"):
            add_pay_domain(vendor, host=some_host(), by="usr_x")
        proofs = {row.proof for row in list_pay_domains(vendor)}
    assert len(proofs) == MOST_DOMAINS


# --- proved, used ----------------------------------------------------------------------------------------------------------


def test_it_is_proved_by_both_records_and_by_neither_alone(shop: Shop) -> None:
    domain = name_host(shop)
    assert look(shop, domain, here=False).state == "waiting" and look(shop, domain, proof=False).state == "waiting"
    row = look(shop, domain)
    assert row.state == "verified" and row.verified_at and not row.in_use
    with unit(shop.app):
        assert home_of(vendor_of(shop)) == settings().public_url, "until it is switched on"


def test_what_is_not_proved_is_not_used(shop: Shop) -> None:
    domain = name_host(shop)
    with unit(shop.app):
        with pytest.raises(Conflict):
            use_pay_domain(vendor_of(shop), domain.public_id, on=True, by="usr_x")
        assert vendor_of(shop).pay_host is None


def test_one_at_a_time_is_in_use(shop: Shop) -> None:
    first, second = look(shop, name_host(shop)), look(shop, name_host(shop))
    for domain in (first, second, second, first):
        with unit(shop.app):
            use_pay_domain(vendor_of(shop), domain.public_id, on=True, by="usr_x")
            assert vendor_of(shop).pay_host == domain.host
            assert [row.host for row in list_pay_domains(vendor_of(shop)) if row.in_use] == [domain.host]
    with unit(shop.app):
        use_pay_domain(vendor_of(shop), second.public_id, on=False, by="usr_x")
        assert vendor_of(shop).pay_host == first.host, "the other one rests already"
        use_pay_domain(vendor_of(shop), first.public_id, on=False, by="usr_x")
        assert vendor_of(shop).pay_host is None


def test_another_vendor_neither_sees_nor_uses_nor_removes_it(shop: Shop, other: Shop) -> None:
    domain = look(shop, name_host(shop))
    with unit(other.app):
        for act in (
            lambda v: use_pay_domain(v, domain.public_id, on=True, by="x"),
            lambda v: remove_pay_domain(v, domain.public_id, by="x"),
        ):
            with pytest.raises(NotFound):
                act(vendor_of(other))


# --- lost ------------------------------------------------------------------------------------------------------------------


def in_use(shop: Shop) -> PayDomain:
    domain = look(shop, name_host(shop))
    with unit(shop.app):
        return use_pay_domain(vendor_of(shop), domain.public_id, on=True, by="usr_x")


def pay_host_of(shop: Shop) -> str | None:
    with shop.app.app_context():
        return vendor_of(shop).pay_host


def fail(shop: Shop, domain: PayDomain, *hours: int, begin: datetime) -> PayDomain:
    for hour in hours:
        with frozen(begin + timedelta(hours=hour)):
            domain = look(shop, domain, proof=False)
    return domain


def test_dns_that_is_away_for_hours_loses_nothing_and_a_day_of_looks_does(shop: Shop) -> None:
    domain, begin = in_use(shop), now()
    assert fail(shop, domain, 0, 1, 2, 3, 5, 23, begin=begin).state == "verified" and pay_host_of(shop) == domain.host
    assert fail(shop, domain, 24, begin=begin).state == "lost" and pay_host_of(shop) is None
    assert fail(shop, domain, 25, begin=begin).in_use, "it is still wanted"
    with frozen(begin + timedelta(hours=30)):
        assert look(shop, domain).state == "verified" and pay_host_of(shop) == domain.host, "and is used again when it is back"


def test_few_looks_far_apart_lose_nothing(shop: Shop) -> None:
    """The clock may have stood still."""
    domain = in_use(shop)
    assert fail(shop, domain, 0, 48, 96, begin=now()).state == "verified"


def test_one_good_look_begins_the_count_anew(shop: Shop) -> None:
    domain, begin = in_use(shop), now()
    fail(shop, domain, 0, 1, 2, 3, 20, begin=begin)
    with frozen(begin + timedelta(hours=21)):
        look(shop, domain)
    assert fail(shop, domain, 22, 26, 30, 44, begin=begin).state == "verified"


# --- one vendor's in the whole house -----------------------------------------------------------------------------------------


def test_a_proved_name_is_nobody_elses_until_it_is_lost_or_removed(shop: Shop, other: Shop) -> None:
    mine = in_use(shop)
    theirs = look(other, name_host(other, mine.host))
    assert theirs.state == "waiting" and theirs.proved and theirs.leads_here
    with unit(other.app):
        assert is_taken(theirs)
    fail(shop, mine, 0, 1, 2, 24, begin=now())
    assert look(other, theirs).state == "verified"
    with frozen(now() + timedelta(hours=30)):
        assert look(shop, mine).state == "lost" and pay_host_of(shop) is None, "it is the other's now"
        with unit(shop.app):
            remove_pay_domain(vendor_of(shop), mine.public_id, by="usr_x")
            claim = db.session.get_one(PayHost, mine.host)
            assert claim.verified and claim.vendor_id == other.vendor.id, "and removing one's own takes nothing from them"


def test_removing_one_that_is_in_use_gives_new_addresses_our_own_name(shop: Shop) -> None:
    domain = in_use(shop)
    with unit(shop.app):
        remove_pay_domain(vendor_of(shop), domain.public_id, by="usr_x")
    assert pay_host_of(shop) is None
    with unit(shop.app):
        assert find_pay_domain(domain.vendor_id, domain.id) is None
        assert not db.session.get_one(PayHost, domain.host).verified


# --- by hand and by the clock ------------------------------------------------------------------------------------------------


def asked(domain: PayDomain) -> int:
    return db.session.query(OutboxTask).filter_by(vendor_id=domain.vendor_id, job="look_at_pay_domain").count()


def test_a_look_is_asked_for_once_in_a_few_seconds(shop: Shop) -> None:
    domain = name_host(shop)
    with unit(shop.app):
        ask_for_look(domain)
        with pytest.raises(Conflict):
            ask_for_look(domain)
        assert asked(domain) == 1


def plan_at(shop: Shop, when: datetime, domain: PayDomain) -> int:
    with frozen(when), unit(shop.app):
        before = asked(domain)
        plan_looks(limit=10_000)
        db.session.flush()
        return asked(domain) - before


def test_the_clock_asks_when_it_is_time_and_once(shop: Shop) -> None:
    domain, begin = look(shop, name_host(shop)), now()
    assert plan_at(shop, begin + timedelta(hours=5), domain) == 0
    assert plan_at(shop, begin + timedelta(hours=7), domain) == 1
    assert plan_at(shop, begin + timedelta(hours=14), domain) == 0, "it is asked for already"


def test_a_name_that_was_never_proved_is_let_be_after_a_few_days(shop: Shop) -> None:
    domain = name_host(shop)
    with frozen(now() + timedelta(days=4)):
        assert look(shop, domain, proof=False).next_look_at is None
        assert look(shop, domain).next_look_at is not None, "once it is proved it is looked at for ever"
