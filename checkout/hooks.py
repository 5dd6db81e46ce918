"""Where providers tell us things: the signature is checked, the event is stored once, and a worker does the rest."""

from __future__ import annotations

from flask import Response, abort, jsonify, request

from checkout.blueprint import door
from core.kernel.errors import NotFound
from core.providers.contract import SignatureRefused
from core.providers.inbox import receive_event
from core.providers.registry import provider_named
from core.web.guard import machine

LARGEST_EVENT = 256_000  # bytes; the largest event of a card processor is a tenth of it


@door.post("/hooks/<provider>/<mode>")
@machine
def hook(provider: str, mode: str) -> Response:
    """Answers 200 as soon as the event is safely stored (also when it is no news), 400 to anything not signed by the provider."""
    if mode not in ("test", "live"):
        raise NotFound
    teller = provider_named(provider, mode)
    raw = request.get_data()  # kept: a request that has to give way to another is run again
    if len(raw) > LARGEST_EVENT:
        abort(413)
    try:
        event = teller.read_event(raw, dict(request.headers), mode)
    except SignatureRefused:
        abort(400)
    new = receive_event(provider=teller.name, mode=mode, event_id=event.event_id, type=event.type, raw=raw.decode("utf-8"))
    return jsonify(received=True, new=new)
