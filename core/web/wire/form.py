"""Decodes form bodies with nested names (`a[b][0][c]=v`, `a[]=v`, `a[][k]=v`) into plain dicts, lists and strings."""

import re
from urllib.parse import unquote_to_bytes

from core.web.wire.errors import bad_parameter

MAX_BYTES = 1_048_576
MAX_FIELDS = 1_000
MAX_DEPTH = 6  # a name and five levels below it
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)\Z")
_STEP = re.compile(r"\[([^\[\]]*)\]")


def decode(body):
    """Bytes of `application/x-www-form-urlencoded` -> nested dict of str. Raises WireError 400 for what cannot be read.

    An empty value stays as '' (it means: unset). A name given twice is refused: two readers of such a body would
    disagree about which one counts.
    """
    if len(body) > MAX_BYTES:
        raise bad_parameter("parameter_invalid", None, "The request body is larger than one megabyte.")
    fields = [part for part in body.split(b"&") if part]
    if len(fields) > MAX_FIELDS:
        raise bad_parameter("parameter_invalid", None, f"The request has more than {MAX_FIELDS} fields.")
    tree = {}
    for field in fields:
        name, _, value = field.partition(b"=")
        _place(tree, _path(_text(name)), _text(value))
    return _lists(tree)


def _text(raw):
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise bad_parameter("parameter_invalid", None, "The request is not valid UTF-8.") from None
    if "\0" in text:
        raise bad_parameter("parameter_invalid", None, "The request contains a nul character.")
    return text


def _path(name):
    match = _NAME.match(name)
    if not match:
        raise bad_parameter("parameter_invalid", name[:80], "A field name has brackets that do not match.")
    path = [match.group(1), *_STEP.findall(match.group(2))]
    if len(path) > MAX_DEPTH:
        raise bad_parameter("parameter_invalid", name[:80], f"Parameters may be nested {MAX_DEPTH - 1} levels deep.")
    return path


class _Items(dict):
    """A list in the making: written with empty brackets, kept by position until the body is read to its end."""


def _place(node, path, value):
    for position, step in enumerate(path[:-1]):
        following = path[position + 1]
        step = _position(node, step, path[position + 1 :])
        child = node.setdefault(step, _Items() if following == "" else {})
        if not isinstance(child, dict) or (following == "") != isinstance(child, _Items):
            raise bad_parameter("parameter_invalid", path[0], f"Invalid {path[0]}: it is given in two shapes.")
        node = child
    last = _position(node, path[-1], [])
    if last in node:
        raise bad_parameter("parameter_invalid", path[0], f"Invalid {path[0]}: a field is given twice.")
    node[last] = value


def _position(node, step, rest):
    """Empty brackets mean the item being written; a new one begins when the rest of the name is taken there."""
    if step != "" or not isinstance(node, _Items):
        return step
    if not rest or not node:
        return str(len(node))
    current = str(len(node) - 1)
    return str(len(node)) if _taken(node[current], rest) else current


def _taken(item, rest):
    for step in rest:
        if not isinstance(item, dict):
            return True
        if step == "":
            return False
        if step not in item:
            return False
        item = item[step]
    return True


def _lists(node, name=""):
    """Turns numbered names into lists; metadata stays a set of names, even when these are numbers."""
    if not isinstance(node, dict):
        return node
    if isinstance(node, _Items) or (node and name != "metadata" and all(_is_index(key) for key in node)):
        return [_lists(node[key]) for key in sorted(node, key=int)]
    return {key: _lists(value, key) for key, value in node.items()}


def _is_index(key):
    return key.isascii() and key.isdigit() and len(key) < 5
