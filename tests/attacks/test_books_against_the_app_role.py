"""Whoever gets hold of the application's database role must not get round the books: not by temporary tables of the same names either."""

from __future__ import annotations

import json
import secrets
import uuid

import psycopg
import pytest

from tests.factories import make_shop


@pytest.fixture
def raw(app, services, worker):
    """A bare connection of the application's role; nothing it does is kept."""
    with psycopg.connect(services.database_url(f"portal_{worker}").replace("+psycopg", "")) as connection:
        yield connection
        connection.rollback()


def post(raw, vendor, *legs):
    document = {
        "vendor_id": str(vendor.id), "mode": "live", "id": str(uuid.uuid4()), "event_key": f"attack:{secrets.token_hex(6)}",
        "kind": "attack", "about": "attack", "reverses": None, "effective_at": "2026-11-21T00:00:00Z", "digest": "d",
        "legs": [[code, "", "GBP", amount, ""] for code, amount in legs],
    }  # fmt: skip
    raw.execute("SELECT ledger_post(%s::jsonb)", (json.dumps([document]),))
    raw.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_temporary_chart_does_not_let_a_sellers_balance_go_below_zero(app, raw):
    vendor = make_shop(app).vendor
    raw.execute("CREATE TEMP TABLE ledger_chart AS SELECT code, side, false AS floor FROM public.ledger_chart")
    with pytest.raises(psycopg.errors.CheckViolation):
        post(raw, vendor, (2020, 5000), (2010, -5000))


def test_temporary_balances_do_not_keep_the_real_ones_from_following(app, raw):
    vendor = make_shop(app).vendor
    raw.execute("CREATE TEMP TABLE balances (LIKE public.balances INCLUDING ALL)")
    post(raw, vendor, (1010, 5000), (2010, -5000))
    found = raw.execute("SELECT code, amount_minor FROM public.balances WHERE vendor_id = %s ORDER BY code", (vendor.id,)).fetchall()
    assert found == [(1010, 5000), (2010, -5000)]


def test_temporary_entries_do_not_hide_a_journal_that_does_not_balance(app, raw):
    vendor = make_shop(app).vendor
    raw.execute("CREATE TEMP TABLE entries (LIKE public.entries)")
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        post(raw, vendor, (1010, 5000), (2010, -4000))


def test_the_role_cannot_touch_what_guards_the_books(app, raw):
    for statement in (
        "ALTER TABLE public.journals DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "CREATE TABLE public.mine (a int)",
        "CREATE OR REPLACE FUNCTION public.ledger_post(given jsonb) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "INSERT INTO public.balances VALUES (gen_random_uuid(), 'live', 2010, '', 'GBP', 0, 1, 0)",
        "INSERT INTO public.entries (vendor_id, mode, journal_id, leg, code, sub, currency, amount_minor, ref) "
        "VALUES (gen_random_uuid(), 'live', gen_random_uuid(), 1, 1010, '', 'GBP', 1, '')",
        "DELETE FROM public.payment_events",
        "UPDATE public.audit_entries SET actor = 'x'",
        "TRUNCATE public.audit_entries",
        "DROP TABLE public.outbox",
        "COPY public.users TO PROGRAM 'cat'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT rolpassword FROM pg_authid",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), raw.transaction():
            raw.execute(statement)
