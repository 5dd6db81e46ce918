"""What stands in no line of the log, whoever wrote the words that came with it."""

from __future__ import annotations

import json
from collections.abc import Iterator

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
