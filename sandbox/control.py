"""The control API under /_sandbox/: what a test or a demo may ask that no real processor would answer."""

import json

from flask import Blueprint, Response, request

from core.web.wire.encode import dumps
from core.web.wire.errors import WireError, bad_parameter, not_found
from sandbox import hooks, stories
from sandbox.api import account_of, account_of_key

MOST_ROWS = 1_000


def make_control(api):
    """The blueprint; every call but `health` needs the account's secret test key."""
    control = Blueprint("control", __name__, url_prefix="/_sandbox")

    def answer(body, status=200):
        return Response(dumps(body), status, mimetype="application/json")

    def read_json():
        body = request.get_json(force=True, silent=True)
        if not isinstance(body, dict):
            raise bad_parameter("parameter_invalid", None, "Send a JSON object.")
        return body

    def whole(body, name, least, most):
        value = body.get(name)
        if value is not None and (type(value) not in (int, float) or not least <= value <= most):
            raise bad_parameter("parameter_invalid", name, f"{name} is a number from {least} to {most}.")
        return value

    @control.errorhandler(WireError)
    def refuse(error):
        return answer(error.envelope(), error.status)

    @control.get("/health")
    def health():
        api.store.connection().execute("SELECT 1").fetchone()
        return answer({"ok": True})

    @control.put("/webhook_endpoint")
    def preset_endpoint():
        """Makes sure the account has exactly this endpoint with this secret; saying it again changes nothing."""
        body = read_json()
        account, url, secret = account_of_key(body.get("api_key")), hooks.check_url(body.get("url")), body.get("secret")
        events = body.get("enabled_events") or ["*"]
        if not isinstance(secret, str) or not 8 <= len(secret) <= 200 or not secret.isascii():
            raise bad_parameter("parameter_invalid", "secret", "secret is a text of 8 to 200 characters.")
        with api.store.change() as connection:
            shelf = api.shelf(connection, account)
            found = next((one for one in shelf.rows("webhook_endpoint") if one["url"] == url), None)
            if found is None:
                found = hooks.make_endpoint(shelf, url, events, secret, metadata={"preset": "1"})
            else:
                found = shelf.put({**found, "enabled_events": events, "status": "enabled"}, {"secret": secret})
        return answer(found)

    @control.get("/stories")
    def show_stories():
        account = account_of(request.headers.get("Authorization"))
        with api.store.look() as connection:
            running = stories.listed(api.shelf(connection, account))
        return answer({"running": running, "known": {name: row[0] for name, row in stories.STORIES.items()}})

    @control.post("/stories")
    def add_story():
        account, body = account_of(request.headers.get("Authorization")), read_json()
        seconds, times, path = whole(body, "seconds", 0, stories.MOST_SECONDS), whole(body, "times", 1, 100_000), body.get("path")
        with api.store.change() as connection:
            made = stories.add(api.shelf(connection, account), body.get("story"), seconds=seconds, times=times, path=path)
        return answer(made, 201)

    @control.delete("/stories")
    @control.delete("/stories/<int:identity>")
    def end_story(identity=None):
        account = account_of(request.headers.get("Authorization"))
        with api.store.change() as connection:
            return answer({"ended": stories.end(api.shelf(connection, account), identity)})

    @control.get("/charges")
    def truth():
        """Every charge of the account, oldest first, from outside the product: what really happened to the money."""
        account = account_of(request.headers.get("Authorization"))
        after = request.args.get("after", 0, type=int)
        with api.store.look() as connection:
            rows = connection.execute(
                "SELECT seq, id, body ->> '$.payment_intent' AS payment_intent, body ->> '$.status' AS status, body ->> '$.currency' AS currency, "
                "body ->> '$.amount' AS amount, body ->> '$.amount_captured' AS amount_captured, body ->> '$.amount_refunded' AS amount_refunded, "
                "body ->> '$.disputed' AS disputed, body -> '$.metadata' AS metadata, created FROM objects "
                "WHERE account = ? AND kind = 'charge' AND seq > ? ORDER BY seq LIMIT ?",
                (account, after, MOST_ROWS),
            ).fetchall()
        return answer({"charges": [_charge(row) for row in rows], "next": rows[-1]["seq"] if len(rows) == MOST_ROWS else None})

    @control.get("/deliveries")
    def deliveries():
        account = account_of(request.headers.get("Authorization"))
        with api.store.look() as connection:
            rows = connection.execute(
                "SELECT d.*, o.body ->> '$.type' AS type FROM deliveries d JOIN objects o ON o.id = d.event WHERE d.account = ? AND "
                "d.event = coalesce(?, d.event) ORDER BY d.seq DESC LIMIT ?",
                (account, request.args.get("event"), MOST_ROWS),
            ).fetchall()
        return answer({"deliveries": [{name: row[name] for name in row.keys() if name != "account"} for row in rows]})

    @control.post("/deliveries")
    def redeliver():
        """Sends one event again, to every enabled endpoint."""
        account, event = account_of(request.headers.get("Authorization")), read_json().get("event")
        with api.store.change() as connection:
            shelf = api.shelf(connection, account)
            if shelf.find("event", event) is None:
                raise not_found("event", str(event)[:80])
            endpoints = [one for one in shelf.rows("webhook_endpoint") if one["status"] == "enabled"]
            for one in endpoints:
                connection.execute(
                    "INSERT INTO deliveries (account, event, endpoint, due_at) VALUES (?, ?, ?, ?)", (account, event, one["id"], shelf.now)
                )
        return answer({"queued": len(endpoints)})

    return control


def _charge(row):
    charge = {name: row[name] for name in row.keys() if name != "seq"}
    return {**charge, "metadata": json.loads(row["metadata"]), "disputed": bool(row["disputed"])}
