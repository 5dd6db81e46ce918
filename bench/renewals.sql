INSERT INTO subscriptions (vendor_id, mode, id, public_id, subscriber, payer_email, status, tier, currency, today, due_at, lapse_at, period_start,
    period_end, state, events, followed, ahead_seconds, began_at)
  SELECT s.vendor_id, s.mode, uuidv7(), 'sub_' || right(v.name, 22), v.name, 'payer@example.com', s.status, s.tier, s.currency, '2026-11-30',
      '2026-12-01 00:00+00', NULL, s.period_start, s.period_end, %(state)s::jsonb || jsonb_build_object('key', 'sub_' || right(v.name, 22)),
      s.events, s.followed, 0, s.began_at
    FROM subscriptions s CROSS JOIN subscriber v WHERE s.id = %(row)s AND s.vendor_id = %(house)s;

-- The limit for F10: the rows of one renewal written by one server-side function into tables of the same columns, checks and indexes,
-- with no trigger, no foreign key, no arithmetic and no look at who is asking. pgbench calls it.
CREATE SCHEMA ref;
CREATE TABLE ref.subscriptions (LIKE subscriptions INCLUDING ALL);
CREATE TABLE ref.subscription_events (LIKE subscription_events INCLUDING ALL);
CREATE TABLE ref.billing_documents (LIKE billing_documents INCLUDING ALL);
CREATE TABLE ref.billing_charges (LIKE billing_charges INCLUDING ALL);
CREATE TABLE ref.journals (LIKE journals INCLUDING ALL);
CREATE TABLE ref.entries (LIKE entries INCLUDING ALL);
CREATE TABLE ref.balances (LIKE balances INCLUDING ALL) WITH (fillfactor = 60);
CREATE TABLE ref.outbox (LIKE outbox INCLUDING ALL);
CREATE TABLE ref.ready (n bigint PRIMARY KEY, id uuid NOT NULL, name text NOT NULL, state jsonb NOT NULL, effects jsonb NOT NULL, body jsonb NOT NULL);
CREATE SEQUENCE ref.next;

CREATE FUNCTION ref.stock(count integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  TRUNCATE ref.subscriptions, ref.subscription_events, ref.billing_documents, ref.billing_charges, ref.journals, ref.entries, ref.balances, ref.outbox, ref.ready;
  INSERT INTO ref.subscriptions SELECT * FROM subscriptions WHERE today = '2026-12-01' AND mode = 'test' ORDER BY id DESC LIMIT count;
  INSERT INTO ref.ready
    SELECT row_number() OVER (), s.id, s.public_id, s.state, e.effects, d.body
      FROM ref.subscriptions s
      JOIN subscription_events e ON (e.vendor_id, e.mode, e.subscription_id) = (s.vendor_id, s.mode, s.id) AND e.on_day = '2026-12-01'
      JOIN billing_documents d ON (d.vendor_id, d.mode, d.subscription_id) = (s.vendor_id, s.mode, s.id) AND d.on_day = '2026-12-01'
      WHERE e.kind = 'midnight' AND d.origin = 'renewal';
  PERFORM setval('ref.next', 1, false);
END $$;

CREATE FUNCTION ref.renewal() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  house CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
  k bigint := nextval('ref.next');
  r ref.ready;
  s ref.subscriptions;
  earned uuid := uuidv7();
  billed uuid := uuidv7();
  part smallint := 1 + pg_backend_pid() % 64;
BEGIN
  SELECT * INTO STRICT r FROM ref.ready WHERE n = k;
  SELECT * INTO STRICT s FROM ref.subscriptions WHERE vendor_id = house AND mode = 'test' AND id = r.id FOR UPDATE;
  UPDATE ref.subscriptions SET state = r.state, today = '2026-12-01', due_at = due_at + interval '1 day', period_start = '2026-12-01',
      period_end = '2027-01-01', events = s.events + 1, followed = s.events + 1
    WHERE vendor_id = house AND mode = 'test' AND id = r.id;
  INSERT INTO ref.subscription_events (vendor_id, mode, id, subscription_id, seq, kind, on_day, given, effects, actor, at)
    VALUES (house, 'test', uuidv7(), r.id, s.events + 1, 'midnight', '2026-12-01', '{}', r.effects, 'system', now());
  INSERT INTO ref.billing_documents (vendor_id, mode, id, public_id, subscription_id, ordinal, kind, origin, state, on_day, currency, net_minor,
      tax_minor, gross_minor, body, seller, buyer, final_due_at, made_at)
    VALUES (house, 'test', uuidv7(), 'doc_' || r.id, r.id, 2, 'invoice', 'renewal', 'draft', '2026-12-01', 'GBP', 400, 0, 400, r.body,
            '{"id": "vnd_0000000000000000000000", "name": "The directory", "email": "", "country": "GB"}',
            '{"id": "vnd_0000000000000000000000", "name": "Market stall 12345", "email": "stall-12345@example.com", "country": "GB"}',
            now() + interval '50 minutes', now());
  INSERT INTO ref.billing_charges (vendor_id, mode, id, public_id, subscription_id, event_seq, place, documents, currency, amount_minor, attempt,
      state, due_at, made_at)
    VALUES (house, 'test', uuidv7(), 'chg_' || r.id, r.id, s.events + 1, 1, '{2}', 'GBP', 400, 1, 'wanted', now(), now());
  INSERT INTO ref.journals (vendor_id, mode, id, event_key, kind, n_legs, digest, about, effective_at, recorded_at)
    VALUES (house, 'test', earned, 'earn:' || r.name || ':3', 'service given', 2, md5(r.name), r.name, now(), now()),
           (house, 'test', billed, 'sub:' || r.name || ':3', 'invoice', 2, md5(r.name), r.name, now(), now());
  INSERT INTO ref.entries (vendor_id, mode, journal_id, leg, code, sub, currency, amount_minor, ref)
    VALUES (house, 'test', earned, 1, 2090, r.name, 'GBP', 400, ''), (house, 'test', earned, 2, 4020, '', 'GBP', -400, ''),
           (house, 'test', billed, 1, 1040, r.name, 'GBP', 400, ''), (house, 'test', billed, 2, 2090, r.name, 'GBP', -400, '');
  INSERT INTO ref.balances (vendor_id, mode, code, sub, currency, shard, amount_minor, floor_side)
    VALUES (house, 'test', 2090, r.name, 'GBP', part, -400, -1), (house, 'test', 4020, '', 'GBP', part, -400, 0), (house, 'test', 1040, r.name, 'GBP', part, 400, 1)
    ON CONFLICT (vendor_id, mode, code, sub, currency, shard) DO UPDATE SET amount_minor = ref.balances.amount_minor + excluded.amount_minor;
  INSERT INTO ref.outbox (vendor_id, id, queue, job, args, state, due_at, attempts, created_at)
    VALUES (house, uuidv7(), 'money', 'send_charges', jsonb_build_object('mode', 'test', 'subscription', r.id), 'waiting', now(), 0, now());
END $$;
