"""Whoever gets hold of the application's database role gets no further than the application: no schema, no files, no other roles."""

from __future__ import annotations

import psycopg
import pytest


@pytest.fixture
def raw(app, services, worker):
    """A bare connection of the application's role; nothing it does is kept."""
    with psycopg.connect(services.database_url(f"portal_{worker}").replace("+psycopg", "")) as connection:
        yield connection
        connection.rollback()


def test_the_role_cannot_touch_what_guards_the_books(raw):
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
