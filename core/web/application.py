"""The application: Flask, with what it works out anew for every request worked out once."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import IO, TYPE_CHECKING, Any

from flask import Flask, Request, Response
from flask.globals import request_ctx
from htmx_flask.requests import HtmxHeaders
from jinja2 import StrictUndefined
from werkzeug.datastructures import Headers, ImmutableMultiDict, MultiDict
from werkzeug.exceptions import BadHost
from werkzeug.routing import MapAdapter, Rule
from werkzeug.sansio.http import parse_cookie
from werkzeug.utils import cached_property
from werkzeug.wsgi import get_host

from core.web.form_cookie import FormCookie
from core.web.framed import framed, inside
from core.web.pay_host import leads_home
from core.web.templating import Environment

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


ADDRESS = ("SCRIPT_NAME", "PATH_INFO", "QUERY_STRING")
COMPLETE = (200, 201, 303)  # answers of which nothing is said but what stands in them
PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9/:._~?=&-]*")


class Brought(ImmutableMultiDict[str, str]):
    """As Werkzeug's, which raises an error for whatever is not there, in words, and catches it again."""

    def get(self, key: str, default: Any = None, type: Any = None) -> Any:
        return super().get(key, default, type) if key in self else default


NOTHING = Brought()


class InPieces:
    """A body that comes in pieces (chunked). Where they do not fit together the server says so with an error of its own, in the middle of whatever reads
    the body; to Werkzeug it is then a body that was cut off, which is answered with 400."""

    def __init__(self, body: IO[bytes]) -> None:
        self._body = body

    def read(self, size: int = -1) -> bytes:
        try:
            return self._body.read(size)
        except Exception as problem:
            raise OSError("the pieces of the body do not fit together") from problem


class Asked(Request):
    """What somebody asks for. What they have not brought is not read either."""

    parameter_storage_class = dict_storage_class = Brought

    @cached_property
    def htmx(self) -> HtmxHeaders:
        """As HtmxAwareRequest has it, for those who ask for it."""
        return HtmxHeaders(self.headers)

    @cached_property
    def stream(self) -> IO[bytes]:
        if "HTTP_TRANSFER_ENCODING" in self.environ:
            self.environ["wsgi.input"] = InPieces(self.environ["wsgi.input"])
        return super().stream

    @cached_property
    def cookies(self) -> ImmutableMultiDict[str, str]:
        said = self.environ.get("HTTP_COOKIE")
        return parse_cookie(said, cls=Brought) if said else NOTHING

    @cached_property
    def args(self) -> MultiDict[str, str]:
        return super().args if self.query_string else NOTHING


class Answer(Response):
    """What is sent back. Only where an address is named in signs that an address cannot have is there anything in its headers to complete."""

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        named = {name.lower(): value for name, value in self.headers} if self.status_code in COMPLETE else {}
        if "content-length" in named and "content-location" not in named and PLAIN_ADDRESS.fullmatch(named.get("location", "")):
            return self.headers
        return super().get_wsgi_headers(environ)


class Address(Rule):
    """An address. Werkzeug writes and compiles two functions for each that put its parts together; here they are written when somebody
    first asks for one: three megabytes less in a process that has 1,500 addresses and names a few dozen of them."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        return _write_with_query if append_unknown else _write

    def written(self, append_unknown: bool) -> Callable[..., tuple[str, str]]:
        """The function itself, bound to this address. Two threads that come at once write the same."""
        return super()._compile_builder(append_unknown).__get__(self, None)


def _write(address: Address, /, **values: Any) -> tuple[str, str]:
    address._build = address.written(False)
    return address._build(**values)


def _write_with_query(address: Address, /, **values: Any) -> tuple[str, str]:
    address._build_unknown = address.written(True)
    return address._build_unknown(**values)


class Application(Flask):
    """What wsgi.py puts together."""

    request_class, response_class, url_rule_class = Asked, Answer, Address
    jinja_environment = Environment
    jinja_options = {  # noqa: RUF012 -- as in Flask
        "undefined": StrictUndefined,
        "trim_blocks": True,
        "lstrip_blocks": True,
        "cache_size": -1,  # every template is kept; there are as many as there are files
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.session_interface = FormCookie()
        self._addresses: dict[str, Rule | None] = {}
        self._names = lru_cache(64)(self._read_names)

    def url_for(self, /, endpoint: str, **values: Any) -> str:
        """As Flask's. A view with one plain address, which is nearly every one, needs no search for the address that fits.

        On a vendor's own host name, what does not stand there leads to ours. What is written inside a frame leads to the same page inside it, where there is one; `_top` asks for the ordinary page all the same.
        """
        if values.pop("_top", None) is None and request_ctx and framed():
            endpoint = inside(endpoint, values, self.view_functions)
        given = {name: value for name, value in values.items() if value is not None}
        rule = self._one_address(endpoint)
        adapter = request_ctx.url_adapter if rule and given.keys() == rule.arguments and request_ctx else None
        built = rule.build(given) if rule and adapter else None
        path = adapter.script_name.rstrip("/") + built[1] if adapter and built else super().url_for(endpoint, **values)
        return leads_home(endpoint) + path

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """As Flask's. Whoever asks for a host that no machine can be called is refused on a page like any other: its addresses must be known."""
        try:
            return self._adapter(request)
        except BadHost as refused:
            if request is None:
                raise
            request.routing_exception = refused
            return self.url_map.bind("", path_info=request.path, default_method=request.method)

    def _adapter(self, request: Request | None) -> MapAdapter | None:
        """As Flask's, which reads this machine's name twice for each request and encodes it anew: it hardly ever changes."""
        if self.config["SERVER_NAME"] or (request is not None and ("HTTP_UPGRADE" in request.environ or self.config["TRUSTED_HOSTS"])):
            return super().create_url_adapter(request)
        if request is None:
            return None
        said = request.environ
        scheme = said["wsgi.url_scheme"]
        request.host, name = self._names(scheme, said.get("HTTP_HOST"), said["SERVER_NAME"], said["SERVER_PORT"])
        root, path, query = (str(said.get(part, "")).encode("latin1").decode(errors="replace") for part in ADDRESS)
        return MapAdapter(self.url_map, name, root, "", scheme, path, said["REQUEST_METHOD"], query)

    def _read_names(self, scheme: str, said: str | None, server: str, port: str) -> tuple[str, str]:
        """The host as the asker says it, and as addresses are matched with it. Raises what Werkzeug raises for one that cannot be."""
        environ = {"wsgi.url_scheme": scheme, "SERVER_NAME": server, "SERVER_PORT": port}
        host = get_host(environ if said is None else {**environ, "HTTP_HOST": said})
        return host, self.url_map.bind(host).server_name

    def _one_address(self, endpoint: str) -> Rule | None:
        """The rule of a view that has exactly one, with nothing to fill in but what is passed."""
        if endpoint not in self._addresses:
            rules = [rule for rule in self.url_map.iter_rules() if rule.endpoint == endpoint]
            alone = len(rules) == 1 and endpoint != "static" and not rules[0].defaults and not rules[0].subdomain
            self._addresses[endpoint] = rules[0] if alone else None
        return self._addresses[endpoint]

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """No view and no hook of ours is asynchronous, so none has to be asked whether it is."""
        return func
