"""The decoder of nested form bodies."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stripe._encode import _api_encode

from core.web.wire.errors import WireError
from core.web.wire.form import MAX_FIELDS, decode


@pytest.mark.parametrize(
    ("body", "tree"),
    [
        (b"", {}),
        (b"a=1&b=", {"a": "1", "b": ""}),
        (b"a[b][0][c]=v&a[b][1][c]=w", {"a": {"b": [{"c": "v"}, {"c": "w"}]}}),
        (b"a[]=v&a[]=w", {"a": ["v", "w"]}),
        (b"a[][k]=1&a[][l]=2&a[][k]=3", {"a": [{"k": "1", "l": "2"}, {"k": "3"}]}),
        (b"a[][k][]=1&a[][k][]=2", {"a": [{"k": ["1", "2"]}]}),
        (b"a%5Bb%5D=c%20d+e", {"a": {"b": "c d e"}}),
        (b"metadata[10]=x&metadata[k]=y", {"metadata": {"10": "x", "k": "y"}}),
        (b"metadata[0]=x&metadata[1]=y", {"metadata": {"0": "x", "1": "y"}}),
        ("n=£€😀".encode(), {"n": "£€😀"}),
    ],
)
def test_a_body_becomes_a_tree(body, tree):
    assert decode(body) == tree


@pytest.mark.parametrize(
    "body",
    [
        b"a=1&a=2",
        b"a=1&a[b]=2",
        b"a[b]=2&a=1",
        b"a[]=1&a[b]=2",
        b"a[b=1",
        b"a]b=1",
        b"[a]=1",
        b"=1",
        b"a[b][c][d][e][f][g]=1",
        b"a=%00",
        b"a=%ff",
        b"a%ff=1",
        b"a=%ed%a0%80",
        b"&".join(b"a%d=1" % number for number in range(MAX_FIELDS + 1)),
        b"a=" + b"x" * 1_100_000,
        b"a" + b"[b]" * 5_000 + b"=1",
    ],
)
def test_a_body_that_can_be_read_two_ways_or_not_at_all_is_refused(body):
    with pytest.raises(WireError) as refusal:
        decode(body)
    assert (refusal.value.status, refusal.value.stored) == (400, False)


@given(st.binary(max_size=300))
def test_no_body_is_worse_than_a_refusal(body):
    try:
        decode(body)
    except WireError as refusal:
        assert refusal.status == 400


_names = st.text("abcxyz_", min_size=1, max_size=6)
_texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
_trees = st.recursive(
    _texts, lambda inner: st.dictionaries(_names, inner, min_size=1, max_size=3) | st.lists(inner, min_size=1, max_size=3), max_leaves=8
)


@given(st.dictionaries(_names, _trees, max_size=4))
def test_what_the_official_encoder_writes_is_read_back(tree):
    fields = list(_api_encode(tree))
    if all(name.count("[") < 6 for name, _ in fields):
        assert decode(urlencode(fields).encode()) == tree
