-- The limit for F1: the rows of one capture written by one server-side function into tables of the same columns, checks and
-- indexes, with no trigger, no foreign key and no look at who is asking. pgbench calls it.

CREATE SCHEMA ref;
CREATE TABLE ref.payments (LIKE payments INCLUDING ALL);
CREATE TABLE ref.attempts (LIKE attempts INCLUDING ALL);
CREATE TABLE ref.payment_events (LIKE payment_events INCLUDING ALL);
CREATE TABLE ref.journals (LIKE journals INCLUDING ALL);
CREATE TABLE ref.entries (LIKE entries INCLUDING ALL);
CREATE TABLE ref.balances (LIKE balances INCLUDING ALL) WITH (fillfactor = 60);
CREATE TABLE ref.outbox (LIKE outbox INCLUDING ALL);
CREATE TABLE ref.event_drafts (LIKE event_drafts INCLUDING ALL);
CREATE TABLE ref.waiting (n bigint PRIMARY KEY, vendor_id uuid NOT NULL, payment_id uuid NOT NULL, attempt_id uuid NOT NULL);
CREATE SEQUENCE ref.next;

CREATE FUNCTION ref.capture() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  k bigint := nextval('ref.next');
  w ref.waiting;
  p ref.payments;
  journal uuid := uuidv7();
  charge_id text := 'ch_' || journal;
  part smallint := 1 + pg_backend_pid() % 999;
BEGIN
  SELECT * INTO STRICT w FROM ref.waiting WHERE n = k;
  SELECT * INTO STRICT p FROM ref.payments WHERE vendor_id = w.vendor_id AND mode = 'test' AND id = w.payment_id;
  UPDATE ref.payments SET state = 'succeeded', captured_minor = p.amount_minor, captured_at = now(), available_at = now() + interval '7 days',
      charge = charge_id, card_brand = 'visa', card_last4 = '4242', updated_at = now(), version = p.version + 1
    WHERE vendor_id = w.vendor_id AND mode = 'test' AND id = w.payment_id;
  UPDATE ref.attempts SET state = 'succeeded', next_inquiry_at = NULL, updated_at = now()
    WHERE vendor_id = w.vendor_id AND mode = 'test' AND id = w.attempt_id;
  INSERT INTO ref.payment_events (vendor_id, mode, payment_id, seq, kind, from_state, to_state, actor, cause, detail, at)
    VALUES (w.vendor_id, 'test', w.payment_id, p.version + 1, 'payment.succeeded', p.state, 'succeeded', 'provider', 'evt_reference',
            '{"charge": "ch_reference", "currency": "GBP", "amount_minor": 10000}', now());
  INSERT INTO ref.event_drafts (vendor_id, mode, type, subject, at) VALUES (w.vendor_id, 'test', 'payment.succeeded', w.payment_id::text, now());
  INSERT INTO ref.journals (vendor_id, mode, id, event_key, kind, n_legs, digest, about, effective_at, recorded_at)
    VALUES (w.vendor_id, 'test', journal, 'cap:sandbox:' || charge_id || ':1', 'capture', 3, md5(charge_id), p.public_id, now(), now());
  INSERT INTO ref.entries (vendor_id, mode, journal_id, leg, code, sub, currency, amount_minor, ref)
    VALUES (w.vendor_id, 'test', journal, 1, 1010, 'sandbox', 'GBP', 10000, ''), (w.vendor_id, 'test', journal, 2, 2010, '', 'GBP', -9850, ''),
           (w.vendor_id, 'test', journal, 3, 4010, '', 'GBP', -150, '');
  INSERT INTO ref.balances (vendor_id, mode, code, sub, currency, shard, amount_minor, floor_side)
    VALUES (w.vendor_id, 'test', 1010, 'sandbox', 'GBP', part, 10000, 0), (w.vendor_id, 'test', 2010, '', 'GBP', part, -9850, -1),
           (w.vendor_id, 'test', 4010, '', 'GBP', part, -150, 0)
    ON CONFLICT (vendor_id, mode, code, sub, currency, shard) DO UPDATE SET amount_minor = ref.balances.amount_minor + excluded.amount_minor;
  INSERT INTO ref.outbox (vendor_id, id, queue, job, args, state, due_at, attempts, created_at)
    VALUES (w.vendor_id, uuidv7(), 'money', 'payment_settled', '{"mode": "test", "payment": "0190a000-0000-7000-8000-000000000000"}',
            'waiting', now(), 0, now());
END $$;
