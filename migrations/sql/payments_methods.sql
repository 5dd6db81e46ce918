-- The end of a payment in one round trip, as before, and with it through whom and how it was paid.

-- given: as in payments.sql, and for each item provider (who took the money), method and kind (what was really used; both may be
--        missing, then what the payer had chosen stays) and funding (credit, debit or prepaid).
CREATE OR REPLACE FUNCTION settle_payments(given jsonb) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  i record;
  p record;
  result text;
  results text[] := '{}';
  settled integer := 0;
  due jsonb := '[]';
BEGIN
  FOR i IN
    SELECT * FROM jsonb_to_recordset(given) AS x(
      vendor_id uuid, mode text, payment_id uuid, attempt_id uuid, captured bigint, currency text, charge text, brand text, last4 text,
      provider text, method text, kind text, funding text,
      at timestamptz, available_at timestamptz, actor text, cause text, task_id uuid, journal jsonb)
  LOOP
    SELECT state, charge, currency, amount_minor, version, link_id INTO p FROM payments
      WHERE vendor_id = i.vendor_id AND mode = i.mode AND id = i.payment_id FOR UPDATE;
    result := CASE
      WHEN NOT FOUND THEN 'unknown_payment'
      WHEN p.state = 'succeeded' AND p.charge = i.charge THEN 'already'
      WHEN p.state = 'succeeded' THEN 'second_charge'
      WHEN p.currency <> i.currency OR p.amount_minor <> i.captured THEN 'mismatch'
      ELSE 'settled' END;
    results := results || result;
    IF i.attempt_id IS NOT NULL AND result <> 'unknown_payment' THEN  -- it took money, whatever for: nobody need ask about it again
      UPDATE attempts SET state = 'succeeded', next_inquiry_at = NULL, updated_at = i.at
        WHERE vendor_id = i.vendor_id AND mode = i.mode AND id = i.attempt_id AND state <> 'succeeded';
    END IF;
    CONTINUE WHEN result <> 'settled';
    settled := settled + 1;
    due := due || i.journal;
    UPDATE payments SET state = 'succeeded', captured_minor = i.captured, captured_at = i.at, available_at = i.available_at, charge = i.charge,
        card_brand = i.brand, card_last4 = i.last4, card_funding = i.funding, provider = coalesce(i.provider, provider),
        method = CASE WHEN i.kind IS NULL THEN coalesce(i.method, method) ELSE i.method END, method_kind = i.kind,
        decline_code = NULL, holds_place = p.link_id IS NOT NULL, updated_at = i.at, version = p.version + 1
      WHERE vendor_id = i.vendor_id AND mode = i.mode AND id = i.payment_id;
    INSERT INTO payment_events (vendor_id, mode, payment_id, seq, kind, from_state, to_state, actor, cause, detail, at)
      VALUES (i.vendor_id, i.mode, i.payment_id, p.version + 1, 'payment.succeeded', p.state, 'succeeded', i.actor, i.cause,
              jsonb_build_object('amount_minor', i.captured, 'currency', i.currency, 'charge', i.charge), i.at);
    INSERT INTO outbox (vendor_id, id, queue, job, args, state, due_at, attempts, created_at)
      VALUES (i.vendor_id, i.task_id, 'money', 'payment_settled', jsonb_build_object('mode', i.mode, 'payment', i.payment_id),
              'waiting', i.at, 0, i.at);
  END LOOP;
  IF settled > 0 AND ledger_post(due) <> settled THEN
    RAISE EXCEPTION 'a payment was not paid, yet its capture is in the books' USING ERRCODE = 'unique_violation', CONSTRAINT = 'ledger_same_fact';
  END IF;
  RETURN results;
END $$;
