"""A payer's page inside another website's page: whose it is, which sites may show it, and what is different about such a request.

A browser gives no cookie to a page inside another site's, and we ask for none. What a page elsewhere knows by cookie, this one knows by
its address: the forms' token is bound to the signed address it stands under, and language, theme and the site around it travel from
address to address (`Application.url_for` sees to it). Whatever leaves the frame leaves for the top window, on our ordinary pages.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import Flask, request
from flask_wtf.csrf import CSRFError
from markupsafe import Markup

from core.kernel.clock import now
from core.kernel.signing import Claims, TokenRefused, make_token, read_token
from core.web.this_request import came_from, kept

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

PREFIX = "/embed/"
OF_FRAMES, OF_PAYERS = "embed", "checkout"  # a framed page's name is the ordinary one's, with another beginning
PURPOSES = ("link", "prefill", "payment", "sending")  # of the addresses that may stand in a frame
TRAVELS = ("origin", "nonce", "theme", "lang")
FORM_LIFE = timedelta(days=1)
NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
ORIGIN = re.compile(r"https?://[a-z0-9.-]{1,253}(:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Frame:
    """The site around this answer, as far as it is known and let in, and the word it knows this frame by."""

    origin: str = ""
    nonce: str = ""

    @property
    def speaks(self) -> bool:
        """Whether there is somebody to whom the page may send messages."""
        return bool(self.origin and self.nonce)


def is_framed(environ: WSGIEnvironment) -> bool:
    """Whether this request is made inside another site's page. One that leaves the frame for the top window is not any more."""
    return environ.get("PATH_INFO", "").startswith(PREFIX) and environ.get("HTTP_SEC_FETCH_DEST") != "document"


def enter(frame: Frame) -> None:
    """From here on this answer is one inside a frame."""
    kept()["frame"] = frame


def framed() -> Frame | None:
    """The frame this answer will stand in; None for an ordinary page."""
    frame: Frame | None = kept().get("frame")
    return frame


def inside(endpoint: str, values: dict[str, Any], known: dict[str, Any]) -> str:
    """The name under which this page is reached without leaving the frame; what travels from address to address is added to `values`."""
    within = endpoint.replace(OF_PAYERS, OF_FRAMES, 1)
    if not endpoint.startswith(OF_PAYERS + ".") or within not in known:
        return endpoint
    for name in TRAVELS:
        if said := request.args.get(name):
            values.setdefault(name, said)
    return within


def origins_around() -> list[str]:
    """What our script on the host page, and the browser, say of the page around this one; nothing where neither says anything.

    Only the policy in our own headers binds a browser. This is for saying no in words, and for knowing to whom no was said.
    """
    said = request.args.get("origin")
    found = [] if said is None else [said if ORIGIN.fullmatch(said) else "null"]
    parts = came_from()
    came = f"{parts.scheme}://{parts.netloc}".lower()
    if ORIGIN.fullmatch(came) and came != request.host_url.rstrip("/").lower():
        found.append(came)
    return found


def claims_of(token: str) -> Claims:
    """Whose signed address this is, whatever it opens. Raises TokenRefused."""
    for purpose in PURPOSES:
        try:
            return read_token(purpose, token)
        except TokenRefused as refusal:
            if refusal.reason != "bad":
                raise
    raise TokenRefused("bad")


# --- the forms' token: good under the address it was written for, and under no other ---------------------------------------


def digest_of(token: str) -> str:
    """A short name of an address, from which it cannot be had back."""
    return hashlib.sha256(token.encode()).hexdigest()[:40]


def form_token() -> str:
    """For the forms of this answer."""
    token = str((request.view_args or {}).get("token", ""))
    claims = claims_of(token)
    return make_token("framed", vendor=claims.vendor, mode=claims.mode, token_id=digest_of(token), expires_at=now() + FORM_LIFE)


def check_form() -> None:
    """Refuse a form that was not written under this address, as one without our token is refused elsewhere."""
    token = str((request.view_args or {}).get("token", ""))
    said = request.form.get("csrf_token") or request.headers.get("X-CSRFToken") or ""
    try:
        written, mine = read_token("framed", said), claims_of(token)
    except TokenRefused:
        raise CSRFError("The form does not belong to this address.") from None
    if (written.vendor, written.mode, written.token_id) != (mine.vendor, mine.mode, digest_of(token)):
        raise CSRFError("The form does not belong to this address.")
    kept()["csrf_valid"] = True  # Flask-WTF need not look for a session


def leaves() -> Markup:
    """For a link or a form that leads out of the frame: to the processor, the bank, the shop, or a page of ours that is no part of paying."""
    return Markup(' target="_top"' if framed() else "")


def _forget() -> None:
    """Where several requests share one application context, each stands for itself."""
    kept().pop("frame", None)
    kept().pop("csrf_valid", None)


def install(app: Flask) -> None:
    app.before_request(_forget)
    app.jinja_env.globals.update(leaves=leaves, framed=framed)
