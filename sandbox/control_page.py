"""The page where a person picks stories and sees what was delivered."""

from urllib.parse import urlsplit

from flask import Blueprint, g, redirect, render_template, request

from core.web.wire.errors import WireError
from sandbox import stories
from sandbox.api import account_of_key

COOKIE = "sandbox_key"


def make_control_page(api, demo_key):
    page = Blueprint("control_page", __name__)

    def account():
        try:
            return account_of_key(request.cookies.get(COOKIE) or demo_key or "")
        except WireError:
            return None

    def same_site():
        """Forms are taken from our own pages only."""
        origin = request.headers.get("Origin")
        return (origin in (None, "null") and not origin) or urlsplit(origin).netloc == request.host

    @page.get("/stories")
    def show(problem=None, status=200):
        known, running, deliveries = account(), [], []
        if known:
            with api.store.look() as connection:
                running = stories.listed(api.shelf(connection, known))
                deliveries = connection.execute(
                    "SELECT d.*, o.body ->> '$.type' AS type, e.body ->> '$.url' AS url FROM deliveries d JOIN objects o ON o.id = d.event "
                    "LEFT JOIN objects e ON e.id = d.endpoint WHERE d.account = ? ORDER BY d.seq DESC LIMIT 25",
                    (known,),
                ).fetchall()
        return render_template(
            "stories.html", nonce=g.nonce, account=known, stories=stories.STORIES, running=running, deliveries=deliveries, problem=problem
        ), status

    @page.post("/stories")
    def change():
        if not same_site():
            return show("This form came from another site.", 403)
        if request.form.get("act") == "open":
            return sign_in()
        known = account()
        if not known:
            return show("Enter a test API key first.", 401)
        if request.form.get("act") == "leave":
            response = redirect("/stories", 303)
            response.delete_cookie(COOKIE, path="/stories")
            return response
        try:
            with api.store.change() as connection:
                act(api.shelf(connection, known))
        except (WireError, ValueError) as error:
            return show(getattr(error, "message", None) or "Enter whole numbers.", 422)
        return redirect("/stories", 303)

    def act(shelf):
        if request.form.get("act") == "end":
            stories.end(shelf, int(request.form["story"]))
        elif request.form.get("act") == "end_all":
            stories.end(shelf)
        else:
            seconds, times = request.form.get("seconds") or None, request.form.get("times") or None
            seconds, times = seconds and min(int(seconds), stories.MOST_SECONDS), times and max(1, min(int(times), 100_000))
            stories.add(shelf, request.form.get("story", ""), seconds=seconds, times=times)

    def sign_in():
        try:
            account_of_key(request.form.get("key", "").strip())
        except WireError as error:
            return show(error.message, 422)
        response = redirect("/stories", 303)
        response.set_cookie(
            COOKIE, request.form["key"].strip(), httponly=True, samesite="Strict", path="/stories", secure=request.is_secure
        )
        return response

    return page
