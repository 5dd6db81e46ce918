"""A real sandbox process for tests, a payer who uses its pages without a browser, and a catcher of webhooks."""

import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode, urlsplit

ROOT = Path(__file__).resolve().parents[2]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def new_key():
    return f"sk_test_{secrets.token_hex(12)}"


def ask(method, url, body=None, headers=None, timeout=30):
    """One request, no redirects: (status, headers, text)."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        connection.request(method, f"{parts.path}?{parts.query}" if parts.query else parts.path, body, headers or {})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read().decode()
    finally:
        connection.close()


class Sandbox:
    """The processor under gunicorn, as it runs in production: one process, several threads, a store that outlives it."""

    def __init__(self, folder, **environment):
        self.folder, self.port = Path(folder), free_port()
        self.url, self.process = f"http://127.0.0.1:{self.port}", None
        self.log = self.folder / "sandbox.log"
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV")}
        self.environment = {**kept, "SANDBOX_STORE": str(self.folder / "store.sqlite3"), "SANDBOX_ASYNC_SECONDS": "0.3", **environment}

    def start(self):
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "gunicorn",
                    "--no-control-socket",
                    "-k",
                    "gthread",
                    "-w",
                    "1",
                    "--threads",
                    "16",
                    "--access-logfile",
                    "-",
                    "--graceful-timeout",
                    "2",
                    "-b",
                    f"127.0.0.1:{self.port}",
                    "sandbox.processor:app",
                ],
                cwd=ROOT,
                env=self.environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        for _ in range(200):
            try:
                if ask("GET", f"{self.url}/_sandbox/health")[0] == 200:
                    return self
            except OSError:
                time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def stop(self, signal=15):
        os.killpg(self.process.pid, signal)
        self.process.wait(20)

    def control(self, method, path, key, /, **body):
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        status, _, text = ask(method, f"{self.url}/_sandbox/{path}", json.dumps(body) if body else None, headers)
        return status, json.loads(text)

    def story(self, key, name, **settings):
        status, made = self.control("POST", "stories", key, story=name, **settings)
        assert status == 201, made
        return made

    def charges(self, key):
        return self.control("GET", "charges", key)[1]["charges"]

    def call(self, method, path, key, *, idempotency_key=None, timeout=30, **fields):
        """One API call without the SDK: (status, headers, json)."""
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-www-form-urlencoded"}
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        query = urlencode(fields)
        url = f"{self.url}/v1/{path}" + (f"?{query}" if query and method != "POST" else "")
        status, found, text = ask(method, url, query if method == "POST" else None, headers, timeout)
        return status, found, json.loads(text)


GOOD_CARD = {"number": "4242 4242 4242 4242", "expiry": "12/34", "cvc": "123", "name": "Ada Payer", "email": "ada@example.com"}


def post_form(url, **fields):
    """(status, Location, page) of one form."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    status, found, text = ask("POST", url, urlencode(fields), headers)
    return status, found.get("Location"), text


def pay(url, number="4242424242424242", **fields):
    """Types a card into a hosted page."""
    return post_form(url, **{**GOOD_CARD, "number": number, **fields})


def answer_challenge(sandbox, location, answer):
    """Answers the bank's page that `location` leads to."""
    return post_form(location if location.startswith("http") else sandbox.url + location, answer=answer)


def choose_way(sandbox, url, kind):
    """Chooses a way to pay on a hosted page that takes no card; answers the address of the bank's page or of the code."""
    status, location, text = post_form(url, type=kind, email="ada@example.com")
    assert status == 303, text
    return location if location.startswith("http") else sandbox.url + location


def answer_bank(address, answer, bank="test_bank_south"):
    """What the payer says at the bank, or in the app whose address the code holds."""
    return post_form(address.replace("/qr/", "/app/"), answer=answer, bank=bank)


class Catcher:
    """An endpoint that writes down what it is sent; `statuses` are used up first, then everything is answered 200."""

    def __init__(self):
        self.caught, self.statuses, catcher = [], [], self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = catcher.statuses.pop(0) if catcher.statuses else 200
                catcher.caught.append((dict(self.headers), body, status, time.monotonic()))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *words):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = False
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def types(self, good_only=True):
        return [json.loads(body)["type"] for _, body, status, _ in list(self.caught) if status == 200 or not good_only]

    def hear(self, *types):
        """Waits until an event of each of these types was told: several are on their way at once and come in any order."""
        return self.wait_for(lambda c: set(types) <= set(c.types()))

    def wait_for(self, wanted, seconds=60):
        """Waits until `wanted(self)` holds."""
        return wait_until(lambda: wanted(self), seconds)

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def wait_until(wanted, seconds=60):
    """Waits until `wanted()` gives something true and answers it."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = wanted()
        if found:
            return found
        time.sleep(0.03)
    raise AssertionError("waited in vain")
