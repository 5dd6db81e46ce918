"""A pretend phone with an authenticator app: give it a key, and it shows the codes, so that two-step sign-in can be tried without one."""

import time
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
from flask import Blueprint, g, redirect, render_template, request

from sandbox.control_page import same_site

STEP = 30  # seconds a code lasts
MOST_KEPT, LONGEST = 20, 400
SCHEMA = "CREATE TABLE IF NOT EXISTS phone_keys (seq INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, key TEXT NOT NULL UNIQUE)"


class NoKey(ValueError):
    """What was typed is no key an app could take."""


def make_phone(api):
    """The blueprint. There is one phone for everybody who tries the demo; it is a toy, and keeps its keys in the open."""
    blueprint = Blueprint("phone", __name__)
    with api.store.change() as connection:
        connection.execute(SCHEMA)

    @blueprint.get("/phone")
    def show(problem=None, typed="", status=200):
        with api.store.look() as connection:
            kept = connection.execute("SELECT seq, name, key FROM phone_keys ORDER BY seq DESC").fetchall()
        codes = [{"seq": row["seq"], "name": row["name"], "code": pyotp.TOTP(row["key"]).now()} for row in kept]
        left = STEP - int(time.time()) % STEP
        return render_template("phone.html", nonce=g.nonce, codes=codes, left=left, problem=problem, typed=typed), status

    @blueprint.post("/phone")
    def change():
        if not same_site():
            return show("This form came from another site.", status=403)
        if request.form.get("act") == "drop":
            with api.store.change() as connection:
                connection.execute("DELETE FROM phone_keys WHERE seq = ?", (request.form.get("entry", ""),))
            return redirect("/phone", 303)
        typed = request.form.get("key", "")[:LONGEST]
        try:
            name, key = read_key(typed)
        except NoKey as wrong:
            return show(str(wrong), typed, 422)
        with api.store.change() as connection:
            connection.execute("INSERT INTO phone_keys (name, key) VALUES (?, ?) ON CONFLICT (key) DO NOTHING", (name, key))
            connection.execute(
                "DELETE FROM phone_keys WHERE seq NOT IN (SELECT seq FROM phone_keys ORDER BY seq DESC LIMIT ?)", (MOST_KEPT,)
            )
        return redirect("/phone", 303)

    return blueprint


def read_key(text):
    """(name, key) of an otpauth address or of the bare key. Raises NoKey with a sentence."""
    name, key = "Key", text
    if text.strip().startswith("otpauth://"):
        parts = urlsplit(text.strip())
        name, key = unquote(parts.path.lstrip("/"))[:100], (parse_qs(parts.query).get("secret") or [""])[0]
    key = "".join(key.split()).replace("-", "").upper().rstrip("=")
    try:
        if len(key) < 16:
            raise ValueError
        pyotp.TOTP(key).now()
    except ValueError:
        raise NoKey("That is no key. Copy it whole from the page that shows the square.") from None
    return f"{name} …{key[-4:]}" if name == "Key" else name, key
