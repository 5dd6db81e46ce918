"""The API's reference inside the portal: put together from the document, with calls that run as they stand."""

from __future__ import annotations

from typing import Any

from flask import Response, url_for
from flask_babel import gettext as _

from core.accounts.api_keys import PATTERN, PUBLISHABLE, counts, list_keys
from core.accounts.key_scopes import scope_of
from core.kernel.config import settings
from core.kernel.errors import NotFound
from core.web.guard import current, may
from core.web.page import page
from core.web.throttle import in_figures
from portal.api.codes import codes
from portal.api.endpoint import TAGS, Endpoint
from portal.api.examples import VARIABLE, endpoints_of, examples_of
from portal.api.kinds import Fields
from portal.api.paging import PAGED
from portal.api.shapes import Shape
from portal.blueprint import portal
from portal.keys import resource_words


@portal.get("/portal/api")
@may("keys.manage")
def reference() -> Response:
    """How it works, what there is, and what every code means."""
    return page(
        "portal/reference/index.html", resources=_tabs(""), codes=codes(), base=settings().public_url, key=_own_key(), variable=VARIABLE,
        pattern=PATTERN, business=in_figures(settings().api_business_limit), ends=[(words, endpoints_of(TAGS[name]), name) for name, words in _parts_of_it().items()],
    )  # fmt: skip


@portal.get("/portal/api/<resource>")
@may("keys.manage")
def reference_of(resource: str) -> Response:
    """One resource: its endpoints with their fields and answers."""
    if resource not in TAGS:
        raise NotFound
    found = [_told(one) for one in endpoints_of(TAGS[resource])]
    return page(
        "portal/reference/resource.html", title=_parts_of_it()[resource], resources=_tabs(resource), ends=found, key=_own_key(),
        variable=VARIABLE,
    )  # fmt: skip


def _tabs(now: str) -> list[tuple[str, str, bool]]:
    """The whole reference in one row."""
    return [
        (_("How it works"), url_for(".reference"), not now),
        *((words, url_for(".reference_of", resource=name), name == now) for name, words in _parts_of_it().items()),
    ]


def _parts_of_it() -> dict[str, str]:
    """The parts with their names: what keys are good for, and what is about people."""
    return resource_words() | {"users": _("People’s own apps")}


def _own_key() -> str:
    """What the reader's own test key looks like: only its end is known here, and it is shown whole only once."""
    me = current()
    mine = [key for key in list_keys(me.vendor, "test") if counts(key) and key.kind != PUBLISHABLE]
    return f"portal_{mine[0].kind}_test_…{mine[0].ends_in}" if mine else "portal_sk_test_…"


def _told(one: Endpoint) -> dict[str, Any]:
    return {
        "told": one, "scope": scope_of(one.word, writes=one.writes) if one.access == "key" else "", "examples": examples_of(one, settings().public_url),
        "takes": _fields(one.takes, partly=one.partly), "query": _fields(dict(one.query) | (PAGED if one.many else {})),
        "gives": _parts(one.gives),
    }  # fmt: skip


def _fields(fields: Fields, *, partly: bool = False, at: str = "") -> list[tuple[str, str, str]]:
    """Name, kind in short, and what is said about it; those within come after theirs."""
    rows: list[tuple[str, str, str]] = []
    for name, kind in fields.items():
        schema = kind.schema()
        rows.append((f"{at}{name}", _in_short(schema) + (", required" if kind.required and not partly else ""), kind.about))
        inner = getattr(kind, "fields", None) or getattr(getattr(kind, "of", None), "fields", None)
        if inner:
            rows += _fields(inner, at=f"{at}{name}[]." if hasattr(kind, "of") else f"{at}{name}.")
    return rows


def _parts(shape: Shape) -> list[tuple[str, str, str]]:
    return [(name, _in_short(part.schema) + (" or null" if part.nullable else ""), part.about) for name, part in shape.parts.items()]


def _in_short(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(schema["enum"]) if len(schema["enum"]) < 12 else "a code"
    kind = schema.get("format") or schema["type"]
    return kind if isinstance(kind, str) else " or ".join(kind)
