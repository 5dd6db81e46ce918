"""Choosing the day of waking up in the plan's pages: seen to the penny before it is confirmed, said wherever the plan is, changed and taken back."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask

from tests.factories import make_colleague
from tests.portal.plan_pages import in_state, looking

AT = "/portal/plan/change"


def test_a_day_is_chosen_with_what_it_costs_and_the_night_does_it(app: Flask) -> None:
    life, on = in_state(app, "active")
    with looking(life.shop, on) as browser:
        page = browser.get(f"{AT}/hibernate")
        assert "Until you wake it up" in page.text and "Wake up by itself" in page.text
        assert "From 2 December 2026 to 1 December 2027" in page.text
        page = browser.get(f"{AT}/hibernate?until=2026-12-16")
        assert "On 16 December 2026 it wakes up by itself" in page.text and "as soon as the card has paid £1.29" in page.text
        assert page.text.index("On 1 December 2026") < page.text.index("On 16 December 2026 Invoice")
        done = browser.submit(page.form())
        assert "Planned. Until then nothing changes." in done.text
        assert "it hibernates from 1 December 2026 on and wakes up on 16 December 2026" in done.text and "£1.29" in done.text
        assert "until 16 December 2026" in browser.get("/portal/plan?all=1").text, "in the trail"
    life.to(date(2026, 12, 3))
    with looking(life.shop, date(2026, 12, 3)) as browser:
        page = browser.get("/portal/plan")
        assert "It wakes up by itself on 16 December 2026" in page.text and "Change the day of waking up" in page.text
        assert "on 16 December 2026" in page.text.split("What is charged next")[1][:200], "what is charged next"
        notices = browser.get("/portal/notices").text
        assert "£1.29" in notices and "16 December 2026" in notices
        assert "£1.29" in browser.get("/portal/plan/simulator").text
        assert "go on after hibernating" not in page.text.lower(), "nobody has to confirm what is chosen"
    life.to(date(2026, 12, 16))
    assert life.state().status == "active"
    assert [charge.amount_minor for charge in life.charges()] == [300, 50, 129]


def test_another_day_is_chosen_and_taken_back(app: Flask) -> None:
    life, on = in_state(app, "hibernating")
    with looking(life.shop, on) as browser:
        assert "Choose the day of waking up" in browser.get("/portal/plan").text
        page = browser.get(f"{AT}/wake-on")
        assert not [form for form in page.all("form") if form.within("main") and form.attrs["method"] == "post"], "nothing to confirm yet"
        page = browser.get(f"{AT}/wake-on?until=2027-01")
        assert "£3.00" in page.text
        browser.submit(page.form())
        assert life.state().wakes_on == date(2027, 1, 1)
        page = browser.get(f"{AT}/wake-on")
        assert page.all("input", name_="until")[0].attrs["value"] == "2027-01-01", "as it stands"
        browser.submit(browser.get(f"{AT}/wake-on?until=2026-12-16").form())
        assert life.state().wakes_on == date(2026, 12, 16)
        page = browser.get(f"{AT}/wake-off")
        assert "It was to wake up on 16 December 2026" in page.text and "£0.50 a month" in page.text
        form = page.form()
        assert "it hibernates until you wake it up" in browser.submit(form).text
        browser.submit(form)
        assert life.state().wakes_on is None, "sent twice it is done once"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("2026-11-30", "Choose a day from"), ("2020-01-01", "Choose a day from"), ("2028-01-01", "Choose a day from"),
        ("soon", "Write the day like"), ("2026-02-31", "Write the day like"), ("9" * 3000, "Write the day like"), ("%00", "Write the day like"),
    ],
)  # fmt: skip
def test_a_day_that_cannot_be_is_said_at_its_field_and_what_was_typed_stays(app: Flask, typed: str, words: str) -> None:
    life, on = in_state(app, "active")
    with looking(life.shop, on) as browser:
        page = browser.get(f"{AT}/hibernate?until={typed}", status=422)
        assert any(words in error for error in page.errors) and page.error_summary
        assert page.all("input", name_="until")[0].attrs["value"][:9] in (typed[:9], "\N{REPLACEMENT CHARACTER}")
        token = browser.get(f"{AT}/hibernate").form().values
        browser.post(f"{AT}/hibernate?until={typed}", token, status=422)
        assert life.state().planned is None
    life, on = in_state(app, "hibernating")
    with looking(life.shop, on) as browser:
        assert browser.get(f"{AT}/wake-on?until=", status=422).error_summary


def test_who_is_not_hibernating_reads_why_and_who_may_not_manage_changes_nothing(app: Flask) -> None:
    life, on = in_state(app, "active")
    with looking(life.shop, on) as browser:
        for path in ("wake-on", "wake-on?until=2026-12-20", "wake-off"):
            assert "not hibernating" in browser.get(f"{AT}/{path}", status=409).text
    asleep, on = in_state(app, "hibernating")
    with looking(make_colleague(asleep.shop, "viewer"), on) as browser:
        assert browser.get(f"{AT}/wake-on?until=2026-12-20", status=None).status == 403
        assert "waking up" not in browser.get("/portal/plan").html


def test_ending_the_plan_says_that_it_no_longer_wakes_up(app: Flask) -> None:
    life, on = in_state(app, "hibernating")
    with looking(life.shop, on) as browser:
        browser.submit(browser.get(f"{AT}/wake-on?until=2026-12-20").form())
        page = browser.get(f"{AT}/cancel")
        assert "It no longer wakes up by itself on 20 December 2026." in page.text
        browser.submit(page.form())
        assert life.state().wakes_on is None
        assert "Take that back first" in browser.get(f"{AT}/wake-on", status=409).text


def test_in_german_a_day_can_be_chosen(app: Flask) -> None:
    life, on = in_state(app, "active")
    with looking(life.shop, on) as browser:
        page = browser.get(f"{AT}/hibernate?until=2026-12-16&lang=de")
        assert page.status == 200 and "1,29" in page.text
