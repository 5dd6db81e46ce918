"""The form cookie and the forms' token are the library's own texts, letter by letter, whoever writes and whoever reads them."""

from __future__ import annotations

import hashlib
import zlib

import pytest
from itsdangerous import BadSignature, SignatureExpired, TimestampSigner, URLSafeTimedSerializer

from core.kernel.signing import keep_key
from core.web.form_cookie import PlainFirst, Texts

KEY, SALT = "a key that is long enough", "form"
SIGNING = {"key_derivation": "hmac", "digest_method": hashlib.sha1}
HELD = [
    {},
    {"csrf_token": "ab" * 20},
    {"who": "x", "tills": {"tok_1": {"form": "é€𝄞"}}},
    {"_flashes": [("info", "Saved")]},
    "a token",
    {"long": "z" * 4000},
]


@pytest.fixture
def ours() -> Texts:
    return keep_key(Texts(KEY, salt=SALT, serializer=PlainFirst(), signer_kwargs=SIGNING))


@pytest.fixture
def library() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(KEY, salt=SALT, serializer=PlainFirst(), signer_kwargs=SIGNING)


@pytest.mark.parametrize("held", HELD, ids=str)
def test_each_reads_what_the_other_wrote(ours: Texts, library: URLSafeTimedSerializer, held: object) -> None:
    assert library.loads(ours.dumps(held), max_age=60) == ours.loads(library.dumps(held), max_age=60) == held


def test_what_is_short_has_the_librarys_letters(ours: Texts, library: URLSafeTimedSerializer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _self: 1_795_000_000)
    monkeypatch.setattr(zlib, "compress", lambda text: text)  # the library would compress a repeated sign
    assert ours.dumps(HELD[1]) == library.dumps(HELD[1])


def test_a_text_that_was_touched_anywhere_is_refused(ours: Texts) -> None:
    text = ours.dumps(HELD[2])
    for place, sign in enumerate(text[:-1]):  # of the last one two spellings say the same
        with pytest.raises(BadSignature):
            ours.loads(text[:place] + ("A" if sign != "A" else "B") + text[place + 1 :], max_age=60)


@pytest.mark.parametrize("text", ["", ".", "..", "a.b", "a.b.c", "é.é.é", "." * 50, "a" * 5000])
def test_what_was_never_ours_is_refused(ours: Texts, text: str) -> None:
    with pytest.raises(BadSignature):
        ours.loads(text, max_age=60)


@pytest.mark.parametrize("seconds", [-61, 1])
def test_a_text_counts_for_as_long_as_it_may_and_none_comes_from_the_future(
    ours: Texts, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _self: 1_795_000_000 + seconds)
    text = ours.dumps(HELD[1])
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _self: 1_795_000_000)
    with pytest.raises(SignatureExpired):
        ours.loads(text, max_age=60)
    assert ours.loads(text) == HELD[1]
