"""Tokens: what we signed, for what we signed it, as long as we said; nothing else opens anything."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from itsdangerous.encoding import base64_encode

from core.kernel import config, signing
from core.kernel.clock import frozen
from core.kernel.signing import PURPOSES, SKEW, TokenRefused, _serializer, make_token, read_token

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
END = NOW + timedelta(days=1)
FIRST, SECOND, THIRD = ({"kid": f"k{n}", "key": str(n) * 48} for n in (1, 2, 3))
FACTS = {"vendor": "vnd_1", "mode": "test", "token_id": "tok_1"}


@pytest.fixture(autouse=True)
def today() -> Iterator[None]:
    with frozen(NOW):
        yield


@pytest.fixture(autouse=True)
def ring(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """ring(newest, older...): the keys of this process."""
    monkeypatch.setenv("PORTAL_VAR", str(tmp_path))
    config.settings.cache_clear()
    real = config.settings()

    def use(*keys: dict[str, str]) -> None:
        monkeypatch.setattr(signing, "settings", lambda: replace(real, secrets={"signing_keys": list(keys)}))

    use(FIRST)
    yield use
    config.settings.cache_clear()


def link(**changed: Any) -> str:
    return make_token("link", **{**FACTS, "expires_at": END, **changed})


def refused(text: str, purpose: str = "link") -> str:
    with pytest.raises(TokenRefused) as no:
        read_token(purpose, text)
    return no.value.reason


@pytest.mark.parametrize("purpose", PURPOSES)
def test_what_we_signed_is_read_back(purpose: str) -> None:
    claims = read_token(purpose, make_token(purpose, expires_at=END, **FACTS))
    assert (claims.vendor, claims.mode, claims.token_id, claims.expires_at) == ("vnd_1", "test", "tok_1", END)


@pytest.mark.parametrize(("signed", "asked"), list(permutations(PURPOSES, 2)))
def test_a_token_serves_its_own_purpose_only(signed: str, asked: str) -> None:
    assert refused(make_token(signed, expires_at=END, **FACTS), asked) == "bad"


def test_an_unknown_purpose_is_a_bug() -> None:
    with pytest.raises(ValueError, match="no such purpose"):
        make_token("anything", expires_at=END, **FACTS)


def test_every_single_changed_letter_is_noticed() -> None:
    token = link()
    for at, letter in enumerate(token):
        assert refused(token[:at] + ("A" if letter != "A" else "B") + token[at + 1 :]) == "bad"


def test_every_shortened_token_is_refused() -> None:
    token = link()
    assert {refused(token[:length]) for length in range(len(token))} == {"bad"}


@pytest.mark.parametrize("tail", ["=", "==", "A", ".", " ", "\n", "%00", "\x00", "/", "?x=1"])
def test_every_lengthened_token_is_refused(tail: str) -> None:
    assert refused(link() + tail) == refused(tail + link()) == "bad"


def test_another_spelling_of_the_same_bytes_is_refused() -> None:
    """The last letter of base64 carries spare bits: other letters mean the same signature."""
    token, alphabet = link(), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    body, _, mark = token.rpartition(".")
    same = [mark[:-1] + letter for letter in alphabet if decoded(mark[:-1] + letter) == decoded(mark) and letter != mark[-1]]
    assert len(same) == 3
    assert {refused(f"{body}.{spelling}") for spelling in same} == {"bad"}
    standard = token.replace("-", "+").replace("_", "/")
    assert standard == token or refused(standard) == "bad"


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_token_that_was_written_compressed_is_still_good_and_has_no_third_spelling() -> None:
    """Until November 2026 a token was compressed where that gained a letter."""
    serializer, facts = _serializer(FIRST["key"], "link"), {**FACTS, "vendor": "vnd_" + "1" * 40}
    payload = ["k1", "link", "test", facts["vendor"], "tok_1", int(END.timestamp())]
    body = serializer.dump_compressed(payload)
    assert body.startswith(b".")
    token = serializer.make_signer().sign(body).decode()
    assert (read_token("link", token).vendor, read_token("link", link(vendor=facts["vendor"])).vendor) == (facts["vendor"],) * 2
    other = b"." + base64_encode(zlib.compress(json.dumps(payload, separators=(",", ":")).encode(), 1))
    assert other == body or refused(serializer.make_signer().sign(other).decode()) == "bad"


def test_a_token_of_another_key_is_refused(ring: Callable[..., None]) -> None:
    token = link()
    ring(SECOND)
    assert refused(token) == "bad"


def test_turning_the_keys_keeps_living_links_alive(ring: Callable[..., None]) -> None:
    old = link()
    ring(SECOND, FIRST)
    assert read_token("link", old) == read_token("link", link())
    assert link() != old
    ring(THIRD, SECOND)
    assert refused(old) == "bad"


def test_a_key_that_was_renamed_signs_for_itself_only(ring: Callable[..., None]) -> None:
    token = link()
    ring({"kid": "k9", "key": FIRST["key"]})
    assert refused(token) == "foreign"


def test_a_token_expires_at_its_time_and_two_clocks_may_differ_a_little() -> None:
    token = link()
    with frozen(END + SKEW):
        assert read_token("link", token)
    with frozen(END + SKEW + timedelta(seconds=1)):
        assert refused(token) == "expired"


def test_a_ten_year_old_token_is_expired_however_good_its_signature() -> None:
    with frozen(NOW - timedelta(days=3650)):
        token = make_token("link", expires_at=NOW - timedelta(days=3649), **FACTS)
    assert refused(token) == "expired"


@pytest.mark.parametrize(
    "payload",
    [{}, [], "text", 7, None, ["k1", "link", "test", "vnd_1", "tok_1"], ["k1", "link", "test", "vnd_1", "tok_1", 4e9, "more"],
     ["k2", "link", "test", "vnd_1", "tok_1", 4_000_000_000], ["k1", "receipt", "test", "vnd_1", "tok_1", 4_000_000_000]],
    ids=str,
)  # fmt: skip
def test_good_signatures_under_other_content_open_nothing(payload: Any) -> None:
    assert refused(str(_serializer(FIRST["key"], "link").dumps(payload))) in ("bad", "foreign")


def test_other_spacing_of_the_same_content_is_another_token() -> None:
    serializer = _serializer(FIRST["key"], "link")
    payload = serializer.loads(link())
    body = base64.urlsafe_b64encode(json.dumps(payload, indent=1).encode()).rstrip(b"=").decode()
    assert refused(serializer.make_signer(serializer.salt).sign(body).decode()) == "bad"


@pytest.mark.parametrize(
    "text", ["", ".", "..", "é", "💷", "\x00", "\ud800", "a" * 1_001, "A" * 10_000_000, ".".join("abc"), "." + "A" * 900]
)
def test_rubbish_is_refused_and_breaks_nothing(text: str) -> None:
    assert refused(text) == "bad"


@given(st.text(max_size=300))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
def test_whatever_text_is_refused(text: str) -> None:
    assert refused(text) == "bad"
