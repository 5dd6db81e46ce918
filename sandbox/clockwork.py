"""The processor's own clock: delivers webhooks, ends sessions, finishes slow payments and refunds, opens disputes; all from the store."""

import http.client
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from core.web.wire.encode import dumps
from core.web.wire.signature import sign
from sandbox import connect, disputes, payouts, refunds, sessions, transfers
from sandbox.store import Shelf

# seconds until the next attempt after each failed one: eleven attempts within twenty minutes, a test session's worth of patience
RETRY_SECONDS = (1, 2, 4, 8, 15, 30, 60, 120, 300, 600)
TIMEOUT_SECONDS = 10
_SENDERS = 6
_TASKS = {
    "account_review": connect.review_later,
    "connected_payout": transfers.finish_later,
    "dispute": disputes.open_later,
    "dispute_due": disputes.due_later,
    "dispute_end": disputes.decide_later,
    "payout": payouts.pay_later,
    "refund": refunds.finish_later,
    "session_end": sessions.finish_later,
    "payment": sessions.end_payment_later,
}
log = logging.getLogger("sandbox.clockwork")


class Clockwork(threading.Thread):
    """One thread that looks for due work, and a few that post. Nothing lives only here: after a restart it goes on."""

    def __init__(self, api):
        super().__init__(name="clockwork", daemon=True)
        self.api, self.store, self._stopping = api, api.store, threading.Event()
        self._pool = ThreadPoolExecutor(_SENDERS, thread_name_prefix="delivery")

    def stop(self):
        self._stopping.set()
        self.store.changed.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def run(self):
        with self.store.change() as connection:  # what was being sent when the process ended is sent again
            connection.execute("UPDATE deliveries SET state = 'waiting' WHERE state = 'sending'")
        while not self._stopping.is_set():
            try:
                self.store.changed.clear()
                self._do_tasks()
                self._post_deliveries()
                self.store.changed.wait(self._pause())
            except Exception:  # the clock of a long-lived process does not stop for one bad row
                log.exception("clockwork")
                self._stopping.wait(1)

    def _pause(self):
        row = (
            self.store.connection()
            .execute(
                "SELECT min(due_at) FROM (SELECT min(due_at) AS due_at FROM tasks UNION ALL SELECT min(due_at) FROM deliveries WHERE state = 'waiting')"
            )
            .fetchone()
        )
        return 5 if row[0] is None else min(5, max(0.01, row[0] - time.time()))

    def _do_tasks(self):
        due = self.store.connection().execute("SELECT * FROM tasks WHERE due_at <= ? ORDER BY seq LIMIT 100", (time.time(),)).fetchall()
        for task in due:
            with self.store.change() as connection:
                if connection.execute("DELETE FROM tasks WHERE seq = ?", (task["seq"],)).rowcount:
                    _TASKS[task["kind"]](self.api.shelf(connection, task["account"]), task["subject"])

    def _post_deliveries(self):
        query = "SELECT * FROM deliveries WHERE state = 'waiting' AND due_at <= ? ORDER BY due_at, seq LIMIT 50"
        due = self.store.connection().execute(query, (time.time(),)).fetchall()
        if not due:
            return
        with self.store.change() as connection:
            connection.executemany("UPDATE deliveries SET state = 'sending' WHERE seq = ?", [(row["seq"],) for row in due])
        for row in due:
            self._pool.submit(self._deliver, row["seq"], row["account"], row["event"], row["endpoint"], row["attempts"])

    def _deliver(self, seq, account, event_id, endpoint_id, attempts):
        try:
            shelf = Shelf(self.store.connection(), account)
            endpoint, event = shelf.find("webhook_endpoint", endpoint_id), shelf.find("event", event_id)
            if endpoint is None or endpoint["status"] != "enabled":
                self._note(seq, "dropped", attempts, None, "The endpoint is gone or switched off.", 0)
                return
            status, error = post(endpoint["url"], dumps(event), shelf.private(endpoint_id)["secret"])
            attempts += 1
            if status is not None and 200 <= status < 300:
                self._note(seq, "done", attempts, status, None, 0)
            elif attempts > len(RETRY_SECONDS):
                self._note(seq, "failed", attempts, status, error, 0)
            else:
                self._note(seq, "waiting", attempts, status, error, RETRY_SECONDS[attempts - 1])
        except Exception:
            log.exception("delivery")

    def _note(self, seq, state, attempts, status, error, pause):
        with self.store.change() as connection:
            connection.execute(
                "UPDATE deliveries SET state = ?, attempts = ?, last_status = ?, last_error = ?, due_at = ?, done_at = ? WHERE seq = ?",
                (state, attempts, status, error, time.time() + pause, time.time() if state == "done" else None, seq),
            )


def post(url, body, secret):
    """One attempt: (status, error text). The body is the same at every attempt, the signature is of this moment. No redirects."""
    connection = None
    try:
        parts = urlsplit(url)
        maker = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = maker(parts.hostname, parts.port, timeout=TIMEOUT_SECONDS)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(
            "POST",
            target,
            body,
            {
                "Content-Type": "application/json; charset=utf-8",
                "User-Agent": "SandboxProcessor/1",
                "Accept": "*/*",
                "Stripe-Signature": sign(secret, body, int(time.time())),
            },
        )
        response = connection.getresponse()
        response.read(65_536)
        return response.status, None if 200 <= response.status < 300 else f"The endpoint answered {response.status}."
    except (OSError, http.client.HTTPException, ValueError) as error:
        return None, f"{type(error).__name__}: {error}"[:300]
    finally:
        if connection is not None:
            connection.close()
