"""Every route says who may call it, and the list of routes is a file that people review."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from core.accounts.permissions import roles_that_may
from core.accounts.staff_permissions import staff_roles_that_may
from core.web.guard import may, public, unguarded

LIST = Path(__file__).parent / "routes.txt"


def routes(app: Flask) -> list[str]:
    """`METHODS path access` for each, as the application really answers them."""
    return sorted(
        f"{','.join(sorted(rule.methods - {'HEAD', 'OPTIONS'}))} {rule.rule} {getattr(app.view_functions[rule.endpoint], '__access__', 'static')}"
        for rule in app.url_map.iter_rules()
    )


def test_the_list_of_routes_is_the_one_that_was_reviewed(app: Flask) -> None:
    """After a change on purpose: write what this shows into tests/house/routes.txt, and have it looked at."""
    assert routes(app) == LIST.read_text().splitlines()


def test_every_route_says_who_may_call_it(app: Flask) -> None:
    assert unguarded(app) == []


def test_a_route_that_says_nothing_is_noticed() -> None:
    app = Flask("naked")
    app.add_url_rule("/naked", "naked", lambda: "")
    app.add_url_rule("/open", "open", public(lambda: ""))
    app.add_url_rule("/kept", "kept", may("payments.refund")(lambda: ""))
    assert unguarded(app) == ["naked"]


def test_every_permission_that_is_asked_for_belongs_to_some_role(app: Flask) -> None:
    asked = {view.__access__ for view in app.view_functions.values() if getattr(view, "__access__", "public") != "public"}
    asked -= {"key", "user"}  # the vendor's own software, and a person's app for the person's own account
    staffs = {permission for permission in asked if permission.startswith("staff.")}
    assert asked - staffs and all(roles_that_may(permission) for permission in asked - staffs)
    assert staffs and all(staff_roles_that_may(permission.removeprefix("staff.")) for permission in staffs)


def test_the_staffs_pages_ask_for_staff_and_nobody_elses_do(app: Flask) -> None:
    """Whatever stands under /staff is behind the staff's own guard, but for signing in and out; and nothing else is."""
    apart = (
        "/staff/sign-in",
        "/staff/sign-in/code",
        "/staff/sign-in/code/passkey",
        "/staff/sign-in/code/passkey/question",
        "/staff/sign-out",
    )
    wrong = [line for line in routes(app) if (line.split()[1].startswith("/staff") and line.split()[1] not in apart) != (" staff." in line)]
    assert wrong == []


@pytest.mark.parametrize("word", ["GET"])
def test_no_address_that_changes_something_answers_to_a_link(word: str, app: Flask) -> None:
    """What ends in a custom verb is posted."""
    verbs = (
        "pause", "resume", "clone", "bulk", "withdraw", "refunds", "cancel", "attempts", "retries", "replays", "mode", "sign-out",
        "sign-out-everywhere",
    )  # fmt: skip
    lists = ("/portal/refunds", "/api/v1/refunds")  # reads what was asked for; asking is a payment's own sub-resource
    found = [line for line in routes(app) if word in line.split()[0] and line.split()[1].rstrip("/").split("/")[-1] in verbs]
    assert [line for line in found if line.split()[1] not in lists] == []
