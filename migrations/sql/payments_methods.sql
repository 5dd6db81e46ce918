-- The end of a payment as in capture.sql, and with it through whom and how it was paid.
--    given: as there, and for each item provider (who took the money), method and kind (what was really used; without a kind what the
--           payer had chosen stays) and funding (credit, debit or prepaid).
CREATE OR REPLACE FUNCTION settle_payments(given jsonb) RETURNS text[] LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  i record;
  p record;
  done bigint[];
  fees boolean;
  results text[] := array_fill('settled'::text, ARRAY[jsonb_array_length(given)]);
BEGIN
  IF EXISTS (  -- a replay ends here, without a lock and without a word written
    SELECT FROM jsonb_to_recordset(given) AS t(vendor_id uuid, mode text, payment_id uuid)
    JOIN payments r ON r.vendor_id = t.vendor_id AND r.mode = t.mode AND r.id = t.payment_id AND r.state <> 'succeeded'
  ) THEN
    WITH told AS MATERIALIZED (
      SELECT * FROM ROWS FROM (jsonb_to_recordset(given) AS (
        vendor_id uuid, mode text, payment_id uuid, attempt_id uuid, captured bigint, currency text, charge text, brand text, last4 text,
        provider text, method text, kind text, funding text, fee bigint, at timestamptz, available_at timestamptz, actor text, cause text, task_id uuid, journals jsonb
      )) WITH ORDINALITY AS x(
        vendor_id, mode, payment_id, attempt_id, captured, currency, charge, brand, last4,
        provider, method, kind, funding, fee, at, available_at, actor, cause, task_id, journals, n)
    ), held AS MATERIALIZED (  -- locked in the order in which everybody locks
      SELECT t.*, r.state AS before, r.version FROM told t
      JOIN payments r ON r.vendor_id = t.vendor_id AND r.mode = t.mode AND r.id = t.payment_id
      WHERE r.state <> 'succeeded' AND r.currency = t.currency AND r.amount_minor = t.captured
      ORDER BY t.vendor_id, t.mode, t.payment_id, t.n FOR UPDATE OF r
    ), paid AS (  -- a payment that is named twice is changed once, and only that once is booked
      UPDATE payments r SET state = 'succeeded', captured_minor = h.captured, captured_at = h.at, available_at = h.available_at,
          charge = h.charge, card_brand = h.brand, card_last4 = h.last4, card_funding = h.funding,
          provider = coalesce(h.provider, r.provider), method_kind = h.kind,
          method = CASE WHEN h.kind IS NULL THEN coalesce(h.method, r.method) ELSE h.method END, processor_fee_minor = h.fee, decline_code = NULL,
          holds_place = r.link_id IS NOT NULL, updated_at = h.at, version = h.version + CASE WHEN h.fee IS NULL THEN 1 ELSE 2 END
        FROM held h WHERE r.vendor_id = h.vendor_id AND r.mode = h.mode AND r.id = h.payment_id
        RETURNING h.*
    ), tried AS (
      UPDATE attempts a SET state = 'succeeded', next_inquiry_at = NULL, updated_at = d.at
        FROM paid d WHERE a.vendor_id = d.vendor_id AND a.mode = d.mode AND a.id = d.attempt_id AND a.state <> 'succeeded'
    ), history AS (
      INSERT INTO payment_events (vendor_id, mode, payment_id, seq, kind, from_state, to_state, actor, cause, detail, at)
        SELECT vendor_id, mode, payment_id, version + 1, 'payment.succeeded', before, 'succeeded', actor, cause,
               jsonb_build_object('amount_minor', captured, 'currency', currency, 'charge', charge), at FROM paid
    ), follows AS (
      INSERT INTO outbox (vendor_id, id, queue, job, args, state, due_at, attempts, created_at)
        SELECT vendor_id, task_id, 'money', 'payment_settled', jsonb_build_object('mode', mode, 'payment', payment_id), 'waiting', at, 0, at
        FROM paid
    ), booked AS (
      INSERT INTO journals (vendor_id, mode, id, event_key, kind, n_legs, digest, about, effective_at, recorded_at)
        SELECT vendor_id, mode, (j ->> 'id')::uuid, j ->> 'event_key', j ->> 'kind', jsonb_array_length(j -> 'legs'), j ->> 'digest',
               j ->> 'about', (j ->> 'effective_at')::timestamptz, clock_timestamp()
        FROM paid, jsonb_array_elements(journals) AS j
    ), moved AS (
      INSERT INTO entries (vendor_id, mode, journal_id, leg, code, sub, currency, amount_minor, ref)
        SELECT d.vendor_id, d.mode, (j ->> 'id')::uuid, l.n, (l.leg ->> 0)::smallint, l.leg ->> 1, l.leg ->> 2, (l.leg ->> 3)::bigint, l.leg ->> 4
        FROM paid d, jsonb_array_elements(journals) AS j, jsonb_array_elements(j -> 'legs') WITH ORDINALITY AS l(leg, n)
    )
    SELECT array_agg(n), bool_or(fee IS NOT NULL) INTO done, fees FROM paid;
    IF fees THEN
      INSERT INTO payment_events (vendor_id, mode, payment_id, seq, kind, actor, cause, detail, at)
        SELECT t.vendor_id, t.mode, t.payment_id, r.version, 'fee.recorded', 'provider', t.fee_reference,
               jsonb_build_object('amount_minor', t.fee, 'currency', t.currency), t.at
        FROM unnest(done) AS n, jsonb_to_record(given -> (n - 1)::integer) AS t(
          vendor_id uuid, mode text, payment_id uuid, currency text, fee bigint, fee_reference text, at timestamptz)
        JOIN payments r ON r.vendor_id = t.vendor_id AND r.mode = t.mode AND r.id = t.payment_id
        WHERE t.fee IS NOT NULL;
    END IF;
    IF cardinality(done) = cardinality(results) THEN
      RETURN results;
    END IF;
  END IF;
  FOR i IN
    SELECT * FROM ROWS FROM (jsonb_to_recordset(given) AS (
      vendor_id uuid, mode text, payment_id uuid, attempt_id uuid, charge text, brand text, kind text, fee bigint, at timestamptz
    )) WITH ORDINALITY AS x(vendor_id, mode, payment_id, attempt_id, charge, brand, kind, fee, at, n)
    WHERE done IS NULL OR n <> ALL (done)
  LOOP
    SELECT state, charge, card_brand, method_kind, processor_fee_minor INTO p FROM payments
      WHERE vendor_id = i.vendor_id AND mode = i.mode AND id = i.payment_id;
    results[i.n] := CASE
      WHEN NOT FOUND THEN 'unknown_payment'
      WHEN p.state <> 'succeeded' THEN 'mismatch'
      WHEN p.charge IS DISTINCT FROM i.charge THEN 'second_charge'
      WHEN (p.card_brand IS NULL AND i.brand IS NOT NULL) OR (p.method_kind IS NULL AND i.kind IS NOT NULL) OR (p.processor_fee_minor IS NULL AND i.fee IS NOT NULL) THEN 'incomplete'
      ELSE 'already' END;
    IF results[i.n] IN ('already', 'incomplete') AND i.attempt_id IS NOT NULL THEN  -- it took this money: nobody need ask about it again
      UPDATE attempts SET state = 'succeeded', next_inquiry_at = NULL, updated_at = i.at
        WHERE vendor_id = i.vendor_id AND mode = i.mode AND id = i.attempt_id AND state <> 'succeeded';
    END IF;
  END LOOP;
  RETURN results;
END $$;
