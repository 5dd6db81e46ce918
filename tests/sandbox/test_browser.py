"""The hosted pages in a real browser: paid with and without scripts, inside a frame of another origin, and readable by everybody."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.sandbox.running import wait_until
from tests.sight import barriers, wider_than_screen

SHOP_PAGE = """<!doctype html><html lang="en"><title>Shop</title><body><h1>Shop</h1>
<iframe id="card" title="Card" width="100%" height="300" src="{src}"></iframe>
<script>window.heard = []; addEventListener("message", function (event) { heard.push([event.origin, event.data]);
  if (event.data.type === "done") { location = event.data.return_url; } });</script>"""


WELCOME = "<!doctype html><html lang=en><title>Shop</title><h1>Welcome back</h1>"


@pytest.fixture
def shop():
    """Another origin: its page holds the card form, and payers come back to it. `shop.page` is what it serves."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = (self.server.page if self.path == "/" else WELCOME).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.page, server.url = WELCOME, f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def visit(browser):
    """Opens pages; a script error or a breach of the policy fails the test."""
    contexts, complaints = [], []

    def open_page(*, scripts=True, width=390):
        context = browser.new_context(java_script_enabled=scripts, viewport={"width": width, "height": 844})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if "Content Security Policy" in line.text else None)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def sound(page):
    """No violation that axe can see, and nothing wider than the screen."""
    assert barriers(page) == []
    assert not wider_than_screen(page)


@pytest.mark.parametrize("scripts", [True, False])
def test_a_payer_pays_after_a_decline_and_a_challenge(visit, session, shop, api, scripts):
    opened = session(success_url=f"{shop.url}/thanks?s={{CHECKOUT_SESSION_ID}}", cancel_url=f"{shop.url}/basket")
    page = visit(scripts=scripts)
    page.goto(opened.url)
    page.fill("#email", "ada@example.com")
    page.fill("#name", "Ada Payer")
    page.click("summary")
    page.click("button[value=pm_card_visa_chargeDeclinedInsufficientFunds]")
    page.click("[data-pay]")
    page.get_by_role("alert").filter(has_text="insufficient funds").wait_for()
    assert page.input_value("#name") == "Ada Payer" and page.input_value("#number") == ""
    page.click("summary")
    page.click("button[value=pm_card_authenticationRequired]")
    page.click("[data-pay]")
    page.click("text=Approve the payment")
    page.wait_for_url(f"{shop.url}/thanks?s={opened.id}")
    assert api.checkout.sessions.retrieve(opened.id).payment_status == "paid"


def test_the_card_form_works_inside_a_page_of_another_origin(visit, shop, api, sandbox):
    made = api.payment_intents.create({"amount": 4250, "currency": "gbp", "return_url": f"{shop.url}/back"})
    shop.page = SHOP_PAGE.replace("{src}", f"{sandbox.url}/elements/card?client_secret={made.client_secret}")
    page = visit()
    page.goto(shop.url)
    frame = page.frame_locator("#card")
    frame.locator("#name").fill("Ada Payer")
    frame.locator("summary").click()
    frame.locator("button[value=pm_card_authenticationRequired]").click()
    frame.locator("[data-pay]").click()
    frame.get_by_text("Approve the payment").wait_for()
    heard = page.evaluate("heard")
    assert {origin for origin, _ in heard} == {sandbox.url}
    assert {said["type"] for _, said in heard} == {"ready", "resize", "submitted", "asking"} and all(said["v"] == 1 for _, said in heard)
    frame.get_by_text("Approve the payment").click()
    page.wait_for_url(f"{shop.url}/back?payment_intent={made.id}*redirect_status=succeeded")


def test_the_card_form_is_not_shown_to_another_origin(browser, shop, api, sandbox):
    made = api.payment_intents.create({"amount": 4250, "currency": "gbp", "return_url": "https://elsewhere.test/back"})
    shop.page = SHOP_PAGE.replace("{src}", f"{sandbox.url}/elements/card?client_secret={made.client_secret}")
    with browser.new_context() as context:
        page = context.new_page()
        refusals = []
        page.on("console", lambda line: refusals.append(line.text))
        page.goto(shop.url)
        assert page.frame_locator("#card").locator("#number").count() == 0
        assert any("frame-ancestors" in text for text in refusals)


@pytest.mark.parametrize("width", [390, 1280])
def test_the_pages_are_sound_on_a_phone_and_on_a_desk(visit, session, sandbox, key, width):
    page, opened = visit(width=width), session()
    page.goto(opened.url)
    sound(page)
    page.click("summary")
    sound(page)
    page.click("[data-pay]")
    page.get_by_role("alert").wait_for()
    sound(page)
    page.fill("#email", "ada@example.com")
    page.fill("#name", "Ada Payer")
    page.click("summary")
    page.click("button[value=pm_card_threeDSecure2Required]")
    page.click("[data-pay]")
    page.get_by_text("Approve the payment").wait_for()
    sound(page)
    page.click("text=Leave without answering")
    sound(page)
    page.goto(f"{sandbox.url}/stories")
    sound(page)
    page.fill("#key", key)
    page.click("text=Open")
    page.get_by_text("Begin a story").wait_for()
    sound(page)
    page.goto(f"{sandbox.url}/")
    sound(page)


def test_decisions_about_disputes_and_running_stories_fit_a_phone(visit, session, sandbox, key, api):
    bought = {"amount": 4250, "currency": "gbp", "payment_method": "pm_card_createDispute", "confirm": True}
    api.payment_intents.create({**bought, "return_url": "https://shop.test/back"})
    wait_until(lambda: api.disputes.list().data)  # the bank takes its moment
    page = visit(width=360)
    page.goto(f"{sandbox.url}/stories")
    page.fill("#key", key)
    page.click("text=Open")
    page.locator("button", has_text="Begin: ").first.click()
    page.get_by_role("button", name="Won by the seller").wait_for()
    sound(page)
    panel = page.locator(".panel")
    assert panel.evaluate("panel => panel.scrollWidth <= panel.clientWidth"), "nothing has to be pushed aside to be pressed"
