"""The canonical form in which rows are hashed: every field with its length before it, so that no two contents are ever written alike."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING = b"\xff\xff\xff\xff"  # in place of a length: there is no value, which is not the same as an empty one
Field = None | int | str | bytes | uuid.UUID | datetime


def pack(fields: Iterable[Field]) -> bytes:
    """One field after the other: four bytes of length, then the value. Whole numbers are eight bytes, instants are microseconds."""
    return b"".join([_field(value) for value in fields])


def _field(value: Field) -> bytes:
    if value is None:
        return _NOTHING
    if isinstance(value, datetime):
        value = (value - _EPOCH) // timedelta(microseconds=1)
    if isinstance(value, int):
        data = struct.pack(">q", value)
    elif isinstance(value, uuid.UUID):
        data = value.bytes
    else:
        data = value.encode() if isinstance(value, str) else value
    return struct.pack(">I", len(data)) + data


def link(tag: str, before: bytes, seq: int, content: bytes) -> bytes:
    """A link of a chain: what it hangs on, its number and what it holds, under a tag that no other kind of chain has."""
    return sha256(pack((tag, before, seq, content))).digest()


# The same in SQL, for the proof, which goes over all rows in one statement: what writes a chain and what checks it share no code.


def sql_text(column: str) -> str:
    """A text or bytes of text as a field."""
    data = f"convert_to({column}::text, 'UTF8')"
    return f"coalesce(int4send(octet_length({data})) || {data}, '\\xffffffff'::bytea)"


def sql_number(column: str) -> str:
    """A whole number as a field."""
    return f"coalesce('\\x00000008'::bytea || int8send(({column})::bigint), '\\xffffffff'::bytea)"


def sql_id(column: str) -> str:
    """A UUID as a field."""
    return f"coalesce('\\x00000010'::bytea || uuid_send({column}), '\\xffffffff'::bytea)"


def sql_instant(column: str) -> str:
    """An instant as a field."""
    return sql_number(f"extract(epoch FROM {column}) * 1000000")


def sql_bytes(value: str) -> str:
    """Bytes as a field."""
    return f"(int4send(octet_length({value})) || {value})"
