"""JSON as it leaves: UTF-8, stable, and without the values JSON does not have."""

import json


def dumps(body):
    """Bytes of one JSON document; NaN and infinities are refused, lone surrogates leave as escapes."""
    return json.dumps(body, indent=2, allow_nan=False).encode("ascii")


def fields_changed(before, after):
    """`previous_attributes` of an event: the old value of every top-level field that is different now."""
    return {name: before.get(name) for name in after if before.get(name) != after.get(name)}
