"""Cheap requests that would be costly answers: what one stranger sends must not keep the others waiting."""

from __future__ import annotations

import time

import pytest

from core.accounts.passwords import READ_BY_ZXCVBN, WeakPassword, check_strength

SIGNS = "4@8({[<369&#!1/|0$5+7%2"  # every sign that may stand for a letter
WORST = (SIGNS * 6, "4@(6!1$5" * 16, "p@$$w0rd" * 16, "a" * 128, "1991-11-11" * 12, "".join(map(chr, range(33, 127))))


@pytest.mark.parametrize("password", WORST)
def test_no_password_takes_long_to_judge(password):
    check_once = "warm the dictionaries up, harbour and lantern"
    check_strength(check_once)
    began = time.process_time()
    try:
        check_strength(password[:128], about=(password, f"{password[:60]}@example.com", password[::-1]))
    except WeakPassword:
        pass
    assert time.process_time() - began < 0.5, f"{READ_BY_ZXCVBN} characters are too many"


@pytest.mark.parametrize("password", ["aaaaaaaa", "password123", "p@$$w0rd!", "qwertyuiop12", "abcdefgh12345678", "letmein" * 6])
def test_a_short_look_still_refuses_what_is_easily_guessed(password):
    with pytest.raises(WeakPassword):
        check_strength(password)
