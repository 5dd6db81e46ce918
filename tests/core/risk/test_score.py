"""Limits: how a try scores, what only asks, what stops, what slides out of its window, and what happens without Redis."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest

from core.kernel.clock import shifted
from core.risk import windows
from core.risk.score import LIMITS, MOST_SHARED, PROVE, STOP, SURGE, is_surge, judge, note_decline, note_try

pytestmark = pytest.mark.usefixtures("app")
MOST = {(limit.counted, limit.of): limit.most for limit in LIMITS}


@pytest.fixture
def scope() -> str:
    return f"{secrets.token_hex(8)}:test"


WHO = {"address": "a", "browser": "b", "email": "e@example.com", "link": "l", "vendor": "v"}


def decline(scope: str, times: int, *, cards: int = 1, **who: str) -> None:
    for n in range(times):
        note_decline(scope, {**WHO, **who}, name=secrets.token_hex(6), card=f"fp_{n % cards}", link=who.get("link", "l"))


def test_nobody_is_known_at_first(scope: str) -> None:
    assert judge(scope, WHO).step == "none" and judge(scope, WHO).score == 0


def test_declines_are_asked_about_from_four_tenths_of_the_limit_and_stopped_at_it(scope: str) -> None:
    most = MOST["declines", "address"]
    decline(scope, 3)
    assert judge(scope, {"address": "a"}).step == "none"
    decline(scope, most - 4)
    assert judge(scope, {"address": "a"}).step == "prove"
    decline(scope, 1)
    assert judge(scope, {"address": "a"}).step == "stop"


def test_different_cards_weigh_more_than_one_card_often(scope: str) -> None:
    decline(scope, MOST["cards", "browser"], cards=MOST["cards", "browser"])
    verdict = judge(scope, {"browser": "b"})
    assert verdict.step == "stop" and verdict.limit and verdict.limit.counted == "cards"


def test_the_same_decline_heard_often_is_one(scope: str) -> None:
    for _ in range(50):
        note_decline(scope, WHO, name="ch_1", card="fp", link="l")
    assert judge(scope, WHO).score <= 100 // MOST["links", "card"]


def test_what_others_do_on_a_link_asks_for_a_proof_and_stops_nobody(scope: str) -> None:
    for n in range(300):
        note_decline(scope, {"link": "l", "vendor": "v"}, name=f"ch_{n}", card="", link="l")
    verdict = judge(scope, {**WHO, "address": "clean", "browser": "clean", "email": "clean@example.com"})
    assert verdict.score == MOST_SHARED and verdict.step == "prove"


def test_a_card_that_was_declined_on_many_links_is_stopped_wherever_it_comes_from(scope: str) -> None:
    for n in range(MOST["links", "card"]):
        note_decline(scope, {"card": "fp", "address": f"a{n}"}, name=f"ch_{n}", card="fp", link=f"l{n}")
    assert judge(scope, {"card": "fp", "address": "another"}).step == "stop"


def test_a_window_slides(scope: str) -> None:
    decline(scope, MOST["declines", "address"])
    with shifted(timedelta(minutes=14)):
        assert judge(scope, {"address": "a"}).step == "stop"
    with shifted(timedelta(minutes=16)):
        assert judge(scope, {"address": "a"}).score == 0


def test_each_vendor_and_each_world_is_counted_alone(scope: str) -> None:
    decline(scope, 30, cards=30)
    assert judge(scope.replace("test", "live"), WHO).score == 0


def test_under_attack_everybody_proves_and_half_is_enough_to_be_stopped(scope: str) -> None:
    assert judge(scope, WHO, under_attack=True).score == PROVE
    decline(scope, MOST["declines", "address"] // 2)
    assert judge(scope, {"address": "a"}).score < STOP <= judge(scope, {"address": "a"}, under_attack=True).score


def test_a_surge_is_many_declines_and_few_that_are_none(scope: str) -> None:
    decline(scope, SURGE - 1)
    assert is_surge(scope, "v") == 0
    decline(scope, 1)
    assert is_surge(scope, "v") == SURGE
    for n in range(2 * SURGE + 1):
        note_try(scope, WHO, name=f"try_{n}")
    assert is_surge(scope, "v") == 0, "a shop with many payments has some declines"


def test_without_redis_nothing_is_known_and_nobody_is_stopped(scope: str, monkeypatch: pytest.MonkeyPatch) -> None:
    decline(scope, 30, cards=30)
    dead = windows.KeptLine.from_url("redis://127.0.0.1:9/0", socket_connect_timeout=0.1, socket_timeout=0.1)
    monkeypatch.setattr(windows, "_redis", lambda url: dead)
    monkeypatch.setitem(windows._away, "until", 0.0)
    assert judge(scope, WHO).step == "none"
    assert windows._away["until"] > 0, "and it is not asked again with every payer who presses"
    note_try(scope, WHO, name="t")
    assert windows.take_turn("risk:turn", 5) and windows.kept("risk:any") == ""


def test_no_address_and_no_card_stands_in_redis(scope: str) -> None:
    who = {**WHO, "address": "203.0.113.77", "email": "grace.hopper@example.com"}
    note_decline(scope, who, name="ch_1", card="fp_secret", link="l")
    keys = [key.decode() for key in windows._redis(windows.settings().redis_url).scan_iter("risk:*")]
    assert keys and not [key for key in keys if "203.0.113" in key or "grace" in key or "fp_secret" in key]
