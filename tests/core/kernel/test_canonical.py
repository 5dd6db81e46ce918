"""The canonical form: two contents are never written alike, whatever stands in them."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from core.kernel.canonical import Field, link, pack

FIELD = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.uuids(),
    st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
)


def read(data: bytes) -> list[bytes | None]:
    """The fields again, without knowing what they were."""
    found: list[bytes | None] = []
    while data:
        size, data = int.from_bytes(data[:4], "big"), data[4:]
        if size == 0xFFFFFFFF:
            found.append(None)
        else:
            found.append(data[:size])
            data = data[size:]
    return found


@given(st.lists(FIELD, max_size=8))
def test_every_field_can_be_read_back_so_no_two_lists_of_them_are_alike(fields: list[Field]) -> None:
    assert read(pack(fields)) == [None if value is None else pack([value])[4:] for value in fields]


@given(
    st.lists(st.text(st.sampled_from("a|;,\x00"), max_size=3), max_size=4),
    st.lists(st.text(st.sampled_from("a|;,\x00"), max_size=3), max_size=4),
)
def test_no_sign_in_a_text_can_pass_for_the_end_of_one(one: list[str], other: list[str]) -> None:
    assert (pack(one) == pack(other)) == (one == other)


def test_nothing_is_not_an_empty_text_nor_a_nought() -> None:
    assert len({pack([None]), pack([""]), pack([0]), pack([b"\x00" * 8, ""])}) == 4


def test_a_link_is_the_sum_that_the_decision_says_it_is() -> None:
    """Anybody can work it out with any tool: four bytes of length, then the value; numbers have eight bytes."""
    expected = b"\x00\x00\x00\x03tag" + b"\x00\x00\x00\x02be" + b"\x00\x00\x00\x08" + (7).to_bytes(8, "big") + b"\x00\x00\x00\x01c"
    assert link("tag", b"be", 7, b"c") == sha256(expected).digest()
