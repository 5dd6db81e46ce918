"""The bank's tables in the store."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS bank_entries (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, currency TEXT NOT NULL, sign INTEGER NOT NULL, amount INTEGER NOT NULL,
  name TEXT NOT NULL, iban TEXT NOT NULL, reference TEXT NOT NULL, text TEXT NOT NULL, end_to_end TEXT NOT NULL,
  reversal INTEGER NOT NULL DEFAULT 0, returned TEXT NOT NULL DEFAULT '', booked_on TEXT NOT NULL, entered REAL NOT NULL, statement INTEGER);
CREATE INDEX IF NOT EXISTS bank_entries_open ON bank_entries (account, currency, statement);
CREATE TABLE IF NOT EXISTS bank_statements (
  account TEXT NOT NULL, currency TEXT NOT NULL, number INTEGER NOT NULL, identity TEXT NOT NULL, closing INTEGER NOT NULL,
  closed REAL NOT NULL, entries INTEGER NOT NULL, xml TEXT NOT NULL, PRIMARY KEY (account, currency, number));
CREATE TABLE IF NOT EXISTS bank_orders (
  account TEXT NOT NULL, end_to_end TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (account, end_to_end));
CREATE TABLE IF NOT EXISTS bank_answers (
  number INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, message TEXT NOT NULL, identity TEXT NOT NULL, story TEXT NOT NULL,
  orders INTEGER NOT NULL, refused INTEGER NOT NULL, xml TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS bank_answers_of ON bank_answers (account, number);
CREATE TABLE IF NOT EXISTS bank_closed (account TEXT NOT NULL, iban TEXT NOT NULL, PRIMARY KEY (account, iban));
"""
