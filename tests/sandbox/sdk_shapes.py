"""Judges a response by the official SDK's own response classes, introspected at run time: which fields must be there, and of what type."""

import functools
import importlib
import sys
import types
import typing

import typing_extensions
from stripe._object_classes import OBJECT_CLASSES
from stripe._stripe_object import StripeObject

_LITERALS = (typing.Literal, typing_extensions.Literal)


@functools.cache
def classes():
    return {name: getattr(importlib.import_module(module), title) for name, (module, title) in OBJECT_CLASSES.items()}


@functools.cache
def _names():
    """What annotations may name: the SDK imports its classes for type checkers only."""
    known = {**vars(typing_extensions), **vars(typing), "StripeObject": StripeObject}
    for one in classes().values():
        known.setdefault(one.__name__, one)
    return known


def _resolve(hint, owner):
    while True:
        if isinstance(hint, typing.ForwardRef):
            hint = hint.__forward_arg__
        if isinstance(hint, str):
            try:
                hint = eval(hint, {**_names(), **vars(sys.modules[owner.__module__])})
            except (NameError, AttributeError, TypeError):
                return typing.Any
        elif typing.get_origin(hint) is typing.ClassVar:
            hint = typing.get_args(hint)[0]
        else:
            return hint


def _fields(owner):
    return (
        {name: hint for name, hint in owner.__annotations__.items() if name != "OBJECT_NAME" and not name.startswith("_")}
        if hasattr(owner, "__annotations__")
        else {}
    )


def _is_union(hint):
    return typing.get_origin(hint) in (typing.Union, types.UnionType)


def problems(body, owner=None, path=""):
    """A list of sentences, one for each field that is missing or of the wrong type; empty when the shape is right."""
    owner = owner or classes().get(body.get("object"))
    if owner is None or body.get("deleted"):
        return []
    found = []
    for name, hint in _fields(owner).items():
        hint = _resolve(hint, owner)
        may_be_absent = hint is typing.Any or (_is_union(hint) and type(None) in typing.get_args(hint))
        if name in body:
            found += _judge(body[name], hint, f"{path}{name}", owner)
        elif not may_be_absent:
            found.append(f"{path}{name} is missing")
    return found


def _judge(value, hint, path, owner):
    hint = _resolve(hint, owner)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is typing.Any:
        return []
    if _is_union(hint):
        judged = [_judge(value, one, path, owner) for one in inner]
        return [] if any(not one for one in judged) else min(judged, key=len)
    if value is None or hint is type(None):
        return [] if value is None and hint is type(None) else [f"{path} is {'null' if value is None else 'not null'}"]
    if origin in _LITERALS:
        return [] if value in inner else [f"{path} is {value!r}"]
    if hint in (int, bool, str, float):
        fits = isinstance(value, (int, float) if hint is float else hint) and (hint is bool or not isinstance(value, bool))
        return [] if fits else [f"{path} is a {type(value).__name__}, not a {hint.__name__}"]
    if origin is list:
        return (
            [f"{path} is no list"]
            if not isinstance(value, list)
            else [problem for place, one in enumerate(value) for problem in _judge(one, inner[0], f"{path}[{place}]", owner)]
        )
    return _judge_object(value, hint if isinstance(hint, type) else origin, path)


def _judge_object(value, target, path):
    if not (isinstance(target, type) and issubclass(target, StripeObject)):
        return []
    if not isinstance(value, dict):
        return [f"{path} is no object"]
    if target.__name__ == "ListObject":
        return [problem for place, one in enumerate(value["data"]) for problem in problems(one, None, f"{path}.data[{place}].")]
    name = value.get("object")
    named = classes().get(name) if isinstance(name, str) else None
    if named and "object" in _fields(target) and named is not target:
        return [f"{path} is a {value['object']}"]
    return problems(value, target, f"{path}.")
