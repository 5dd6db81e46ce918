"""Cheap requests that would be costly answers: what one stranger sends must not keep the others waiting."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from core.accounts.passwords import WeakPassword, check_strength
from core.providers.contract import ProviderBusy
from core.web.queue_outside import QueueOutside

SIGNS = "4@8({[<369&#!1/|0$5+7%2"  # every sign that may stand for a letter
WORST = (SIGNS * 6, "4@(6!1$5" * 16, "p@$$w0rd" * 16, "a" * 128, "1991-11-11" * 12, "".join(map(chr, range(33, 127))))


@pytest.mark.parametrize("password", WORST)
def test_no_password_takes_long_to_judge(password):
    check_strength("so that the dictionaries are there")
    began = time.process_time()
    with contextlib.suppress(WeakPassword):
        check_strength(password[:128], about=(password, f"{password[:60]}@example.com", password[::-1]))
    assert time.process_time() - began < 5  # without a bound it is minutes


@pytest.mark.parametrize("password", ["aaaaaaaa", "password123", "p@$$w0rd!", "qwertyuiop12", "abcdefgh12345678", "letmein" * 6])
def test_a_short_look_still_refuses_what_is_easily_guessed(password):
    with pytest.raises(WeakPassword):
        check_strength(password)


def test_a_slow_provider_holds_five_threads_and_the_others_are_told_at_once():
    queue, go = QueueOutside(5), threading.Event()
    told: list[str] = []

    def ask() -> None:
        try:
            with queue.place():
                go.wait(120)
            told.append("asked")
        except ProviderBusy:
            told.append("sent away")

    crowd = [threading.Thread(target=ask) for _ in range(20)]
    began = time.monotonic()
    for one in crowd:
        one.start()
    while told.count("sent away") < 15 and time.monotonic() - began < 60:
        go.wait(0.02)
    assert told == ["sent away"] * 15, "while five still hold their places"
    ask()
    assert told == ["sent away"] * 16, "nobody queues behind a provider that is known to be slow"
    go.set()
    for one in crowd:
        one.join(30)
    assert told.count("asked") == 5


def test_a_quick_provider_sends_nobody_away():
    queue = QueueOutside(5)
    failed: list[BaseException] = []

    def ask() -> None:
        try:
            with queue.place():
                threading.Event().wait(0.01)
        except ProviderBusy as busy:
            failed.append(busy)

    crowd = [threading.Thread(target=ask) for _ in range(100)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join(30)
    assert not failed
