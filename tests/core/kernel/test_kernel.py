"""The small parts below everything: clock, ids, private settings, units of work and the outbox."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from core.kernel import clock, config, ids
from core.kernel import db as kernel_db
from core.kernel.config import BadSecrets, BadSetting, ensure_secrets, settings
from core.kernel.db import TransactionOpen, assert_no_transaction, db, finish_unit, on_commit, unit_begun, unit_of_work, whole_unit
from core.kernel.outbox import QUEUES, OutboxTask, enqueue, is_waiting

SPRING = datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)


# --- clock and ids -------------------------------------------------------------------------------------------------------


def test_a_frozen_clock_stands_still_and_goes_on_afterwards() -> None:
    with clock.frozen(SPRING):
        assert clock.now() == clock.now() == SPRING
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_clock_is_frozen_in_utc_whatever_zone_is_given() -> None:
    with clock.frozen(SPRING.astimezone()):
        assert clock.now() == SPRING and clock.now().tzinfo == UTC


def test_a_clock_is_not_frozen_at_an_unknown_zone() -> None:
    with pytest.raises(ValueError, match="aware"), clock.frozen(datetime(2026, 1, 1)):
        pass


def test_a_shifted_clock_runs_ahead() -> None:
    with clock.shifted(timedelta(days=3)):
        assert clock.now() - datetime.now(UTC) > timedelta(days=2, hours=23)


def test_a_row_id_is_a_version_7_uuid_that_begins_with_its_time() -> None:
    with clock.frozen(SPRING):
        made = ids.uuid7()
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == int(SPRING.timestamp() * 1000)


@pytest.mark.parametrize("step", [timedelta(milliseconds=1), timedelta(microseconds=1), timedelta(microseconds=37)])
def test_row_ids_sort_by_the_time_they_were_made(step: timedelta) -> None:
    made = []
    for number in range(2000):
        with clock.frozen(SPRING + number * step):
            made.append(ids.uuid7())
    assert made == sorted(made) and len(set(made)) == 2000
    assert ids.first_id_at(SPRING) <= made[0] and made[-1] < ids.first_id_at(SPRING + 2000 * step + timedelta(milliseconds=1))


def test_what_is_shown_outside_is_random_and_prefixed() -> None:
    made = {ids.public_id("pay") for _ in range(2_000)}
    assert len(made) == 2_000
    assert all(re.fullmatch(r"pay_[0-9A-Za-z]{22}", each) for each in made)


def test_a_spoken_reference_has_no_letter_that_is_misheard() -> None:
    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}", ids.spoken_reference()) for _ in range(500))


# --- private settings ----------------------------------------------------------------------------------------------------


def test_the_first_start_makes_secrets_only_we_can_read(tmp_path: Path) -> None:
    file = tmp_path / "var" / "secrets.json"
    made = ensure_secrets(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert ensure_secrets(file) == made
    assert [entry.name for entry in file.parent.iterdir()] == ["secrets.json"]


def test_two_installations_share_no_secret(tmp_path: Path) -> None:
    first, second = (ensure_secrets(tmp_path / name / "secrets.json") for name in "ab")
    assert all(first[name] != second[name] for name in first)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601, 0o610])
def test_secrets_that_others_can_read_stop_the_start(mode: int, tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    ensure_secrets(file)
    file.chmod(mode)
    with pytest.raises(BadSecrets, match="chmod 600"):
        ensure_secrets(file)


@pytest.mark.parametrize(
    "change",
    [{"session_key": "x" * 31}, {"session_key": ""}, {"signing_keys": []}, {"signing_keys": None}, {"signing_keys": [{"kid": "k1", "key": "short"}]},
     {"signing_keys": [{"kid": "k1", "key": "y" * 48}, {"kid": "k0", "key": "z" * 31}]}, {"signing_keys": [{"kid": "k1"}]}],
    ids=str,
)  # fmt: skip
def test_a_short_or_missing_key_stops_the_start(change: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text(json.dumps(ensure_secrets(tmp_path / "good.json") | change))
    file.chmod(0o600)
    with pytest.raises(BadSecrets, match="shorter than 32"):
        ensure_secrets(file)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '"x"', "\x00", '{"session_key": 7}', '{"session_key": null, "signing_keys": {"a": 1}}']
)
def test_a_broken_file_of_secrets_stops_the_start_in_words(text: str, tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(BadSecrets):
        ensure_secrets(file)


def test_settings_do_not_show_their_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = {
        "DATABASE_URL": "postgresql://portal:pa55-db@localhost/portal",
        "REDIS_URL": "redis://:pa55-redis@localhost",
        "SMTP_URL": "smtp://portal:pa55-smtp@localhost",
        "STRIPE_LIVE_SECRET_KEY": "sk_live_pa55",
        "STRIPE_TEST_WEBHOOK_SECRET": "whsec_pa55",
    }
    for name, value in {**hidden, "PORTAL_VAR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    config.settings.cache_clear()
    shown = config.settings()
    config.settings.cache_clear()
    assert "pa55" in shown.database_url
    assert shown.secrets["session_key"] not in repr(shown) and "pa55" not in repr(shown)


# --- units of work and the outbox ------------------------------------------------------------------------------------------


@pytest.fixture
def heard() -> Iterator[list[set[str]]]:
    """What was called out after each commit."""
    told: list[set[str]] = []
    on_commit(told.append)
    yield told
    kernel_db._after_commit.remove(told.append)


def mine(vendor: uuid.UUID) -> list[OutboxTask]:
    return list(db.session.scalars(select(OutboxTask).where(OutboxTask.vendor_id == vendor)))


def later(vendor: uuid.UUID, **more: Any) -> OutboxTask:
    """A task so far ahead that nobody does it in a test."""
    return enqueue("settle_attempt", vendor, **{"due_in": 10**6, **more})


def test_a_unit_happens_as_a_whole_or_not_at_all(unit: None) -> None:
    vendor = ids.uuid7()
    with pytest.raises(ZeroDivisionError), unit_of_work():
        later(vendor)
        db.session.flush()
        raise ZeroDivisionError
    with unit_of_work():
        assert mine(vendor) == []
        later(vendor)
    with unit_of_work():
        assert len(mine(vendor)) == 1


def test_workers_are_woken_only_after_the_commit(unit: None, heard: list[set[str]]) -> None:
    with unit_of_work():
        task = enqueue("settle_attempt", ids.uuid7(), queue="papers")
        db.session.flush()
        assert heard == []
    assert heard == [{"papers"}]
    with unit_of_work():
        db.session.delete(db.session.get(OutboxTask, (task.vendor_id, task.id)))


def test_a_unit_that_failed_wakes_nobody_not_even_with_the_next(unit: None, heard: list[set[str]]) -> None:
    with pytest.raises(ZeroDivisionError), unit_of_work():
        enqueue("settle_attempt", ids.uuid7())
        raise ZeroDivisionError
    with unit_of_work():
        later(ids.uuid7())
    assert heard == []


def test_a_commit_that_fails_wakes_nobody_and_leaves_a_usable_session(unit: None, heard: list[set[str]]) -> None:
    vendor = ids.uuid7()
    with pytest.raises(Exception, match="ck_outbox_state"), unit_of_work():
        enqueue("settle_attempt", vendor).state = "lost"
    with unit_of_work():
        assert mine(vendor) == []
    assert heard == []


def test_what_is_due_later_wakes_nobody_now(unit: None, heard: list[set[str]]) -> None:
    with unit_of_work():
        task = later(ids.uuid7(), due_in=60)
        assert task.due_at - task.created_at == timedelta(seconds=60)
    assert heard == []


def test_a_whole_unit_is_kept_by_itself_and_leaves_the_next_unit_one_that_can_be_thrown_away(unit: None) -> None:
    vendor = ids.uuid7()
    kept = whole_unit(
        """INSERT INTO outbox (vendor_id, id, queue, job, args, state, due_at, attempts, created_at)
           VALUES ($1, $2, 'money', 'settle_attempt', '{}', 'waiting', now() + interval '12 days', 0, now()) RETURNING vendor_id""",
        (vendor, ids.uuid7()),
    )
    assert kept == [(vendor,)] and not unit_begun()
    with pytest.raises(ZeroDivisionError), unit_of_work():
        later(vendor)
        db.session.flush()
        raise ZeroDivisionError
    with unit_of_work():
        assert len(mine(vendor)) == 1


def test_a_whole_unit_is_no_part_of_another(unit: None) -> None:
    with pytest.raises(TransactionOpen), unit_of_work():
        mine(ids.uuid7())
        whole_unit("SELECT 1", ())


def test_a_connection_lost_in_a_whole_unit_is_said_as_everywhere_and_replaced(unit: None) -> None:
    with pytest.raises(kernel_db.DATABASE_AWAY):
        whole_unit("SELECT pg_terminate_backend(pg_backend_pid())", ())
    assert whole_unit("SELECT 1", ()) == [(1,)]


def test_there_are_no_other_queues(unit: None) -> None:
    with pytest.raises(ValueError, match="no such queue"):
        enqueue("settle_attempt", ids.uuid7(), queue="default")
    assert "money" in QUEUES


def test_what_is_asked_for_already_can_be_told(unit: None) -> None:
    vendor, attempt = ids.uuid7(), ids.uuid7()
    with unit_of_work():
        later(vendor, attempt=str(attempt))
        asked = [is_waiting(job, who, attempt=what) for job, who, what in (
            ("settle_attempt", vendor, attempt), ("send_refund", vendor, attempt), ("settle_attempt", ids.uuid7(), attempt), ("settle_attempt", vendor, ids.uuid7()),
        )]  # fmt: skip
        assert [db.session.scalar(select(condition)) for condition in asked] == [True, False, False, False]
        mine(vendor)[0].state = "dead"
        db.session.flush()
        assert not db.session.scalar(select(asked[0]))


def test_nobody_outside_is_asked_inside_a_transaction(unit: None) -> None:
    assert_no_transaction()
    db.session.execute(select(1))
    with pytest.raises(TransactionOpen):
        assert_no_transaction()
    finish_unit(keep=False)
    assert_no_transaction()


@pytest.mark.parametrize(
    "said",
    [
        "https://pay.example.com:99999", "https://pay.example.com:0", "https://pay.example.com:http", "ftp://pay.example.com", "pay.example.com",
        "https://", "https://[::1", "https://pay.example.com?x=1", "https://me:secret@pay.example.com", "https://pay example.com", "",
    ],
)  # fmt: skip
def test_an_address_of_ours_that_no_browser_could_open_is_refused_at_the_start(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", said)
    with pytest.raises(BadSetting, match="PUBLIC_URL"):
        settings.__wrapped__()
    for good in ("https://pay.example.com", "http://127.0.0.1:8213/", "https://[2001:db8::1]:8443", "https://bücher.example"):
        monkeypatch.setenv("PUBLIC_URL", good)
        assert settings.__wrapped__().public_url == good.rstrip("/")
