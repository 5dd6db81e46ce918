"""What stands in no line of the log, whoever wrote the words that came with it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest
import structlog

from core.accounts.api_keys import PATTERN, _check
from core.kernel.logs import HIDDEN, configure, without_secrets

RANDOM = "q7ZkP2mWx9" * 3 + "Ab"
KEY = f"portal_sk_live_{RANDOM}{_check(RANDOM)}"


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    kept = structlog.get_config()
    configure()
    yield
    structlog.configure(**kept)


@pytest.mark.parametrize(
    "secret",
    [
        KEY, KEY.replace("_sk_", "_rk_"), "sk_test_4eC39HqLyjWDarjtT1zdp7dc", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_0rSasBLb/4b/gFqQlJC45c+QbKGr5Eau",
        "rt_" + "a-B_" * 11, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJlLW9mLWl0", "WyJrMSIsImxpbmsiLCJ0ZXN0Iiwi.MhMnb6OsiUTRrp50FBEiBgUR2OwY",
        "4242 4242 4242 4242", "4242424242424242", "3782-822463-10005", "ada.lovelace+shop@mail.example.co.uk",
    ],
)  # fmt: skip
def test_neither_a_value_nor_a_fault_brings_a_secret_into_the_log(secret: str, capsys: pytest.CaptureFixture[str]) -> None:
    log = structlog.get_logger("audit")
    log.info("said", why=f"DETAIL: Key (email)=({secret}) exists.", within={"list": [secret]})
    try:
        raise ValueError(f"bad value {secret!r}")
    except ValueError:
        log.exception("broke")
    said, broke = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert secret not in json.dumps([said, broke]) and HIDDEN in said["why"] and HIDDEN in broke["exception"]
    assert said["why"].endswith("exists.") and "ValueError" in broke["exception"]


def test_what_we_name_things_by_stays(capsys: pytest.CaptureFixture[str]) -> None:
    plain = (
        "pay_64kH9DZAARI15J4y47x1Rv", "01a221da-5337-764d-855f-bad3b0c0dcff", "2026-11-28T11:11:26.025177Z", "req_9SJWlis889K8uM59GKljzO",
        "4242424242424241", "1795864420", "key_O4ZlxLfcLIe4JaElTFnJXS", "portal_pk_test_43hNMeC2kLIPKc9LRKXGE61v3vJXmm31RokAG4", PATTERN,
    )  # fmt: skip
    for one in plain:
        assert without_secrets(f"x {one} y") == f"x {one} y"
    structlog.get_logger("audit").info("said", payment=plain[0], vendor=plain[1])
    assert json.loads(capsys.readouterr().out)["vendor"] == plain[1]


@pytest.mark.parametrize(
    "secret", ["4242424242424242", "rt_" + "a-B_" * 11, KEY, "ada.lovelace@example.com", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
)
@pytest.mark.parametrize("before", ["first line\n", "ö: ", "\t", "\x1b", "\U0001f600", '"', "\\", "\\n"])
def test_signs_that_json_writes_otherwise_neither_hide_a_secret_from_the_net_nor_break_the_line(
    secret: str, before: str, capsys: pytest.CaptureFixture[str]
) -> None:
    structlog.get_logger("audit").info("said", why=before + secret, within={before + secret: [before + secret]})
    line = json.loads(capsys.readouterr().out)
    assert secret not in json.dumps(line) and line["why"].endswith(HIDDEN)


def test_an_address_with_a_sign_of_its_own_breaks_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    structlog.get_logger("audit").info(
        "said", why="DETAIL: (jörg@example.com)", bearer="bearer q7ZkP2mWx9", intent="pi_3MtwBwLkdIwHu7ix_secret_YrKJUKribcBj"
    )
    line = json.loads(capsys.readouterr().out)
    assert (line["why"], line["bearer"], line["intent"]) == (f"DETAIL: ({HIDDEN})", f"bearer {HIDDEN}", HIDDEN)


def test_a_number_stays_a_number_and_the_line_stays_json(capsys: pytest.CaptureFixture[str]) -> None:
    log = structlog.get_logger("audit")
    log.info("said", took=0.4242424242424242, at=1795864420, rate=4242424242424242.5, none=None, yes=True, huge=float("inf"))
    log.info("said", card=4242424242424242, within=[4242424242424242, 5])
    first, second = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (first["took"], first["at"], first["rate"], first["yes"]) == (0.4242424242424242, 1795864420, 4242424242424242.5, True)
    assert second["card"] == HIDDEN and second["within"] == [HIDDEN, 5]


def test_a_line_that_cannot_be_written_is_lost_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    full = open("/dev/full", "w")  # noqa: SIM115 - closing it fails as writing does
    monkeypatch.setattr(sys, "stdout", full)
    try:
        log = structlog.get_logger("workers")
        log.error("job_failed", error="OSError()")
        log.bind(task="1").info("pruned")
        log.exception("broke")
    finally:
        with suppress(OSError):
            full.close()
