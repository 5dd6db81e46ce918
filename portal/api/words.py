"""What the API says where no act has spoken: a stable code, a title, and what whoever reads the log can do."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

WORDS: dict[int, tuple[str, Any, Any]] = {
    400: ("bad_request", _l("This cannot be read"), _l("What was sent is no HTTP request that can be read here.")),
    404: ("unknown_address", _l("There is no such address"), _l("Compare the address with the reference. It has to begin with /api/v1/.")),
    405: ("method_not_allowed", _l("Not with this method"), _l("The Allow header names the methods that this address takes.")),
    408: ("too_slow", _l("That took too long to arrive"), _l("Send the request again.")),
    413: ("too_large", _l("That is too large"), _l("What was sent is larger than what is read here. Nothing was done.")),
    414: ("address_too_long", _l("That address is too long"), _l("Send fewer or shorter parameters.")),
    415: ("wrong_content_type", _l("Not this kind of content"), _l("Send JSON, with Content-Type: application/json.")),
    429: ("rate_limited", _l("Too many requests"), _l("The Retry-After header says for how many seconds to wait.")),
    500: (
        "our_fault",
        _l("Something broke on our side"),
        _l("Nothing was half-done. Send the same request with the same Idempotency-Key again."),
    ),
    503: ("not_available", _l("We will be right back"), _l("Send the same request with the same Idempotency-Key again in a moment.")),
}
