-- One payment by itself, as it is settled when a payer comes back or the clock has asked: the same end as settle_payments gives to many, in
-- plain statements. A batch pays for its machinery once; a single payment would pay for all of it.
-- given_journals as settle_payments takes them; answers what settle_payments answers for one item.

CREATE FUNCTION settle_payment(
  given_vendor uuid, given_mode text, given_payment uuid, given_attempt uuid, given_captured bigint, given_currency text, given_charge text,
  given_brand text, given_last4 text, given_provider text, given_method text, given_kind text, given_funding text, given_at timestamptz,
  given_available timestamptz, given_actor text, given_cause text, given_task uuid, given_journals jsonb, given_fee bigint, given_fee_reference text
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  p record;
  j jsonb;
BEGIN
  -- Looked at without a lock, and changed only as it was seen: whoever was quicker is looked at again. A replay writes nothing and waits for nobody.
  LOOP
    SELECT state, version, currency, amount_minor, charge, card_brand, method_kind, processor_fee_minor INTO p FROM payments
      WHERE vendor_id = given_vendor AND mode = given_mode AND id = given_payment;
    IF NOT FOUND THEN
      RETURN 'unknown_payment';
    ELSIF p.state = 'succeeded' THEN
      IF p.charge IS DISTINCT FROM given_charge THEN
        RETURN 'second_charge';
      END IF;
      UPDATE attempts SET state = 'succeeded', next_inquiry_at = NULL, updated_at = given_at  -- it took this money: nobody need ask about it again
        WHERE vendor_id = given_vendor AND mode = given_mode AND id = given_attempt AND state <> 'succeeded';
      RETURN CASE
        WHEN (p.card_brand IS NULL AND given_brand IS NOT NULL) OR (p.method_kind IS NULL AND given_kind IS NOT NULL)
          OR (p.processor_fee_minor IS NULL AND given_fee IS NOT NULL) THEN 'incomplete'
        ELSE 'already' END;
    ELSIF p.currency <> given_currency OR p.amount_minor <> given_captured THEN
      RETURN 'mismatch';
    END IF;
    UPDATE payments SET state = 'succeeded', captured_minor = given_captured, captured_at = given_at, available_at = given_available,
        charge = given_charge, card_brand = given_brand, card_last4 = given_last4, card_funding = given_funding,
        provider = coalesce(given_provider, provider), method_kind = given_kind,
        method = CASE WHEN given_kind IS NULL THEN coalesce(given_method, method) ELSE given_method END, processor_fee_minor = given_fee,
        decline_code = NULL, holds_place = link_id IS NOT NULL, updated_at = given_at,
        version = p.version + CASE WHEN given_fee IS NULL THEN 1 ELSE 2 END
      WHERE vendor_id = given_vendor AND mode = given_mode AND id = given_payment
        AND version = p.version AND state = p.state AND currency = given_currency AND amount_minor = given_captured;
    EXIT WHEN FOUND;
  END LOOP;
  WITH tried AS (
    UPDATE attempts SET state = 'succeeded', next_inquiry_at = NULL, updated_at = given_at
      WHERE vendor_id = given_vendor AND mode = given_mode AND id = given_attempt AND state <> 'succeeded'
  ), history AS (
    INSERT INTO payment_events (vendor_id, mode, payment_id, seq, kind, from_state, to_state, actor, cause, detail, at)
      VALUES (given_vendor, given_mode, given_payment, p.version + 1, 'payment.succeeded', p.state, 'succeeded', given_actor, given_cause,
              jsonb_build_object('amount_minor', given_captured, 'currency', given_currency, 'charge', given_charge), given_at)
  )
  INSERT INTO outbox (vendor_id, id, queue, job, args, state, due_at, attempts, created_at)
    VALUES (given_vendor, given_task, 'money', 'payment_settled', jsonb_build_object('mode', given_mode, 'payment', given_payment), 'waiting',
            given_at, 0, given_at);
  IF given_fee IS NOT NULL THEN
    INSERT INTO payment_events (vendor_id, mode, payment_id, seq, kind, actor, cause, detail, at)
      VALUES (given_vendor, given_mode, given_payment, p.version + 2, 'fee.recorded', 'provider', given_fee_reference,
              jsonb_build_object('amount_minor', given_fee, 'currency', given_currency), given_at);
  END IF;
  FOR n IN 0 .. jsonb_array_length(given_journals) - 1 LOOP
    j := given_journals -> n;
    WITH booked AS (
      INSERT INTO journals (vendor_id, mode, id, event_key, kind, n_legs, digest, about, effective_at, recorded_at)
        VALUES (given_vendor, given_mode, (j ->> 'id')::uuid, j ->> 'event_key', j ->> 'kind', jsonb_array_length(j -> 'legs'), j ->> 'digest',
                j ->> 'about', (j ->> 'effective_at')::timestamptz, clock_timestamp())
    )
    INSERT INTO entries (vendor_id, mode, journal_id, leg, code, sub, currency, amount_minor, ref)
      SELECT given_vendor, given_mode, (j ->> 'id')::uuid, l.n, (l.leg ->> 0)::smallint, l.leg ->> 1, l.leg ->> 2, (l.leg ->> 3)::bigint, l.leg ->> 4
      FROM jsonb_array_elements(j -> 'legs') WITH ORDINALITY AS l(leg, n);
  END LOOP;
  RETURN 'settled';
END $$;

-- The row of a balance that a session adds to is looked up once and remembered. What is remembered is read without a call of a function: this
-- one names no search path, so that PostgreSQL can put its text in place of the call, under the path of the trigger that asks.
ALTER FUNCTION ledger_shard() RENAME TO ledger_find_shard;
CREATE FUNCTION ledger_shard() RETURNS smallint LANGUAGE sql AS $$
  SELECT CASE WHEN current_setting('portal.ledger_shard', true) ~ '^([1-9]|[1-5][0-9]|6[0-4])$'
    THEN current_setting('portal.ledger_shard')::smallint ELSE ledger_find_shard() END
$$;
