"""What monitoring reads: the same figures as the staff's page, to nobody who may not, and named as in the rules for alarms."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core.hooks.relay import feeds_to_relay, relay
from core.kernel.clock import shifted
from core.kernel.config import settings
from core.kernel.outbox import enqueue
from core.ledger.proof import record_proof, take_up_new_books
from core.web.metrics import figures
from core.web.vitals import concerns, take_vitals
from tests.factories import Shop, make_paid, make_payment, make_shop, out_of_sight, unit
from tests.portal.admin.people import make_staff
from workers.runner import _say_that_it_goes

ROOT = Path(__file__).resolve().parents[3]
LINE = re.compile(r'(portal_[a-z_]+(?:\{[a-z]+="[a-z]+"(?:,[a-z]+="[a-z]+")*\})?) (\d+)')


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)


def read(client: FlaskClient, **headers: str) -> dict[str, int]:
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200 and answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    told = {}
    for line in answer.text.splitlines():
        if not line.startswith("#"):
            match = LINE.fullmatch(line)
            assert match, line
            told[match[1]] = int(match[2])
    return told


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    yield monkeypatch
    monkeypatch.undo()
    settings.cache_clear()


def test_without_a_token_only_this_machine_reads_and_never_through_a_proxy(client: FlaskClient) -> None:
    assert read(client)["portal_valkey_up"] == 1
    for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
        assert client.get("/metrics", headers={name: "127.0.0.1"}).status_code == 404, name
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 404
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "not an address"}).status_code == 404


def test_with_a_token_only_whoever_brings_it_reads_also_on_this_machine(client: FlaskClient, setting: pytest.MonkeyPatch) -> None:
    setting.setenv("HEALTH_TOKEN", "wx-operator-token")
    settings.cache_clear()
    for brought in ("", "Bearer wrong", "Basic wx-operator-token", "Bearer "):
        assert client.get("/metrics", headers={"Authorization": brought}).status_code == 404, brought
    far = client.get("/metrics", headers={"Authorization": "Bearer wx-operator-token"}, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert far.status_code == 200


def test_a_violated_invariant_is_a_figure_and_an_alarm_until_it_is_mended(app: Flask, client: FlaskClient, shop: Shop) -> None:
    make_paid(shop)
    with unit(app):
        take_up_new_books()
    before = read(client)
    with unit(app):
        record_proof(shop.vendor.id, "test", ["journal 1 does not come to zero", "a balance is not its entries"], took=timedelta(0))
    told = read(client)
    assert told["portal_ledger_violations"] == before["portal_ledger_violations"] + 2
    assert told['portal_ledger_broken_books{book="test"}'] == before['portal_ledger_broken_books{book="test"}'] + 1
    assert told["portal_concerns"] >= 1
    page = make_staff(app, "finance").browser().get("/staff/health")
    assert "broken" in page.text and "Money of these books must not move" in page.text
    with unit(app):
        record_proof(shop.vendor.id, "test", [], took=timedelta(0))
    assert read(client)["portal_ledger_violations"] == before["portal_ledger_violations"]


def test_work_that_waits_too_long_stands_on_the_staffs_first_page(app: Flask, client: FlaskClient, shop: Shop) -> None:
    with unit(app):
        out_of_sight()
        enqueue("send_message", shop.vendor.id, queue="messages", mode="test", message="none")
    browser = make_staff(app, "reviewer").browser()
    assert "Letters wait too long" not in browser.get("/staff/").text
    with shifted(timedelta(minutes=15)):
        told = read(client)
        assert told['portal_tasks_due{queue="messages"}'] == told["portal_letters_due"] == 1
        assert 900 <= told['portal_tasks_oldest_seconds{queue="messages"}'] < 1000
        assert told['portal_tasks_due{queue="money"}'] == 0
        assert "Letters wait too long" in browser.get("/staff/").text
        page = browser.get("/staff/health")
        assert "1 due, the oldest for 15 minutes" in page.text and "Letters wait too long" in page.text
    with unit(app):
        out_of_sight()


def test_a_clock_that_stands_still_is_noticed(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        _say_that_it_goes()
    assert read(client)["portal_clock_age_seconds"] < 30
    with shifted(timedelta(minutes=5)):
        assert read(client)["portal_clock_age_seconds"] >= 300
        with unit(app):
            assert "clock" in concerns(take_vitals())


def test_a_sender_of_webhooks_that_stands_still_is_noticed(app: Flask, client: FlaskClient, shop: Shop) -> None:
    make_payment(shop)
    with shifted(timedelta(minutes=10)):
        assert read(client)["portal_events_oldest_seconds"] >= 600
        assert "Vendors’ software hears nothing" in make_staff(app, "reviewer").browser().get("/staff/health").text
        with unit(app):
            while feeds := feeds_to_relay():
                for feed in feeds:
                    relay(*feed)
            assert "hooks" not in concerns(take_vitals())


def test_a_backup_says_that_it_is_done_by_touching_a_file(
    app: Flask, client: FlaskClient, setting: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stamp = tmp_path / "backed-up"
    with unit(app):
        assert "backup" not in concerns(take_vitals()), "nobody said where"
    setting.setenv("BACKUP_STAMP", str(stamp))
    settings.cache_clear()
    assert "portal_backup_age_seconds" not in read(client)
    with unit(app):
        assert "backup" in concerns(take_vitals()), "it has never been heard"
    stamp.touch()
    assert read(client)["portal_backup_age_seconds"] < 60
    with unit(app):
        assert "backup" not in concerns(take_vitals())
    old = stamp.stat().st_mtime - 28 * 3600
    os.utime(stamp, (old, old))
    with unit(app):
        assert "backup" in concerns(take_vitals())


def test_the_rules_for_alarms_name_figures_that_exist(app: Flask) -> None:
    named = set(re.findall(r"portal_[a-z_]+", (ROOT / "ops" / "alerts.yaml").read_text()))
    with unit(app):
        known = {name for name, _, _ in figures(take_vitals())}
    assert named and named <= known
