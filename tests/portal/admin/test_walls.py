"""Staff, vendors and roles: who opens what, over every staff route there is."""

from __future__ import annotations

import pytest
from flask import Flask

from core.accounts.staff_permissions import STAFF_PERMISSIONS, STAFF_ROLES
from core.kernel.ids import uuid7
from tests.browser import Browser
from tests.factories import Shop, make_paid
from tests.portal.admin.people import look_into, make_staff


def staff_routes(app: Flask, **names: str) -> list[tuple[str, str, str]]:
    """(method, path, permission) of every staff route, its parts filled in."""
    found = []
    for rule in app.url_map.iter_rules():
        access = getattr(app.view_functions[rule.endpoint], "__access__", "")
        if rule.endpoint.startswith("staff.") and access != "public":
            with app.test_request_context():
                built = rule.build({name: names.get(name, "x") for name in rule.arguments})
            assert built
            found += [(method, built[1], access) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    assert len(found) > 10
    return found


def test_neither_a_stranger_nor_a_vendors_owner_opens_any_staff_page(app: Flask, shop: Shop) -> None:
    paid = make_paid(shop)
    for browser in (Browser(app), shop.browser()):
        token = browser.get("/sign-in").form("/sign-out").values["csrf_token"] if browser.get("/sign-in").heading == "Home" else None
        token = token or browser.get("/sign-in").form().values["csrf_token"]
        for method, path, _ in staff_routes(app, public_id=paid.public_id, task=str(uuid7())):
            answer = browser.client.open(path, method=method, data={"csrf_token": token})
            assert answer.status_code == 303 and answer.headers["Location"].startswith("/staff/sign-in"), (method, path, answer.status_code)
            assert paid.reference not in answer.get_data(as_text=True)


def test_a_vendors_secret_in_the_staffs_cookie_opens_nothing_and_the_other_way_round(app: Flask, shop: Shop) -> None:
    colleague = make_staff(app)
    assert Browser(app, staff=shop.secret).get("/staff/").heading == "Staff sign-in"
    assert Browser(app, seat=colleague.secret).get("/portal/").heading == "Sign in"
    assert colleague.browser().get("/portal/").heading == "Sign in"


@pytest.mark.parametrize("role", STAFF_ROLES)
def test_a_role_reaches_exactly_what_its_permissions_say(app: Flask, shop: Shop, role: str) -> None:
    paid, browser = make_paid(shop), make_staff(app, role).browser()
    token = browser.get("/staff/").form("/staff/sign-out").values["csrf_token"]
    for method, path, access in staff_routes(app, public_id=paid.public_id, task=str(uuid7())):
        page = browser.get(path, status=None) if method == "GET" else browser.post(path, {"csrf_token": token})
        allowed = role in STAFF_PERMISSIONS[access.removeprefix("staff.")]
        assert (page.status == 403) == (not allowed), (role, method, path, page.status)
        if not allowed:
            assert "Your role" in page.text and "superuser" in page.text, "who can help is said"


def test_a_reviewer_sees_no_balances_and_no_alarms_text(app: Flask, shop: Shop) -> None:
    make_paid(shop)
    for role, sees in (("reviewer", False), ("finance", True)):
        page = look_into(make_staff(app, role).browser(), f"/staff/vendors/{shop.vendor.public_id}")
        assert ("Balance in GBP" in page.text) == sees


def test_nobody_of_the_staff_can_change_what_is_a_vendors(app: Flask) -> None:
    """Everything that staff may post is named here: none of it takes a vendor's money, or touches settings. Of people, it is letting one
    in again who lost their device, and what concerns staff themselves.

    A listing they take out of the public directory stays as its vendor wrote it. What is decided about a line of the bank is money that
    was nobody's until then. A payout is the vendor's own wish: it is let go or its money stays, and what was paid for a plan goes back where it came from.
    Of a dispute they decide only in the sandbox, where no money is real; they answer the bank in a vendor's place, who hears of it, and never give in for one; a debt they write off is money the platform gives up, and a journal they take back is one that staff had booked. What they keep in reserve of a vendor's sales is given back by the clock, and the vendor is told. Prices, who the house is, and its own invoices are the house's.
    What ends an exception of the reconciliation posts between accounts of the house's, or sends back what a payer paid twice. Attack mode moves no money, ends by itself, and the vendor reads who switched it. How long captured money waits is the platform's risk to judge, with a reason that the vendor reads. What they stop for a vendor, it reads why, and no money is taken. Rules and lists about payments are the house's; a payment that waits for a review they let go on, or its money goes back whole to whoever paid it. A higher fee they publish is told to the vendor days before it counts, and for payments to come.
    """
    names = {"task": "1", "provider": "p", "mode": "test", "event_id": "e", "number": "l"}
    posted = {path for method, path, _ in staff_routes(app, **names) if method == "POST"}
    lines = {f"/staff/bank-money/test/l/{what}" for what in ("assignment", "repayment", "return", "charge", "agreement", "withdrawal")}
    attack = {f"/staff/vendors/x/protection/x/{act}" for act in ("on", "off")}
    assert posted == lines | attack | {
        "/staff/vendors/x/release-days", "/staff/vendors/x/visits", "/staff/vendors/x/looks", "/staff/looks/mode", "/staff/looks/end", "/staff/jobs/retries", "/staff/jobs/1/retries", "/staff/events/p/test/e/replays",
        "/staff/vendors/x/people/x/lost-device", "/staff/two-step/devices", "/staff/two-step/devices/new", "/staff/two-step/recovery-codes", "/staff/two-step/off", *(f"/staff/two-step/passkeys{act}" for act in ("", "/question", "/new", "/x/name", "/x/removal", "/proof")),
        "/staff/books/proofs", "/staff/books/x/test/journals/l/reversal", "/staff/reversals/l/approval", "/staff/reversals/l/refusal", "/staff/days/papers", "/staff/days/test/x/close", "/staff/days/test/x/signature",
        "/staff/listings/x/withdrawal", "/staff/listings/x/restoration", "/staff/listings/x/reports", "/staff/listings/edits/x/decision",
        "/staff/listings/strikes/x/forgiveness", "/staff/listings/reasons", "/staff/listings/reasons/x", "/staff/listings/reasons/x/archive",
        "/staff/plans", "/staff/plans/new", "/staff/order-terms", "/staff/order-terms/new", "/staff/house", "/staff/subscriptions/x/documents/x/credit-note", "/staff/subscriptions/x/documents/x/anew",
        "/staff/subscriptions/x/balance", "/staff/payouts/l/approval", "/staff/payouts/l/cancellation", "/staff/payouts/l/hold", "/staff/payouts/approvals",
        "/staff/risk/x/rules", "/staff/risk/x/rules/x/removal", "/staff/risk/x/rules/x/up", "/staff/risk/x/trial", "/staff/risk/x/publication", "/staff/risk/x/draft/removal",
        "/staff/risk/x/lists", "/staff/risk/x/lists/l/removal", *(f"/staff/reviews/l/{what}" for what in ("approval", "refusal", "fraud")),
        *(f"/staff/applications/l/{what}" for what in ("question", "approval", "refusal", "papers/x/review")),
        "/staff/vendors/x/fee", "/staff/vendors/x/notes", "/staff/vendors/x/stops/x/x", "/staff/vendors/x/stops/x/l/end", "/staff/vendors/x/holds/x", "/staff/vendors/x/holds/x/l/end",
        "/staff/reconciliation/test/runs", "/staff/reconciliation/test/reports", "/staff/reconciliation/test/reports/l/import", "/staff/reconciliation/test/reports/l/columns", "/staff/reconciliation/test/exceptions",
        *(f"/staff/reconciliation/test/exceptions/l/{what}" for what in ("owner", "resolution", "agreement", "refusal")),
        "/staff/order-files/test", "/staff/order-files/test/l/handed-over", "/staff/order-files/test/l/taken-back", "/staff/order-files/test/l/answers",
        "/staff/disputes/l/outcome", *(f"/staff/disputes/l/{what}" for what in ("messages", "read", "draft", "files", "files/x/remove", "answer")), "/staff/debts/x/test/x", "/staff/reserves/x/test", *(f"/staff/reserves/x/test/l/{what}" for what in ("approval", "refusal")), "/staff/write-offs/l/approval", "/staff/write-offs/l/refusal",
    }  # fmt: skip


@pytest.mark.parametrize("bad", ["x", "%00", "%ED%A0%80", "..%2f..", "' OR 1=1", "a" * 3000, "%F0%9F%98%80", "sandbox~test~%00", "-1"])
def test_every_staff_page_survives_hostile_parts(app: Flask, bad: str) -> None:
    browser = make_staff(app).browser()
    token = browser.get("/staff/").form("/staff/sign-out").values["csrf_token"]
    for method, path, _ in staff_routes(app):
        target = path.replace("/x", f"/{bad}")
        for query in (
            "",
            f"?after={bad}&q={bad}&vendor={bad}&mode={bad}&status={bad}&method={bad}&since={bad}&show={bad}&live={bad}&next={bad}",
        ):
            answer = browser.client.open(
                target + query, method=method, data={"csrf_token": token, "reason": bad} if method == "POST" else None
            )
            assert answer.status_code < 500, (method, target + query)
