"""The control API under /_sandbox/: what a test or a demo may ask that no real processor would answer."""

import json
import time

from flask import Blueprint, Response, request

from core.web.wire.encode import dumps
from core.web.wire.errors import WireError, bad_parameter, not_found
from sandbox import connect, disputes, hooks, mishaps, payouts, stories, transfers
from sandbox.api import account_of, account_of_key
from sandbox.sessions import end_by_hand

MOST_ROWS = 1_000
LAST_PLACE = 2**62
_TRUTH = """
SELECT seq, id, body ->> '$.payment_intent' AS payment_intent, body ->> '$.status' AS status, body ->> '$.currency' AS currency,
  body ->> '$.amount' AS amount, body ->> '$.amount_captured' AS amount_captured, body ->> '$.amount_refunded' AS amount_refunded,
  body ->> '$.disputed' AS disputed, body -> '$.metadata' AS metadata, created
FROM objects WHERE account = ? AND kind = 'charge' AND seq > ? ORDER BY seq LIMIT ?"""
_DELIVERIES = """
SELECT d.seq AS id, d.event, d.endpoint, d.state, d.due_at, d.attempts, d.last_status, d.last_error, d.done_at, o.body ->> '$.type' AS type
FROM deliveries d JOIN objects o ON o.id = d.event
WHERE d.account = ? AND d.event = coalesce(?, d.event) ORDER BY d.seq DESC LIMIT ?"""


def make_control(api):
    """The blueprint; every call but `health` needs the account's secret test key."""
    control, calls = Blueprint("control", __name__, url_prefix="/_sandbox"), Control(api)
    control.register_error_handler(WireError, lambda error: answer(error.envelope(), error.status))
    control.get("/health")(calls.health)
    control.put("/webhook_endpoint")(calls.preset_endpoint)
    control.get("/stories")(calls.show_stories)
    control.post("/stories")(calls.add_story)
    control.delete("/stories")(calls.end_story)
    control.delete("/stories/<int:identity>")(calls.end_story)
    control.post("/clock")(calls.stop_clock)
    control.get("/charges")(calls.truth)
    control.post("/processing")(calls.end_processing)
    control.post("/disputes")(calls.dispute)
    control.get("/deliveries")(calls.deliveries)
    control.post("/deliveries")(calls.redeliver)
    control.post("/payouts")(calls.pay_out)
    control.post("/accounts")(calls.decide_account)
    control.post("/connected_payouts")(calls.end_connected_payout)
    control.get("/settlement.csv")(calls.settlement)
    control.get("/mishaps")(calls.show_mishaps)
    control.post("/mishaps")(calls.mishap)
    return control


def answer(body, status=200):
    return Response(dumps(body), status, mimetype="application/json")


def read_json():
    try:
        body = request.get_json(force=True, silent=True)
    except RecursionError:
        body = None
    if not isinstance(body, dict):
        raise bad_parameter("parameter_invalid", None, "Send a JSON object.")
    return body


def number(body, name, least, most):
    """A number within limits, or None when the body has none."""
    value = body.get(name)
    if value is not None and (type(value) not in (int, float) or not least <= value <= most):
        raise bad_parameter("parameter_invalid", name, f"{name} is a number from {least} to {most}.")
    return value


def account():
    return account_of(request.headers.get("Authorization"))


class Control:
    """The calls, each in one transaction of the store."""

    def __init__(self, api):
        self.api = api

    def health(self):
        self.api.store.connection().execute("SELECT 1").fetchone()
        return answer({"ok": True})

    def preset_endpoint(self):
        """Makes sure the account has an endpoint at this address with this secret; saying it again changes nothing."""
        body = read_json()
        owner, url, secret = account_of_key(body.get("api_key")), hooks.check_url(body.get("url")), body.get("secret")
        events = body.get("enabled_events") or ["*"]
        if not isinstance(secret, str) or not 8 <= len(secret) <= 200 or not secret.isascii():
            raise bad_parameter("parameter_invalid", "secret", "secret is a text of 8 to 200 characters.")
        if not isinstance(events, list) or not all(isinstance(one, str) for one in events):
            raise bad_parameter("parameter_invalid", "enabled_events", "enabled_events is a list of event types.")
        with self.api.store.change() as connection:
            shelf = self.api.shelf(connection, owner)
            found = next((one for one in shelf.rows("webhook_endpoint") if one["url"] == url), None)
            if found is None:
                return answer(hooks.make_endpoint(shelf, url, events, secret, metadata={"preset": "1"}))
            return answer(shelf.put({**found, "enabled_events": events, "status": "enabled"}, {"secret": secret}))

    def show_stories(self):
        owner = account()
        with self.api.store.look() as connection:
            running = stories.listed(self.api.shelf(connection, owner))
        return answer({"running": running, "known": {name: row[0] for name, row in stories.STORIES.items()}})

    def add_story(self):
        owner, body = account(), read_json()
        seconds, times = number(body, "seconds", 0, stories.MOST_SECONDS), number(body, "times", 1, 100_000)
        path, name, subject = body.get("path"), body.get("story"), body.get("subject")
        if not isinstance(name, str) or not all(text is None or isinstance(text, str) for text in (path, subject)):
            raise bad_parameter("parameter_invalid", "story", "story, path and subject are texts.")
        with self.api.store.change() as connection:
            made = stories.add(
                self.api.shelf(connection, owner), name, seconds=seconds, times=times and int(times), path=path, subject=subject
            )
        return answer(made, 201)

    def end_story(self, identity=None):
        owner = account()
        with self.api.store.change() as connection:
            return answer({"ended": stories.end(self.api.shelf(connection, owner), identity)})

    def stop_clock(self):
        """Whatever happens from now on is of the instant `at` (seconds since 1970); with none the account's clock goes again."""
        owner, at = account(), number(read_json(), "at", 1, time.time())
        self.api.store.stop_clock(owner, at)
        return answer({"at": at})

    def truth(self):
        """Every charge of the account, oldest first, from outside the product: what really happened to the money."""
        owner, after = account(), min(request.args.get("after", 0, type=int), LAST_PLACE)
        with self.api.store.look() as connection:
            rows = connection.execute(_TRUTH, (owner, after, MOST_ROWS)).fetchall()
        charges = [{**dict(row), "metadata": json.loads(row["metadata"]), "disputed": bool(row["disputed"])} for row in rows]
        return answer({"charges": charges, "next": rows[-1]["seq"] if len(rows) == MOST_ROWS else None})

    def end_processing(self):
        """The bank's word on a payment that is processing: succeeded or failed."""
        owner, body = account(), read_json()
        identity, outcome = body.get("payment_intent"), body.get("outcome")
        if outcome not in ("succeeded", "failed"):
            raise bad_parameter("parameter_invalid", "outcome", "outcome is succeeded or failed.")
        with self.api.store.change() as connection:
            ended = end_by_hand(self.api.shelf(connection, owner), identity, outcome)
        return answer({"id": ended["id"], "status": ended["status"]})

    def dispute(self):
        """A dispute of a `charge` is opened, or the bank's word on a `dispute` is given: won, lost, closed, or again."""
        owner, body = account(), read_json()
        charge, identity, outcome, reason = (body.get(name) for name in ("charge", "dispute", "outcome", "reason"))
        due = number(body, "due_seconds", 1, 90 * 86_400) or disputes.ANSWER_SECONDS
        amount = number(body, "amount", 1, 10**12)
        if not charge and outcome not in ("won", "lost", "closed", "again"):
            raise bad_parameter("parameter_invalid", "outcome", "outcome is won, lost, closed or again.")
        with self.api.store.change() as connection:
            shelf = self.api.shelf(connection, owner)
            if not charge:
                return answer(disputes.by_hand(shelf, str(identity), outcome, due))
            found = shelf.find("charge", str(charge))
            if found is None:
                raise not_found("charge", str(charge)[:80])
            reason = reason if reason in (*disputes.CODES, "general", "unrecognized") else "fraudulent"
            wanted = {"inquiry": body.get("inquiry") is True, "amount": amount and int(amount), "due_seconds": due}
            return answer(disputes.begin(shelf, found, reason, **wanted), 201)

    def deliveries(self):
        owner = account()
        with self.api.store.look() as connection:
            rows = connection.execute(_DELIVERIES, (owner, request.args.get("event"), MOST_ROWS)).fetchall()
        return answer({"deliveries": [dict(row) for row in rows]})

    def redeliver(self):
        """Sends one event again, to every enabled endpoint."""
        owner, event = account(), read_json().get("event")
        with self.api.store.change() as connection:
            shelf = self.api.shelf(connection, owner)
            if shelf.find("event", event) is None:
                raise not_found("event", str(event)[:80])
            endpoints = [one for one in shelf.rows("webhook_endpoint") if one["status"] == "enabled"]
            for one in endpoints:
                connection.execute(
                    "INSERT INTO deliveries (account, event, endpoint, due_at) VALUES (?, ?, ?, ?)", (owner, event, one["id"], shelf.now)
                )
        return answer({"queued": len(endpoints)})

    def pay_out(self):
        """Pays out to the bank what is available, or (`at_once`) all there is; with `collect` it also takes from the bank what is missing."""
        owner, body = account(), read_json()
        currency, at_once, collect = body.get("currency"), body.get("at_once", False), body.get("collect", False)
        if not (currency is None or isinstance(currency, str)) or not isinstance(at_once, bool) or not isinstance(collect, bool):
            raise bad_parameter("parameter_invalid", "currency", "currency is a text, at_once and collect true or false.")
        with self.api.store.change() as connection:
            made = payouts.pay_out(self.api.shelf(connection, owner), currency=currency, at_once=at_once, collect=collect)
        return answer({"payouts": [one["id"] for one in made]}, 201)

    def decide_account(self):
        """Where a connected account stands (`outcome`), its bank account (`iban`, `currency`), and what that `bank` does."""
        owner, body = account(), read_json()
        identity, outcome, behaviour, currency, iban = (body.get(name) for name in ("account", "outcome", "bank", "currency", "iban"))
        if not all(text is None or isinstance(text, str) for text in (identity, outcome, behaviour, currency, iban)):
            raise bad_parameter("parameter_invalid", "account", "account, outcome, bank, currency and iban are texts.")
        with self.api.store.change() as connection:
            shelf = self.api.shelf(connection, owner)
            found = connect.by_hand(shelf, identity, outcome=outcome, behaviour=behaviour, currency=currency, iban=iban)
        return answer({"id": found["id"], "payouts_enabled": found["payouts_enabled"]})

    def end_connected_payout(self):
        """The bank's word on a `payout` of a connected account: paid, failed (also after it was paid) or canceled."""
        owner, body = account(), read_json()
        with self.api.store.change() as connection:
            ended = transfers.end_payout(self.api.shelf(connection, owner), body.get("payout"), str(body.get("outcome")))
        return answer({"id": ended["id"], "status": ended["status"]})

    def settlement(self):
        """The settlement report: of one payout, or of everything since a moment."""
        owner, since = account(), min(request.args.get("since", 0, type=int), LAST_PLACE)
        with self.api.store.look() as connection:
            text = "".join(payouts.report(self.api.shelf(connection, owner), payout=request.args.get("payout"), since=since))
        return Response(text, mimetype="text/csv")

    def show_mishaps(self):
        account()
        return answer({"known": {name: row[0] for name, row in mishaps.MISHAPS.items()}})

    def mishap(self):
        owner, body = account(), read_json()
        minor, subject = number(body, "minor", -mishaps.MOST_MINOR, mishaps.MOST_MINOR), body.get("subject")
        if not (subject is None or isinstance(subject, str)) or not isinstance(body.get("mishap"), str):
            raise bad_parameter("parameter_invalid", "mishap", "mishap and subject are texts.")
        with self.api.store.change() as connection:
            done = mishaps.do(self.api.shelf(connection, owner), body["mishap"], subject=subject, minor=minor and int(minor))
        return answer({"done_to": done}, 201)
