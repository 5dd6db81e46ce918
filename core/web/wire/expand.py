"""`expand[]=latest_charge.balance_transaction`: puts whole objects where ids stand, up to four deep."""

from core.web.wire.errors import bad_parameter

MAX_DEPTH = 4
MAX_PATHS = 20


def expand(body, paths, find, sublist=lambda node, name: None):
    """A copy of `body` with every named id replaced by `find(id)`; inside lists the path begins with `data.`.

    `find` answers a dict or None. `sublist(node, name)` may give a list that is shown only when asked for.
    """
    if len(paths) > MAX_PATHS:
        raise bad_parameter("parameter_invalid", "expand", f"At most {MAX_PATHS} paths can be expanded.")
    for path in paths:
        steps = path.split(".")
        depth = len(steps) - (steps[0] == "data")
        if depth > MAX_DEPTH:
            raise bad_parameter("parameter_invalid", "expand", f"You cannot expand more than {MAX_DEPTH} levels: {path}")
        body = _walk(body, steps, path, find, sublist)
    return body


def _walk(node, steps, path, find, sublist):
    if not steps or node is None:
        return node
    if isinstance(node, list):
        return [_walk(item, steps, path, find, sublist) for item in node]
    hidden = sublist(node, steps[0]) if isinstance(node, dict) else None
    if hidden is not None:
        node = {**node, steps[0]: hidden}
    if not isinstance(node, dict) or steps[0] not in node:
        raise bad_parameter("parameter_invalid", "expand", f"This property cannot be expanded ({path}).")
    name, value = steps[0], node[steps[0]]
    if isinstance(value, str):
        found = find(value)
        if found is None:
            raise bad_parameter("parameter_invalid", "expand", f"This property cannot be expanded ({path}).")
        value = found
    elif isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        value = [find(item) or item for item in value]
    return {**node, name: _walk(value, steps[1:], path, find, sublist)}
