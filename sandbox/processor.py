"""The sandbox processor as a WSGI application: `gunicorn 'sandbox.processor:app'` (one process, several threads)."""

import logging
import os
import secrets
import socket

from flask import Flask, Response, g, has_request_context, request

from core.web.wire.encode import dumps
from core.web.wire.errors import WireError
from sandbox.api import Api
from sandbox.bank_calls import make_bank_calls
from sandbox.bank_page import make_bank_page
from sandbox.cards import make_pages
from sandbox.clockwork import Clockwork
from sandbox.connect_page import make_connect_page
from sandbox.control import make_control
from sandbox.control_page import make_control_page
from sandbox.phone import make_phone
from sandbox.rates import make_rates
from sandbox.store import Store
from sandbox.vies import make_vies
from sandbox.way_pages import make_way_pages

MAX_BODY = 1_048_576
MAX_UPLOAD = 6 * MAX_BODY
MOST_DRAINED = 32 * MAX_BODY
log = logging.getLogger("sandbox")


def create_app(store_path, *, public_url=None, async_seconds=10.0, demo_key=None, clockwork=True):
    """The application on one store file.

    `public_url` is the address browsers know it by (the address of the request when absent), `async_seconds` how long slow
    refunds and disputes take, `demo_key` a key whose stories page opens without asking. Several processes must not share a store.
    """
    app = Flask("sandbox", template_folder="templates", static_folder="static", root_path=os.path.dirname(__file__))
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY, MAX_FORM_MEMORY_SIZE=100_000, MAX_FORM_PARTS=100)
    api = Api(Store(store_path), lambda: (public_url or (request.host_url if has_request_context() else "")).rstrip("/"), async_seconds)
    app.extensions["sandbox"] = api
    app.register_blueprint(make_pages(api))
    app.register_blueprint(make_way_pages(api))
    app.register_blueprint(make_connect_page(api))
    app.register_blueprint(make_control(api))
    app.register_blueprint(make_control_page(api, demo_key))
    app.register_blueprint(make_bank_calls(api))
    app.register_blueprint(make_bank_page(api, demo_key))
    app.register_blueprint(make_phone(api))
    app.register_blueprint(make_rates())
    app.register_blueprint(make_vies())
    _add_wire(app, api)
    _add_headers(app)
    if clockwork:
        app.extensions["clockwork"] = Clockwork(api)
        app.extensions["clockwork"].start()
    return app


def _add_wire(app, api):
    @app.route("/v1/", defaults={"rest": ""}, methods=["GET", "POST", "DELETE", "PUT", "PATCH"])
    @app.route("/v1/<path:rest>", methods=["GET", "POST", "DELETE", "PUT", "PATCH"])
    @app.route("/v2/<path:rest>", methods=["GET", "POST", "DELETE", "PUT", "PATCH"])
    def wire(rest):
        if rest == "files":
            request.max_content_length = MAX_UPLOAD
        found = api.answer(request.method, request.path.rstrip("/"), request.query_string, request.get_data(cache=False), request.headers)
        if found.drop:
            _drop_line()
        return Response(found.body, found.status, found.headers, mimetype="application/json")

    @app.errorhandler(413)
    @app.errorhandler(405)
    @app.errorhandler(404)
    def refuse(error):
        if error.code == 413:
            _drain()
        if request.path.startswith(("/v1", "/v2", "/_sandbox")):
            return Response(
                dumps(WireError(error.code, "invalid_request_error", error.description).envelope()), error.code, mimetype="application/json"
            )
        return Response(f"{error.name}\n", error.code, mimetype="text/plain")

    @app.errorhandler(Exception)
    def fault(error):
        log.error("%s on %s %s", type(error).__name__, request.method, request.path, exc_info=error)
        body = {"error": {"type": "api_error", "message": "The sandbox processor failed on this request."}}
        return Response(dumps(body), 500, mimetype="application/json")


def _drain():
    """Reads a body that is too large to its end (within reason): a caller still sending would not hear the answer."""
    body, left = request.environ["wsgi.input"], MOST_DRAINED
    while left > 0 and (piece := body.read(min(left, 65_536))):
        left -= len(piece)


def _drop_line():
    """Cuts the connection under the server: the caller learns nothing, as when a network fails."""
    line = request.environ.get("gunicorn.socket") or request.environ.get("werkzeug.socket")
    if line is not None:
        line.shutdown(socket.SHUT_RDWR)


def _add_headers(app):
    @app.before_request
    def prepare():
        g.nonce = secrets.token_urlsafe(16)
        g.frames, g.targets = "'none'", ""

    @app.after_request
    def finish(response):
        if response.mimetype == "text/html":
            response.headers["Content-Security-Policy"] = (
                f"default-src 'none'; style-src 'self' 'nonce-{g.nonce}'; img-src 'self' data:; script-src 'nonce-{g.nonce}'; base-uri 'none'; "
                f"form-action 'self'{g.targets}; frame-ancestors {g.frames}"
            )
            response.headers["Referrer-Policy"] = "same-origin"
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def app_from_environment():
    """SANDBOX_STORE (required), SANDBOX_PUBLIC_URL, SANDBOX_ASYNC_SECONDS; in a demo (DEMO=1) the stories page opens with SANDBOX_API_KEY."""
    return create_app(
        os.environ["SANDBOX_STORE"],
        public_url=os.environ.get("SANDBOX_PUBLIC_URL"),
        async_seconds=float(os.environ.get("SANDBOX_ASYNC_SECONDS", "10")),
        demo_key=os.environ.get("SANDBOX_API_KEY") if os.environ.get("DEMO") == "1" else None,
    )


def __getattr__(name):
    """`app` is made when a server asks for it, so that importing this file opens no store."""
    if name != "app":
        raise AttributeError(name)
    globals()["app"] = app_from_environment()
    return globals()["app"]
