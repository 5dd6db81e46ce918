"""The reconciliation's pages: look now and see what was found, end an exception alone or with a second person, bring a report and take it."""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

import pytest
from flask import Flask
from sqlalchemy import delete, select

from core.kernel.clock import frozen, now
from core.kernel.db import db
from core.kernel.outbox import OutboxTask
from core.reconciliation.exceptions import Finding, note_findings
from core.reconciliation.models import ReconException, ReconRun
from core.reconciliation.runs import begin_run, night_runs, note_problem
from tests.browser import Browser, Page
from tests.core.reconciliation.test_report import file_of, row, total
from tests.factories import Shop, unit
from tests.portal.admin.people import make_staff

PLACE = "/staff/reconciliation/test"


@pytest.fixture(autouse=True)
def no_run(app: Flask) -> Iterator[None]:
    """No look goes on, and no night has had one."""
    with unit(app):
        db.session.execute(delete(ReconRun))
        db.session.execute(delete(OutboxTask).where(OutboxTask.job == "reconcile"))
    yield
    with unit(app):
        db.session.execute(delete(ReconRun))


@pytest.fixture
def desk(app: Flask) -> Browser:
    return make_staff(app, "finance").browser()


def found(app: Flask, minor: int = 2_500, kind: str = "missing_in_ledger", source: str = "") -> ReconException:
    """Something that does not agree, of a processor nobody else has."""
    key = f"txn_{secrets.token_hex(6)}"
    theirs = {"external_id": key, "gross_minor": minor, "fee_minor": 0, "net_minor": minor, "currency": "GBP", "category": "charge"}
    finding = Finding(kind, key, source or f"p{secrets.token_hex(5)}", "GBP", minor, date(2026, 11, 20), theirs=theirs)
    with unit(app):
        note_findings("test", [finding])
        return db.session.scalars(select(ReconException).where(ReconException.key == key)).one()


def now_is(app: Flask, row: ReconException) -> ReconException:
    with unit(app):
        return db.session.get_one(ReconException, (row.mode, row.id), populate_existing=True)


def page_of(desk: Browser, row: ReconException) -> Page:
    return desk.get(f"{PLACE}/exceptions/{row.public_id}")


def test_the_button_has_everything_looked_at_and_the_figures_are_kept(app: Flask, desk: Browser, work: Callable[[], int]) -> None:
    page = desk.submit(desk.get("/staff/reconciliation?mode=test").form(f"{PLACE}/runs"))
    assert "is being looked at now" in page.text and page.all("progress")
    assert not [e for e in page.all("form") if e.attrs.get("action") == f"{PLACE}/runs"], "one at a time"
    work()
    done = desk.get("/staff/reconciliation?mode=test")
    assert "Staff" in done.text and not done.all("progress")
    assert "since the look before, of two weeks at least" in done.text, "as stretches() asks"
    with unit(app):
        run = db.session.scalars(select(ReconRun)).one()
        assert run.ended_at and run.stage == "done" and run.problem == "" and {"fetched", "lines", "matched"} <= set(run.figures)
    figures = desk.get(f"{PLACE}/runs/{run.public_id}")
    assert "Payouts booked" in figures.text and "going on" not in figures.text
    assert "stf_" not in figures.text, "whoever asked is named"


def test_the_clock_looks_once_a_night_in_each_mode(app: Flask) -> None:
    with frozen(datetime(2031, 3, 4, 2, 30, tzinfo=UTC)), unit(app):
        night_runs()
        assert db.session.scalars(select(ReconRun)).all() == []
    with frozen(datetime(2031, 3, 4, 3, 30, tzinfo=UTC)):
        for _ in range(2):
            with unit(app):
                night_runs()
        with unit(app):
            assert sorted(run.mode for run in db.session.scalars(select(ReconRun))) == ["live", "test"]


def test_an_exception_shows_both_sides_why_and_the_journal_and_ends_with_a_reason(app: Flask, desk: Browser) -> None:
    one = found(app)
    page = page_of(desk, one)
    assert page.heading == "Missing in our books" and "£25.00" in page.text and one.key in page.text and "unapplied receipts" in page.text
    form = page.form(f"{PLACE}/exceptions/{one.public_id}/resolution")
    again = desk.submit(form, status=422, reason="")
    assert "Say why" in again.text and now_is(app, one).state == "open"
    done = desk.submit(again.form(f"{PLACE}/exceptions/{one.public_id}/resolution"), reason="The shop took it at the counter", act="hold")
    assert "Resolved" in done.text and "The shop took it at the counter" in done.text
    assert now_is(app, one).state == "resolved"
    assert desk.submit(form, status=409, reason="once more", act="hold").status == 409, "it has ended, and ends once"


def test_a_balance_that_differs_lists_what_is_open_beside_it(app: Flask, desk: Browser) -> None:
    line = found(app)
    other, off = found(app), found(app, kind="balance_break", source=line.source)
    page = page_of(desk, off)
    assert [a.attrs["href"] for a in page.all("a") if "/exceptions/rex_" in a.attrs.get("href", "")] == [
        f"{PLACE}/exceptions/{line.public_id}"
    ]
    assert f"/exceptions/{off.public_id}" not in page_of(desk, line).text and other.public_id not in page.text


def test_a_look_that_was_not_told_everything_says_what_is_still_to_come(app: Flask, desk: Browser) -> None:
    with unit(app):
        run = begin_run("test", by="stf_1")
        assert run is not None
        note_problem("test", run.id, "sandbox: it does not answer")
        note_problem("test", run.id, "stripe: the next look goes on with the lines of po_1")
        run.ended_at = now()
    listed = desk.get("/staff/reconciliation?mode=test")
    assert "not everything could be asked" in listed.text
    assert (
        "sandbox: it does not answer; stripe: the next look goes on with the lines of po_1"
        in desk.get(f"{PLACE}/runs/{run.public_id}").text
    )


def test_above_the_limit_it_waits_for_somebody_else(app: Flask, desk: Browser) -> None:
    one, other = found(app, 90_000), make_staff(app, "superuser").browser()
    page = page_of(desk, one)
    assert "somebody else has to agree" in page.text
    proposed = desk.submit(page.form(f"{PLACE}/exceptions/{one.public_id}/resolution"), reason="nobody knows it", act="hold")
    assert "Proposed" in proposed.text and now_is(app, one).state == "proposed"
    assert not [e for e in proposed.all("form") if e.attrs.get("action", "").endswith("/agreement")], "not by who proposed it"
    theirs = page_of(other, one)
    declined = other.submit(theirs.form(f"{PLACE}/exceptions/{one.public_id}/refusal"), why_not="ask the shop first")
    assert now_is(app, one).state == "open" and "ask the shop first" in declined.text
    page = page_of(desk, one)
    desk.submit(page.form(f"{PLACE}/exceptions/{one.public_id}/resolution"), reason="the shop knows nothing", act="hold")
    done = other.submit(page_of(other, one).form(f"{PLACE}/exceptions/{one.public_id}/agreement"))
    assert "both your names" in done.text and now_is(app, one).state == "resolved"


def test_what_has_changed_since_it_was_read_is_not_ended_on_old_figures(app: Flask, desk: Browser) -> None:
    one = found(app)
    form = page_of(desk, one).form(f"{PLACE}/exceptions/{one.public_id}/resolution")
    desk.submit(page_of(desk, one).form(f"{PLACE}/exceptions/{one.public_id}/owner"))
    refused = desk.submit(form, status=409, reason="late", act="keep")
    assert "has changed since you looked at it" in refused.text and now_is(app, one).state == "open"


def test_the_queue_is_filtered_and_several_end_at_once_where_that_is_safe(app: Flask, desk: Browser) -> None:
    source = f"p{secrets.token_hex(5)}"
    rows = [found(app, 100 + n, "cut_off", source) for n in range(3)]
    queue = desk.get(f"{PLACE}/exceptions?kind=cut_off&owner=nobody&age=day")
    assert all(one.public_id in queue.html for one in rows) and "Missing in our books" not in [e.text for e in queue.all("a")]
    assert rows[0].public_id not in desk.get(f"{PLACE}/exceptions?kind=bank_missing").html
    part = desk.part(f"{PLACE}/exceptions?kind=cut_off")
    assert part.all("div", id="exceptions") and not part.all("html")
    token = queue.form(f"{PLACE}/exceptions").values["csrf_token"]
    empty = desk.post(f"{PLACE}/exceptions", {"csrf_token": token, "act": "keep", "reason": "midnight"}, status=422)
    assert "Choose at least one" in empty.text
    sent = {"csrf_token": token, "act": "keep", "reason": "midnight", "number": [one.public_id for one in rows[:2]]}
    done = desk.post(f"{PLACE}/exceptions", sent)
    assert "Ended: 2" in done.text
    assert [now_is(app, one).state for one in rows] == ["resolved", "resolved", "open"]
    ended = desk.get(f"{PLACE}/exceptions?show=ended&kind=cut_off")
    assert rows[0].public_id in ended.html and rows[2].public_id not in ended.html
    assert "cannot be used" in desk.get(f"{PLACE}/exceptions?age=nonsense", status=None).text


def test_a_good_report_is_checked_shown_and_taken_by_a_worker(app: Flask, desk: Browser, work: Callable[[], int]) -> None:
    mark = secrets.token_hex(4)
    raw = file_of(row(1).replace("txn_", f"txn_{mark}").replace("A pot", mark), total(1, "25.00", "0.55", "24.45"))
    page = bring(desk, raw)
    assert page.heading == "report.csv" and "checked" in page.text and "€24.45" in page.text
    desk.submit(page.form())
    work()
    taken = desk.get(page.address)
    assert "1 line was new" in taken.text and "taken" in taken.text
    assert bring(desk, raw).address == page.address, "the same file is the one that is there"


def test_a_bad_report_is_told_by_line_and_nothing_of_it_is_taken(desk: Browser) -> None:
    mark = secrets.token_hex(4)
    page = bring(desk, file_of(row(1, gross="2500").replace("A pot", mark), total(1, "25.00", "0.55", "24.45")))
    assert "refused" in page.text and "gross says 2500: an amount in EUR is written like 1234.56" in page.text
    assert next(e.text for e in page.all("td") if e.attrs.get("data-label") == "Line") == "2"
    assert not [e for e in page.all("form") if e.attrs.get("action", "").endswith("/import")]


def test_no_file_and_a_statement_that_is_damaged_are_refused_at_the_field(desk: Browser) -> None:
    page = desk.get(f"{PLACE}/reports")
    token = page.form(f"{PLACE}/reports").values["csrf_token"]
    empty = desk.post(f"{PLACE}/reports", {"csrf_token": token, "what": "report", "source": "sandbox"}, status=422)
    assert "Choose a file first" in empty.text
    bad = desk.post(
        f"{PLACE}/reports",
        {"csrf_token": token, "what": "statement", "source": "sandbox", "file": (io.BytesIO(b":20:X\n:25:Y\n"), "s.sta")},
        status=422,
    )
    assert "does not say whose account" in bad.text


def test_what_cannot_be_asked_about_does_not_keep_the_others_from_their_end(app: Flask, desk: Browser) -> None:
    """Of several at once each that cannot end so is said, and stays as it is."""
    source = f"p{secrets.token_hex(5)}"
    nobody, proposed = found(app, 100, "status_conflict", source), found(app, 90_000, "status_conflict", source)
    page = page_of(desk, proposed)
    desk.submit(page.form(f"{PLACE}/exceptions/{proposed.public_id}/resolution"), reason="told by telephone", act="keep")
    token = desk.get(f"{PLACE}/exceptions").form(f"{PLACE}/exceptions").values["csrf_token"]
    sent = {"csrf_token": token, "reason": "look again", "number": [nobody.public_id, proposed.public_id]}
    told = desk.post(f"{PLACE}/exceptions", sent | {"act": "ask"})
    assert "nobody who could be asked" in told.text and "Ended: 0" in told.text
    told = desk.post(f"{PLACE}/exceptions", sent | {"act": "keep"})
    assert "Ended: 1" in told.text and proposed.public_id in told.text
    assert [now_is(app, one).state for one in (nobody, proposed)] == ["resolved", "proposed"]


def test_a_files_name_may_say_what_it_likes(desk: Browser) -> None:
    raw = file_of(row(1).replace("A pot", secrets.token_hex(4)), total(1, "25.00", "0.55", "24.45"))
    for number, name in enumerate(("a\x00b.csv", "../../etc/passwd", "=cmd|calc.csv", "x" * 5_000, "\u202egnp.csv", "<b>x</b>.csv")):
        token = desk.get(f"{PLACE}/reports").form(f"{PLACE}/reports").values["csrf_token"]
        sent = {"csrf_token": token, "source": "sandbox", "what": "report", "file": (io.BytesIO(raw + b" " * number), name)}
        assert desk.post(f"{PLACE}/reports", sent, status=None).status < 500, name
        sent |= {"what": "statement", "file": (io.BytesIO(b":20:" + raw), name)}
        assert desk.post(f"{PLACE}/reports", sent, status=None).status == 422, name


def bring(desk: Browser, raw: bytes) -> Page:
    token = desk.get(f"{PLACE}/reports").form(f"{PLACE}/reports").values["csrf_token"]
    sent = {"csrf_token": token, "what": "report", "source": "sandbox", "file": (io.BytesIO(raw), "report.csv")}
    return desk.post(f"{PLACE}/reports", sent)


def test_a_reviewer_sees_none_of_it(app: Flask, shop: Shop) -> None:
    reviewer = make_staff(app, "reviewer").browser()
    assert reviewer.get("/staff/reconciliation", status=403).status == 403
    assert "Reconciliation" not in [e.text for e in reviewer.get("/staff/").all("a")]


def test_a_table_with_columns_of_its_own_is_laid_out_looked_at_and_taken(app: Flask, desk: Browser, work: Callable[[], int]) -> None:
    mark = secrets.token_hex(6)
    rows = [
        ["Nummer", "Datum", "Betrag", "Gebühr"],
        [f"{mark}_1", "18.11.2026", "25,50", "0,55"],
        [f"{mark}_2", "19.11.2026", "12,00", "x"],
    ]
    raw = "\r\n".join(";".join(row) for row in rows).encode()
    sent = {"what": "report", "source": "sandbox", "file": (io.BytesIO(raw), "march.csv")}
    page = desk.submit(desk.get(f"{PLACE}/reports").form(f"{PLACE}/reports"), **sent)
    place = page.address
    assert place.endswith("/columns") and "guessed" in page.text and "Gebühr" in page.text
    form = page.form(place)
    assert form.values["created"] == "Datum" and form.values["gross"] == "Betrag" and form.values["days"] == "dmy"
    none = desk.submit(form, number="", act="check", rows="2", net_sum="36.40", status=422)
    assert "Choose the column" in " ".join(none.error_summary) and none.form(place).values["rows"] == "2"
    looked = desk.submit(form, number="Nummer", act="look", rows="2", net_sum="36.40")
    assert "€24.95" in looked.text and "Gebühr says x" in looked.text and looked.form(place).values["net_sum"] == "36.40"
    assert "without control totals" in " ".join(desk.submit(looked.form(place), act="check", rows="", status=422).error_summary)
    refused = desk.submit(looked.form(place), act="check", rows="2", net_sum="36.40")
    assert "Nothing of it was taken" in refused.text and "Gebühr says x" in refused.text
    mended = raw.replace(b";x", b";0,55")
    sent = {"what": "report", "source": "sandbox", "file": (io.BytesIO(mended), "march.csv")}
    again = desk.submit(desk.get(f"{PLACE}/reports").form(f"{PLACE}/reports"), **sent, rows="2", currency="EUR", net="36.40")
    assert "checked" in again.text and "€36.40" in again.text, "read as the last one of this source was"
    desk.submit(again.form(f"{again.address}/import"))
    work()
    assert "2 lines were new" in desk.get(again.address).text
    desk.get(f"{again.address}/columns", status=404)
    assert make_staff(app, "reviewer").browser().get(place, status=None).status in (403, 404)


def test_a_workbook_that_cannot_be_read_is_refused_at_its_field(desk: Browser) -> None:
    sent = {"what": "report", "source": "sandbox", "file": (io.BytesIO(b"PK\x03\x04nothing"), "march.xlsx")}
    page = desk.submit(desk.get(f"{PLACE}/reports").form(f"{PLACE}/reports"), status=422, **sent)
    assert "damaged" in " ".join(page.error_summary)
