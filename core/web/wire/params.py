"""Typed reading of decoded parameters: every field is asked for by name, and what nobody asked for is refused."""

import re

from core.web.wire.errors import bad_parameter, missing_parameter, unknown_parameter

_INTEGER = re.compile(r"-?[0-9]{1,15}\Z")
_URL = re.compile(r"https?://(?:[A-Za-z0-9._-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(?::[0-9]{1,5})?(?:[/?#][^\s\\]{0,4000})?")
_ABSENT = object()
MAX_METADATA = 50


class Params:
    """One level of a request. `finish()` refuses parameters that no reader knows."""

    def __init__(self, values, path=""):
        self.values, self.path, self.known = values, path, set()

    def name(self, key):
        return f"{self.path}[{key}]" if self.path else key

    def has(self, key):
        """Present, even when empty."""
        return key in self.values

    def _take(self, key, required=False):
        self.known.add(key)
        value = self.values.get(key, _ABSENT)
        if required and value in (_ABSENT, ""):
            raise missing_parameter(self.name(key))
        return value

    def text(self, key, *, required=False, longest=5000, default=None):
        value = self._take(key, required)
        if value is _ABSENT or value == "":
            return default
        if not isinstance(value, str):
            raise bad_parameter("parameter_invalid_string", self.name(key), f"Invalid string: {self.name(key)}")
        if len(value) > longest:
            raise bad_parameter("parameter_invalid", self.name(key), f"Invalid {self.name(key)}: at most {longest} characters.")
        return value

    def url(self, key, *, required=False):
        """An http address that means the same to every reader: no spaces, no backslashes, no user name, a plain host."""
        value = self.text(key, required=required)
        if value is not None and not _URL.fullmatch(value):
            raise bad_parameter("url_invalid", self.name(key), "Not a valid URL.")
        return value

    def integer(self, key, *, required=False, least=None, most=None, default=None):
        value = self._take(key, required)
        if value is _ABSENT or value == "":
            return default
        if not isinstance(value, str) or not _INTEGER.match(value):
            raise bad_parameter("parameter_invalid_integer", self.name(key), f"Invalid integer: {self.name(key)}")
        number = int(value)
        if (least is not None and number < least) or (most is not None and number > most):
            raise bad_parameter("parameter_invalid_integer", self.name(key), f"Invalid {self.name(key)}: out of range.")
        return number

    def boolean(self, key, default=None):
        value = self._take(key)
        if value is _ABSENT or value == "":
            return default
        if value not in ("true", "false", "True", "False"):
            raise bad_parameter("parameter_invalid_boolean", self.name(key), f"Invalid boolean: {self.name(key)}")
        return value in ("true", "True")

    def choice(self, key, choices, *, required=False, default=None):
        value = self.text(key, required=required)
        if value is None:
            return default
        if value not in choices:
            raise bad_parameter("parameter_invalid", self.name(key), f"Invalid {self.name(key)}: must be one of {', '.join(choices)}")
        return value

    def texts(self, key, *, default=None):
        value = self._take(key)
        if value is _ABSENT or value == "":
            return default
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise bad_parameter("parameter_invalid", self.name(key), f"Invalid array: {self.name(key)}")
        return value

    def inner(self, key, *, required=False):
        """A nested object as Params (empty when absent)."""
        value = self._take(key, required)
        if value is _ABSENT or value == "":
            value = {}
        if not isinstance(value, dict):
            raise bad_parameter("parameter_invalid", self.name(key), f"Invalid object: {self.name(key)}")
        return Params(value, self.name(key))

    def rows(self, key, *, required=False):
        value = self._take(key, required)
        if value is _ABSENT or value == "":
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise bad_parameter("parameter_invalid", self.name(key), f"Invalid array: {self.name(key)}")
        return [Params(item, f"{self.name(key)}[{index}]") for index, item in enumerate(value)]

    def loose(self, key, default=None):
        """A value that is kept as it came (addresses and the like)."""
        value = self._take(key)
        return default if value in (_ABSENT, "") else value

    def metadata(self, current=None, key="metadata"):
        """`current` with this request's changes: '' unsets one key, an empty `metadata` unsets them all."""
        value = self._take(key)
        if value is _ABSENT:
            return dict(current or {})
        if value == "":
            return {}
        if not isinstance(value, dict):
            raise bad_parameter("parameter_invalid", self.name(key), "Invalid metadata: it is a set of names and texts.")
        changed = dict(current or {})
        for name, text in value.items():
            if not isinstance(text, str) or len(name) > 40 or len(text) > 500:
                raise bad_parameter(
                    "parameter_invalid", f"{self.name(key)}[{name[:40]}]", "Metadata names have up to 40 characters, values up to 500."
                )
            changed.pop(name, None)
            if text:
                changed[name] = text
        if len(changed) > MAX_METADATA:
            raise bad_parameter("parameter_invalid", self.name(key), f"Metadata holds at most {MAX_METADATA} names.")
        return changed

    def between(self, key):
        """`created=5` or `created[gte]=5`: a dict of comparisons."""
        value = self._take(key)
        if value in (_ABSENT, ""):
            return {}
        if isinstance(value, str):
            return {"gte": self.integer(key), "lte": self.integer(key)}
        inner = Params(value, self.name(key))
        limits = {word: inner.integer(word) for word in ("gt", "gte", "lt", "lte") if inner.has(word)}
        inner.finish()
        return limits

    def finish(self):
        for key in self.values:
            if key not in self.known:
                raise unknown_parameter(self.name(key))
