"""One API call from bytes to bytes: key, call, story, idempotency, transaction, answer."""

import base64
import re
import threading
import time
from dataclasses import dataclass, field

from core.web.wire import expand as expanding
from core.web.wire import form, lists, replay
from core.web.wire.encode import dumps
from core.web.wire.errors import WireError, bad_parameter, server_fault, unauthorised
from core.web.wire.params import Params
from sandbox import (
    calls,
    charging,
    connect,
    customers,
    disputes,
    domains,
    files,
    finding,
    hooks,
    methods,
    money,
    payments,
    payouts,
    refunds,
    sessions,
    setups,
    stories,
    transfers,
)
from sandbox.ids import new_id
from sandbox.store import Shelf

_KEY = re.compile(r"sk_test_([A-Za-z0-9_]{1,200})\Z")
# importing these files puts their calls on the table
ROOMS = (
    charging,
    connect,
    customers,
    disputes,
    domains,
    files,
    hooks,
    methods,
    money,
    payments,
    payouts,
    refunds,
    sessions,
    setups,
    transfers,
)
# what may be asked in the name of a connected account
IN_ANOTHERS_NAME = ("/v1/balance", "/v1/balance_transactions", "/v1/payouts")
FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"


@dataclass
class Answer:
    status: int
    body: bytes
    headers: dict = field(default_factory=dict)
    drop: bool = False  # the line is cut instead of answering


def account_of(authorization):
    """The account behind a secret test key, from a Bearer or Basic header. Raises WireError 401."""
    kind, _, value = (authorization or "").partition(" ")
    key = value.strip()
    if kind.lower() == "basic":
        try:
            key = base64.b64decode(key, validate=True).decode("ascii").partition(":")[0]
        except ValueError:
            key = ""
    elif kind.lower() != "bearer":
        raise unauthorised("You did not provide an API key. Send it as a Bearer token or as the user name of Basic authentication.")
    return account_of_key(key)


def account_of_key(key):
    if not isinstance(key, str) or not key.isascii():
        key = ""
    if key.startswith(("sk_live_", "pk_live_", "rk_live_")):
        raise unauthorised("This is the sandbox processor: live keys are not taken here.")
    if key.startswith("pk_test_"):
        raise WireError(
            401, "invalid_request_error", "This call needs a secret key, not a publishable one.", code="secret_key_required", stored=False
        )
    found = _KEY.match(key)
    if not found:
        raise unauthorised("Invalid API key provided. Sandbox keys look like sk_test_ followed by letters and digits.")
    return found.group(1)


class Memory:
    """The idempotency store: ends of requests in the file, claims of running ones in this process."""

    def __init__(self):
        self._running, self._lock = set(), threading.Lock()

    def enter(self, scope, key):
        with self._lock:
            if (scope, key) in self._running:
                return False
            self._running.add((scope, key))
            return True

    def leave(self, scope, key):
        with self._lock:
            self._running.discard((scope, key))


class Answers:
    """The part of the idempotency store that lives in the transaction of the effect."""

    def __init__(self, connection):
        self.connection = connection

    def recall(self, scope, key):
        row = self.connection.execute(
            "SELECT fingerprint, status, body FROM answers WHERE account = ? AND key = ?", (scope, key)
        ).fetchone()
        return replay.Remembered(row["fingerprint"], row["status"], row["body"]) if row else None

    def remember(self, scope, key, end):
        self.connection.execute(
            "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?)", (scope, key, end.fingerprint, end.status, end.body, int(time.time()))
        )


class Api:
    """Answers calls against one store."""

    def __init__(self, store, public_url, pace):
        self.store, self.public_url, self.pace, self.memory = store, public_url, pace, Memory()

    def shelf(self, connection, account, *, named=None, **more):
        """The account's shelf, or that of the connected account `named` (403 when it is not this account's)."""
        shelf = Shelf(connection, account, now=self.store.time_of(account), public_url=self.public_url(), pace=self.pace, **more)
        return connect.other(shelf, named) if named else shelf

    def answer(self, method, path, query, body, headers):
        """The whole life of one call; never raises."""
        request = new_id("req")
        try:
            found = self._answer(method, path, query, body, headers, request)
        except WireError as error:
            found = Answer(error.status, dumps(error.envelope()))
        found.headers["Request-Id"] = request
        version = headers.get("Stripe-Version", "")
        if 0 < len(version) <= 60 and version.isascii() and version.isprintable():
            found.headers["Stripe-Version"] = version
        return found

    def _answer(self, method, path, query, body, headers, request):
        account = account_of(headers.get("Authorization"))
        one, ids = calls.match(method, path)
        if one is None:
            raise gap(method, path)
        named = headers.get("Stripe-Account")
        if named and not path.startswith(IN_ANOTHERS_NAME):
            raise gap(method, f"{path} in the name of a connected account")
        story, settings = self._story(account, path)
        if story in ("slow", "timeout_before"):
            time.sleep(settings["seconds"])
        if story == "timeout_before":
            return Answer(500, b"", drop=True)
        if story == "error_before":
            raise server_fault(stored=False)
        if story == "busy":
            raise WireError(429, "rate_limit_error", "Too many requests at once. Try again in a moment.", code="rate_limit", stored=False)
        content_type = headers.get("Content-Type", "")
        values, body = self._values(method, path, query, body, content_type)
        if method == "GET":
            with self.store.look() as connection:
                told = run(self.shelf(connection, account, named=named, request=request), one, ids, values)
            if story == "blank_page" and told.get("object") == "list":
                told = {**told, "data": [], "has_more": True}
            return Answer(200, dumps(told))
        found = self._change((account, named), one, ids, values, body, headers, request, path, story)
        if story == "timeout_after":
            time.sleep(settings["seconds"])
            found.drop = True
        return found

    @staticmethod
    def _values(method, path, query, body, content_type):
        """What the call says, and the body that a repeated one is known by."""
        sent = content_type.partition(";")[0].strip().lower()
        if method == "POST" and path == files.PATH and sent == MULTIPART:
            values = files.read_upload(body, content_type)
            return values, files.mark_of(values)
        if method == "POST" and body and sent != FORM:
            raise bad_parameter("parameter_invalid", None, f"Send the body as {FORM}.")
        return form.decode(body if method == "POST" else query), body

    def _story(self, account, path):
        connection = self.store.connection()
        if not connection.execute("SELECT 1 FROM stories WHERE account = ? LIMIT 1", (account,)).fetchone():
            return None, {}
        with self.store.change() as connection:
            return stories.next_call(Shelf(connection, account), path) or (None, {})

    def _change(self, whose, one, ids, values, body, headers, request, path, story):
        """`whose`: the account, and the connected account in whose name it asks. Each has idempotency keys of its own."""
        key, (account, named) = (headers.get("Idempotency-Key") if one.method == "POST" else None), whose
        if key is None:
            with self.store.change() as connection:
                return self._execute(self.shelf(connection, account, named=named, request=request), one, ids, values, story)
        key, mark = replay.check_key(key), replay.fingerprint(one.method, path, body)
        if not self.memory.enter(whose, key):
            raise replay.in_flight()
        try:
            with self.store.change() as connection:
                answers = Answers(connection)
                shelf = self.shelf(connection, account, named=named, request=request, idempotency_key=key)
                end = replay.replayed(answers, shelf.account, key, mark)
                if end:
                    return Answer(end.status, end.body, {"Idempotent-Replayed": "true", "Idempotency-Key": key})
                found = self._execute(shelf, one, ids, values, story)
                answers.remember(shelf.account, key, replay.Remembered(mark, found.status, found.body))
                found.headers["Idempotency-Key"] = key
                return found
        finally:
            self.memory.leave(whose, key)

    @staticmethod
    def _execute(shelf, one, ids, values, story):
        """Runs the act. A refusal decided after execution began is an answer like any other: what it wrote stays."""
        try:
            found = Answer(200, dumps(run(shelf, one, ids, values)))
        except WireError as error:
            if not error.stored:
                raise
            found = Answer(error.status, dumps(error.envelope()))
        if story == "error_after":
            return Answer(500, dumps(server_fault().envelope()))
        return found


def run(shelf, one, ids, values):
    """Calls the act and puts whole objects where the caller asked for them."""
    params = Params(values)
    paths = params.texts("expand", default=[])
    body = one.act(shelf, params, *ids)

    def find(identity):
        found = finding.find_any(shelf, identity)
        return money.shown(shelf, found) if found and found["object"] == "balance_transaction" else found

    def sublist(node, name):
        if node.get("object") == "checkout.session" and name == "line_items":
            return lists.envelope(f"/v1/checkout/sessions/{node['id']}/line_items", sessions.line_items(shelf, node), False)
        if node.get("object") == "charge" and name == "refunds":
            return lists.envelope(f"/v1/charges/{node['id']}/refunds", shelf.rows("refund", equal={"charge": node["id"]}, count=10), False)
        return None

    return expanding.expand(body, paths, find, sublist) if paths else body


def gap(method, path):
    """What a caller is told about a path this processor does not have."""
    return WireError(
        404,
        "invalid_request_error",
        f"Unrecognized request URL ({method}: {path}). "
        "The sandbox processor does not offer this call; docs/provider-contract.md lists those it does.",
        stored=False,
    )
