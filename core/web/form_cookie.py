"""The signed cookie that forms need. Flask-WTF and the checkout keep a few words in it; nearly every answer to a new visitor sets it."""

from __future__ import annotations

import json
from typing import Any

from flask import Flask, Request, Response
from flask.json.tag import TaggedJSONSerializer
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from itsdangerous import URLSafeTimedSerializer
from itsdangerous.encoding import base64_encode
from werkzeug.http import dump_cookie

from core.kernel.signing import keep_key
from core.web.framed import framed, is_framed

LONG = 3_000  # a browser keeps 4,096 bytes; what is longer is compressed, and said to the log when it is too long
_encode = json.JSONEncoder(separators=(",", ":")).encode


class PlainFirst(TaggedJSONSerializer):
    """As Flask's. Its marks for what JSON does not know (a notice is a tuple) are looked for only where there are any."""

    def dumps(self, value: Any) -> str:
        return _encode(value) if _is_plain(value) else super().dumps(value)

    def loads(self, value: str) -> Any:
        return super().loads(value) if '{" ' in value else json.loads(value)


def _is_plain(value: Any) -> bool:
    if type(value) is dict:
        return all(not name.startswith(" ") and (type(inner) is str or _is_plain(inner)) for name, inner in value.items())
    return type(value) in (str, int, bool) or value is None


class Texts(URLSafeTimedSerializer):
    """Does not try to compress what is short, and mostly random: that took longer than signing it."""

    def dump_payload(self, obj: Any) -> bytes:
        text = self.serializer.dumps(obj).encode()
        return super().dump_payload(obj) if len(text) > LONG else base64_encode(text)


class FormCookie(SecureCookieSessionInterface):
    """Signed with a key that is derived once, and written as Flask writes it."""

    _serializer: URLSafeTimedSerializer | None = None
    _around: tuple[str, str] | None = None
    serializer = PlainFirst()

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        if self._serializer is None and app.secret_key:
            signing = {"key_derivation": self.key_derivation, "digest_method": self.digest_method}
            self._serializer = keep_key(Texts(app.secret_key, salt=self.salt, serializer=self.serializer, signer_kwargs=signing))
        return self._serializer

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Whoever brings no cookie at all has none to be looked for; and inside a frame nobody's is."""
        brought = "HTTP_COOKIE" in request.environ and not is_framed(request.environ)
        return super().open_session(app, request) if brought else self.session_class()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        signing = self.get_signing_serializer(app)
        if framed():
            return
        depends_on(response, "Cookie")  # every page asks for one: the reader's language is in a cookie too
        if not session.modified and not session.permanent:
            return
        if not session or session.permanent or signing is None:
            super().save_session(app, session, response)
            return
        before, after = self._around or self._parts(app)
        value = signing.dumps(dict(session))
        response.headers.add("Set-Cookie", f"{before}{value}{after}")

    def _parts(self, app: Flask) -> tuple[str, str]:
        """What stands before and after the value, which is the same in every answer."""
        empty = dump_cookie(
            self.get_cookie_name(app),
            domain=self.get_cookie_domain(app),
            path=self.get_cookie_path(app),
            secure=self.get_cookie_secure(app),
            httponly=self.get_cookie_httponly(app),
            samesite=self.get_cookie_samesite(app),
        )
        name, _, rest = empty.partition("=")
        self._around = f"{name}=", rest
        return self._around


def depends_on(response: Response, header: str) -> None:
    """Adds one to `Vary`: the answer is another one where this header of the request is."""
    said = response.headers.get("Vary")
    if said is None:
        response.headers._list.append(("Vary", header))  # a word of ours: there is nothing to look over in it
    elif header.lower() not in said.lower():
        response.headers["Vary"] = f"{said}, {header}"
