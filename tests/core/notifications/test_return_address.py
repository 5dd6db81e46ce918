"""A letter's name outside: only we can write it, and it survives what mail servers do to addresses."""

from __future__ import annotations

import uuid

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as some

from core.kernel import config
from core.kernel.config import BadSetting
from core.kernel.ids import uuid7
from core.notifications.report import read_report, takes_nobody
from core.notifications.return_address import letter_name, names_in, read_letter_name


def test_only_the_name_we_wrote_is_read(app: Flask) -> None:
    letter = uuid7()
    name = letter_name(letter)
    assert read_letter_name(name) == letter and len(name) == 42
    assert names_in(f"<Returned+{name.upper()}@Portal.Example>") == [name], "however it is written by then"
    for place in range(len(name)):
        other = name[:place] + ("a" if name[place] != "a" else "b") + name[place + 1 :]
        assert read_letter_name(other) is None
    assert [read_letter_name(text) for text in ("", "a", name[:-1], name + "a", "1" * 42)] == [None] * 5


def test_the_name_of_one_letter_is_no_name_of_another(app: Flask) -> None:
    mine, theirs = letter_name(uuid.UUID(int=1)), letter_name(uuid.UUID(int=2))
    assert read_letter_name(mine[:26] + theirs[26:]) is None


@given(some.binary(max_size=600))
def test_nothing_that_comes_in_breaks_the_reader(raw: bytes) -> None:
    assert read_report(raw) is None or raw.startswith(b"Content-Type")
    head = b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n"
    read_report(head + raw, recipient=raw.decode("latin-1"))
    read_report(raw + head)


@pytest.mark.parametrize(
    ("code", "words", "nobody"),
    [
        ("550", "550 5.1.1 no such user", True), ("550", "550 5.1.10 null MX", True), ("550", "550 no such user here", True),
        ("550", "550 5.7.1 relaying denied", False), ("550", "550 Your IP is on a blocklist", False), ("554", "554 5.7.1 spam", False),
        ("552", "552 5.2.2 mailbox full", False), ("550", "550 5.2.1 mailbox disabled", True), ("", "5.4.4 host not found", True),
        ("421", "421 try later", False), ("", "", False), ("550", "550 5.0.0 no such user", True),
    ],
)  # fmt: skip
def test_a_refusal_is_about_the_address_or_about_something_else(code: str, words: str, nobody: bool) -> None:
    assert takes_nobody(code, words) is nobody


@pytest.mark.parametrize("text", ["nobody", "a b@c.example", "x" * 21 + "@c.example", "a@b@c", "Returned <a@b.example>", "a@b..example"])
def test_an_address_that_has_no_room_for_a_letters_name_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(BadSetting, match="MAIL_RETURN"):
        config._return_address(text)
    assert config._return_address("") == "" and config._return_address("returned@mail.example") == "returned@mail.example"
