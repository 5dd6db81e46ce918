"""Reads CAMT.053 bank statements (versions 02, 04 and 08) strictly: all of the file is right, or none of it is taken.

The file is gone through three times, each time as a stream that keeps nothing behind it: is it well-formed XML without any
document type or entity, does it follow the ISO 20022 schema, and what does it say. Nothing is fetched, nothing is expanded,
and a refusal names the line.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

from core.kernel.sentence import said
from core.providers.camt_parts import Reading
from core.providers.statement import Statement, StatementFile, StatementRefused

SCHEMAS = Path(__file__).parent / "schemas"
VERSIONS = ("camt.053.001.02", "camt.053.001.04", "camt.053.001.08")
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"
LARGEST = 20_000_000  # bytes; a hundred thousand entries of a talkative bank
MOST_ENTRIES = 100_000
PIECE = 65_536
ENCODINGS = ("utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252")  # those in which markup is plain ASCII
SAFE: dict[str, Any] = {
    "resolve_entities": False,
    "load_dtd": False,
    "no_network": True,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}
_DECLARED = re.compile(rb"""\A(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_NAMED = re.compile(r"\{[^}]*\}")


def read_camt(raw: bytes) -> StatementFile:
    """What the file says, checked to the last sum. Raises StatementRefused and nothing else, whatever it is given."""
    check_bytes(raw)
    version = _check_well_formed(raw)
    _check_schema(raw, version)
    message_id, statements = _read(raw)
    return StatementFile(message_id, version, hashlib.sha256(raw).hexdigest(), tuple(statements))


def check_bytes(raw: bytes) -> None:
    """What could mislead or burden the parser is refused before it sees it."""
    if not raw.strip():
        raise StatementRefused("The file is empty.")
    if len(raw) > LARGEST:
        raise StatementRefused(
            said("The file is larger than %(most)s megabytes. Ask the bank for statements of shorter periods.", most=LARGEST // 1_000_000)
        )
    declared = _DECLARED.match(raw)
    if b"\x00" in raw or (declared and declared[1].decode().lower() not in ENCODINGS):
        raise StatementRefused("The file must be written in UTF-8 or ISO 8859-1.", 1)
    for word in (b"<!DOCTYPE", b"<!ENTITY"):
        if word in raw:
            raise StatementRefused("A file of a bank declares no document type and no entities.", 1 + raw[: raw.find(word)].count(b"\n"))


def _elements(raw: bytes, events: tuple[str, ...], schema: etree.XMLSchema | None = None) -> Iterator[tuple[str, Any]]:
    """The elements as they pass by. What has passed is let go: a long statement needs no more memory than a short one."""
    parser = etree.XMLPullParser(events=events, schema=schema, **SAFE)
    for start in range(0, len(raw), PIECE):
        parser.feed(raw[start : start + PIECE])
        yield from parser.read_events()
    parser.close()
    yield from parser.read_events()


def _let_go(element: Any) -> None:
    """Whole entries, once they have been looked at."""
    if etree.QName(element).localname == "Ntry":
        element.clear()
        while element.getprevious() is not None and etree.QName(element.getprevious()).localname == "Ntry":
            del element.getparent()[element.getparent().index(element) - 1]


def _check_well_formed(raw: bytes) -> str:
    """Answers which version it is."""
    version = None
    try:
        for event, element in _elements(raw, ("start", "end")):
            if version is None:
                version = _version(element)
            if event == "end":
                _let_go(element)
    except etree.XMLSyntaxError as error:
        raise not_xml(raw, error) from None
    if version is None:
        raise StatementRefused("The file is not XML.", 1)
    return version


def _version(root: Any) -> str:
    name = etree.QName(root)
    version = (name.namespace or "").removeprefix(NAMESPACE)
    if name.localname != "Document" or version not in VERSIONS:
        wanted = ", ".join(v.removeprefix("camt.053.001.") for v in VERSIONS)
        raise StatementRefused(said("This is not a CAMT.053 statement of version %(wanted)s.", wanted=wanted), root.sourceline or 1)
    return version


def not_xml(raw: bytes, error: etree.XMLSyntaxError) -> StatementRefused:
    """The stream sometimes forgets where it was; reading the whole again tells."""
    if not error.lineno:
        try:
            etree.fromstring(raw, etree.XMLParser(**SAFE))
        except etree.XMLSyntaxError as again:
            error = again
    reason = (error.msg or "it is not XML").split(", line ")[0]
    return StatementRefused(said("The file is damaged: %(reason)s.", reason=reason), error.lineno or 1 + raw.count(b"\n"))


@cache
def schema_of(version: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(SCHEMAS / f"{version}.xsd"), etree.XMLParser(**SAFE)))


def _check_schema(raw: bytes, version: str) -> None:
    schema = schema_of(version)
    try:
        for _, element in _elements(raw, ("end",), schema):
            _let_go(element)
    except etree.XMLSyntaxError:
        # The streaming check knows that something is wrong, not where: the whole is looked at once, to name the line.
        raise unlike_schema(version, etree.fromstring(raw, etree.XMLParser(**SAFE))) from None


def unlike_schema(version: str, document: Any) -> StatementRefused:
    """The first thing in which a whole document does not follow its schema, with its line."""
    schema = etree.XMLSchema(etree.parse(str(SCHEMAS / f"{version}.xsd"), etree.XMLParser(**SAFE)))
    schema.validate(document)
    first = next(iter(schema.error_log), None)
    reason = _NAMED.sub("", first.message).rstrip(".") if first else "it does not follow the schema"
    return StatementRefused(said("The file does not follow the schema: %(reason)s.", reason=reason[:300]), first.line if first else 1)


def _read(raw: bytes) -> tuple[str, list[Statement]]:
    message_id, statements, reading = "", [], Reading(MOST_ENTRIES)
    for event, element in _elements(raw, ("start", "end")):
        name = etree.QName(element).localname
        parent = element.getparent()
        if event == "start":
            if name == "Stmt":
                reading.begin(element.sourceline)
            continue
        if name == "MsgId" and parent is not None and etree.QName(parent).localname == "GrpHdr":
            message_id = element.text or ""
        elif name == "Stmt":
            statements.append(reading.finish())
            element.clear()
        elif parent is not None and etree.QName(parent).localname == "Stmt":
            reading.take(name, element)
            _let_go(element)
    if not statements:
        raise StatementRefused("The file holds no statement.", 1)
    return message_id, statements
