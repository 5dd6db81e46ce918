"""The table of API calls: every act registers its method and path here, and the dispatcher looks calls up in it."""

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    pattern: re.Pattern
    act: Callable
    kind: str


CALLS = []


def call(method, path, kind=""):
    """Registers `act(shelf, params, *ids)`; `<id>` in the path stands for one segment. `kind` names the object listed."""

    def register(act):
        pattern = re.compile("/v1/" + path.replace("<id>", "([^/]+)") + r"\Z")
        CALLS.append(Call(method, path, pattern, act, kind))
        return act

    return register


def match(method, path):
    """(call, ids), or (None, True) when only the method is wrong, or (None, False)."""
    other = False
    for one in CALLS:
        found = one.pattern.match(path)
        if found and one.method == method:
            return one, found.groups()
        other = other or bool(found)
    return None, other
