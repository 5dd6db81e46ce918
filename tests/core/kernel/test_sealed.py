"""What is sealed opens for its own row and purpose, as it was, and not otherwise."""

from __future__ import annotations

import pytest
from flask import Flask

from core.kernel.sealed import seal, unseal


def test_it_opens_for_its_own_row_and_purpose_only(app: Flask) -> None:
    key, kept = seal("letters", b"told", b"one", b"row")
    assert unseal("letters", key, kept, b"one", b"row") == b"told" and b"told" not in kept
    for purpose, whose in (
        ("words", (b"one", b"row")),
        ("letters", (b"other", b"row")),
        ("letters", (b"onerow",)),
        ("letters", (b"oner", b"ow")),
    ):
        with pytest.raises(ValueError, match="another row"):
            unseal(purpose, key, kept, *whose)


def test_an_altered_one_is_refused_and_so_is_a_key_that_is_gone(app: Flask) -> None:
    key, kept = seal("letters", b"told", b"row")
    for altered in (bytes([kept[0] ^ 1]) + kept[1:], kept[:-1] + bytes([kept[-1] ^ 1]), kept[:-1], b"", kept[:12]):
        with pytest.raises(ValueError, match="altered"):
            unseal("letters", key, altered, b"row")
    with pytest.raises(KeyError):
        unseal("letters", "gone", kept, b"row")


def test_the_same_words_are_never_sealed_alike(app: Flask) -> None:
    assert len({seal("letters", b"told", b"row")[1] for _ in range(100)}) == 100
