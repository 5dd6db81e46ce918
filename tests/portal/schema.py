"""JSON Schema as far as the API's document goes: what is no part of this is refused, so that nothing passes unread."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

Schema = dict[str, Any]
TYPES: dict[str, Any] = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None)}
SAID = {"description", "examples", "default"}
KNOWN = SAID | {
    "type", "properties", "required", "additionalProperties", "items", "enum", "const", "pattern", "format", "minimum", "maximum",
    "minLength", "maxLength", "minItems", "maxItems", "maxProperties", "anyOf", "$ref",
}  # fmt: skip


def faults(value: Any, schema: Schema, document: Schema, at: str = "") -> list[str]:
    """Every way in which the value is not what the schema says."""
    if unknown := set(schema) - KNOWN:
        return [f"{at}: nobody here reads {sorted(unknown)}"]
    if "$ref" in schema:
        return faults(value, found(schema["$ref"], document), document, at)
    if "anyOf" in schema:
        each = [faults(value, one, document, at) for one in schema["anyOf"]]
        return [] if any(not one for one in each) else [f"{at}: none of {schema['anyOf']}: {each}"]
    wrong = _kind(value, schema, at)
    if wrong:
        return wrong
    return [*_plain(value, schema, at), *_object(value, schema, document, at), *_array(value, schema, document, at)]


def found(ref: str, document: Schema) -> Schema:
    """What stands there."""
    here: Any = document
    for name in ref.removeprefix("#/").split("/"):
        here = here[name]
    return dict(here)


def _kind(value: Any, schema: Schema, at: str) -> list[str]:
    kinds = schema.get("type", list(TYPES))
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        if isinstance(value, TYPES[kind]) and (kind != "integer" or not isinstance(value, bool)):
            return []
    return [f"{at}: {value!r} is no {kinds}"]


def _plain(value: Any, schema: Schema, at: str) -> list[str]:
    wrong = []
    if "enum" in schema and value not in schema["enum"]:
        wrong.append(f"{at}: {value!r} is none of {schema['enum']}")
    if "const" in schema and value != schema["const"]:
        wrong.append(f"{at}: {value!r} is not {schema['const']}")
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            wrong.append(f"{at}: {value!r} is not like {schema['pattern']}")
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**9):
            wrong.append(f"{at}: {len(value)} letters")
        if schema.get("format") == "date-time" and datetime.fromisoformat(value).tzinfo is None:
            wrong.append(f"{at}: {value!r} has no zone")
        if schema.get("format") == "date":
            date.fromisoformat(value)
    if type(value) is int and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        wrong.append(f"{at}: {value} is out of bounds")
    return wrong


def _object(value: Any, schema: Schema, document: Schema, at: str) -> list[str]:
    if not isinstance(value, dict):
        return []
    wrong = [f"{at}.{name}: missing" for name in schema.get("required", ()) if name not in value]
    fields, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    for name, inner in value.items():
        if name in fields:
            wrong += faults(inner, fields[name], document, f"{at}.{name}")
        elif others is False:
            wrong.append(f"{at}.{name}: nobody knows it")
        elif isinstance(others, dict):
            wrong += faults(inner, others, document, f"{at}.{name}")
    return wrong


def _array(value: Any, schema: Schema, document: Schema, at: str) -> list[str]:
    if not isinstance(value, list):
        return []
    wrong = [] if schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 10**9) else [f"{at}: {len(value)} of them"]
    for number, inner in enumerate(value):
        wrong += faults(inner, schema.get("items", {}), document, f"{at}.{number}")
    return wrong
