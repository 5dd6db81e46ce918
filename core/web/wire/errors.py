"""The error envelope of the wire format: one exception that knows its status, its type and its code."""


class WireError(Exception):
    """An answer that is an error. `stored` says whether an idempotent replay must repeat it.

    Errors found while reading the request (`stored=False`) leave no trace: the same key may be used again with a
    mended request. Everything decided after execution began, declines included, is repeated byte for byte.
    """

    def __init__(self, status, kind, message, *, code=None, param=None, stored=True, **extra):
        super().__init__(message)
        self.status, self.kind, self.message = status, kind, message
        self.code, self.param, self.stored, self.extra = code, param, stored, extra

    def envelope(self):
        """The body a client sees: {"error": {"type", "message", ...}} without empty fields."""
        fields = {"type": self.kind, "code": self.code, "message": self.message, "param": self.param, **self.extra}
        return {"error": {name: value for name, value in fields.items() if value is not None}}


def bad_parameter(code, param, message):
    """A request that cannot be read: refused before anything began, so nothing is stored."""
    return WireError(400, "invalid_request_error", message, code=code, param=param, stored=False)


def missing_parameter(param):
    return bad_parameter("parameter_missing", param, f"Missing required param: {param}.")


def unknown_parameter(param):
    return bad_parameter("parameter_unknown", param, f"Received unknown parameter: {param}")


def not_found(what, identity, param="id"):
    return WireError(404, "invalid_request_error", f"No such {what}: '{identity}'", code="resource_missing", param=param)


def wrong_state(message, code, **extra):
    return WireError(400, "invalid_request_error", message, code=code, **extra)


def unauthorised(message):
    return WireError(401, "invalid_request_error", message, stored=False)


def card_refused(message, code, decline_code=None, param=None, **extra):
    return WireError(402, "card_error", message, code=code, decline_code=decline_code, param=param, **extra)


def server_fault(message="Something went wrong on our side. The request may be repeated with the same key.", stored=True):
    return WireError(500, "api_error", message, stored=stored)
