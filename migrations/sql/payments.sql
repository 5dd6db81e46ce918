-- The end of a payment in one round trip: state, history, books and the work that follows, for one payment or fifty.

CREATE TRIGGER payment_events_keep BEFORE UPDATE OR DELETE ON payment_events FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payment_events_keep_all BEFORE TRUNCATE ON payment_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE payment_events ENABLE ALWAYS TRIGGER payment_events_keep;
ALTER TABLE payment_events ENABLE ALWAYS TRIGGER payment_events_keep_all;

-- given: [{n, vendor_id, mode, payment_id, attempt_id, amount, currency, charge, brand, last4, at, available_at, actor, cause, detail,
--          journal (as ledger_post takes it), tasks: [{id, queue, job, args}]}, ...]
-- Answers for each n: settled | already (this very charge is booked) | second_charge | mismatch | unknown_payment.
-- Only `settled` wrote anything. The same payment twice in one call is settled once.
CREATE FUNCTION settle_payments(given jsonb) RETURNS TABLE (item integer, result text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  items integer[];
  results text[];
  journals_due jsonb;
BEGIN
  PERFORM 1 FROM payments p
    JOIN jsonb_to_recordset(given) AS i(vendor_id uuid, mode text, payment_id uuid)
      ON p.vendor_id = i.vendor_id AND p.mode = i.mode AND p.id = i.payment_id
    ORDER BY p.vendor_id, p.mode, p.id FOR UPDATE OF p;

  WITH input AS MATERIALIZED (
    SELECT *, row_number() OVER (PARTITION BY vendor_id, mode, payment_id ORDER BY n) AS turn
    FROM jsonb_to_recordset(given) AS i(
      n integer, vendor_id uuid, mode text, payment_id uuid, attempt_id uuid, amount bigint, currency text, charge text, brand text, last4 text,
      at timestamptz, available_at timestamptz, actor text, cause text, detail jsonb, journal jsonb, tasks jsonb)
  ), verdict AS MATERIALIZED (
    SELECT i.*, p.state AS old_state, p.version + 1 AS seq,
      CASE
        WHEN p.id IS NULL THEN 'unknown_payment'
        WHEN p.state = 'succeeded' AND p.charge = i.charge THEN 'already'
        WHEN p.state = 'succeeded' THEN 'second_charge'
        WHEN p.currency <> i.currency OR p.amount_minor <> i.amount THEN 'mismatch'
        WHEN i.turn > 1 THEN 'already'
        ELSE 'settled'
      END AS verdict
    FROM input i LEFT JOIN payments p ON p.vendor_id = i.vendor_id AND p.mode = i.mode AND p.id = i.payment_id
  ), paid AS (
    UPDATE payments p SET state = 'succeeded', captured_minor = v.amount, captured_at = v.at, available_at = v.available_at, charge = v.charge,
        card_brand = v.brand, card_last4 = v.last4, decline_code = NULL, holds_place = p.link_id IS NOT NULL, updated_at = v.at, version = v.seq
    FROM verdict v WHERE v.verdict = 'settled' AND p.vendor_id = v.vendor_id AND p.mode = v.mode AND p.id = v.payment_id
  ), tried AS (
    UPDATE attempts a SET state = 'succeeded', next_inquiry_at = NULL, updated_at = v.at
    FROM verdict v WHERE v.verdict = 'settled' AND a.vendor_id = v.vendor_id AND a.mode = v.mode AND a.id = v.attempt_id
  ), told AS (
    INSERT INTO payment_events (vendor_id, mode, payment_id, seq, kind, from_state, to_state, actor, cause, detail, at)
    SELECT v.vendor_id, v.mode, v.payment_id, v.seq, 'payment.succeeded', v.old_state, 'succeeded', v.actor, v.cause, v.detail, v.at
    FROM verdict v WHERE v.verdict = 'settled'
  ), asked AS (
    INSERT INTO outbox (vendor_id, id, queue, job, args, state, due_at, attempts, created_at)
    SELECT v.vendor_id, t.id, t.queue, t.job, t.args, 'waiting', v.at, 0, v.at
    FROM verdict v, LATERAL jsonb_to_recordset(v.tasks) AS t(id uuid, queue text, job text, args jsonb)
    WHERE v.verdict = 'settled'
  )
  SELECT array_agg(v.n), array_agg(v.verdict), jsonb_agg(v.journal) FILTER (WHERE v.verdict = 'settled')
    INTO items, results, journals_due FROM verdict v;

  IF journals_due IS NOT NULL AND ledger_post(journals_due) <> jsonb_array_length(journals_due) THEN
    RAISE EXCEPTION 'a payment was not paid, yet its capture is in the books' USING ERRCODE = 'unique_violation', CONSTRAINT = 'ledger_same_fact';
  END IF;
  RETURN QUERY SELECT * FROM unnest(items, results);
END $$;
