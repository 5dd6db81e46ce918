-- The money path, made cheap: the same checks as before, in fewer statements. Each replaces the function of its name.

-- 1. The row of a balance that this database session adds to. Numbers go by the session's slot, lowest first, so two sessions share one
--    only when more than 64 are connected at once; by process number any two of 32 met in one run out of eight.
CREATE FUNCTION ledger_shard() RETURNS smallint LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  shard smallint := substring(current_setting('portal.ledger_shard', true) FROM '^[1-9][0-9]?$')::smallint;
BEGIN
  IF shard IS NULL OR shard > 64 THEN
    SELECT 1 + (slot - 1) % 64 INTO shard FROM pg_stat_get_backend_idset() AS slot WHERE pg_stat_get_backend_pid(slot) = pg_backend_pid();
    shard := coalesce(shard, 1 + pg_backend_pid() % 64);
    PERFORM set_config('portal.ledger_shard', shard::text, false);  -- whoever sets it by hand may wait for others, and changes no sum
  END IF;
  RETURN shard;
END $$;

-- 2. When entries arrive. If every leg belongs where it says and no guarded account gives anything, which is so for every capture, all
--    balances follow in one statement. Anything else goes account by account.
CREATE OR REPLACE FUNCTION book_entries() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  e record;
  held bigint;
  gathered smallint[];
  own smallint := ledger_shard();
BEGIN
  INSERT INTO balances (vendor_id, mode, code, sub, currency, shard, amount_minor, floor_side)
    SELECT vendor_id, mode, code, sub, currency, own, amount, floor_side FROM (
      SELECT a.*, bool_and(belongs AND (floor_side = 0 OR amount * floor_side > 0)) OVER () AS plain FROM (
        SELECT f.vendor_id, f.mode, f.code, f.sub, f.currency, sum(f.amount_minor)::bigint AS amount,
               CASE WHEN NOT c.floor THEN 0 WHEN c.side = 'D' THEN 1 ELSE -1 END AS floor_side,
               bool_and(coalesce(j.xid = pg_current_xact_id() AND f.leg BETWEEN 1 AND j.n_legs AND c.code IS NOT NULL, false)) AS belongs
        FROM fresh f
        LEFT JOIN journals j ON j.vendor_id = f.vendor_id AND j.mode = f.mode AND j.id = f.journal_id
        LEFT JOIN ledger_chart c ON c.code = f.code
        GROUP BY f.vendor_id, f.mode, f.code, f.sub, f.currency, c.floor, c.side
        ORDER BY f.vendor_id, f.mode, f.code, f.sub, f.currency
      ) a
    ) b WHERE plain
    ON CONFLICT (vendor_id, mode, code, sub, currency, shard) DO UPDATE SET amount_minor = balances.amount_minor + excluded.amount_minor;
  IF FOUND THEN
    RETURN NULL;
  END IF;
  FOR e IN
    SELECT f.vendor_id, f.mode, f.code, f.sub, f.currency, sum(f.amount_minor)::bigint AS amount,
           CASE WHEN NOT c.floor THEN 0 WHEN c.side = 'D' THEN 1 ELSE -1 END AS floor_side,
           bool_and(coalesce(j.xid = pg_current_xact_id() AND f.leg BETWEEN 1 AND j.n_legs AND c.code IS NOT NULL, false)) AS belongs
    FROM fresh f
    LEFT JOIN journals j ON j.vendor_id = f.vendor_id AND j.mode = f.mode AND j.id = f.journal_id
    LEFT JOIN ledger_chart c ON c.code = f.code
    GROUP BY f.vendor_id, f.mode, f.code, f.sub, f.currency, c.floor, c.side
    ORDER BY f.vendor_id, f.mode, f.code, f.sub, f.currency
  LOOP
    IF NOT e.belongs THEN
      RAISE EXCEPTION 'an entry belongs to no open journal, no free leg or no account of the chart'
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF e.floor_side = 0 OR e.amount * e.floor_side > 0 THEN
      INSERT INTO balances (vendor_id, mode, code, sub, currency, shard, amount_minor, floor_side)
        VALUES (e.vendor_id, e.mode, e.code, e.sub, e.currency, own, e.amount, e.floor_side)
        ON CONFLICT (vendor_id, mode, code, sub, currency, shard) DO UPDATE SET amount_minor = balances.amount_minor + excluded.amount_minor;
      CONTINUE;
    END IF;
    -- Whoever takes queues here first. Only then is it looked up what there is, so that all that others took before is seen.
    PERFORM 1 FROM balances
      WHERE vendor_id = e.vendor_id AND mode = e.mode AND code = e.code AND sub = e.sub AND currency = e.currency AND shard = 0 FOR UPDATE;
    IF NOT FOUND THEN
      INSERT INTO balances (vendor_id, mode, code, sub, currency, shard, amount_minor, floor_side)
        VALUES (e.vendor_id, e.mode, e.code, e.sub, e.currency, 0, 0, e.floor_side)
        ON CONFLICT (vendor_id, mode, code, sub, currency, shard) DO NOTHING;
      PERFORM 1 FROM balances
        WHERE vendor_id = e.vendor_id AND mode = e.mode AND code = e.code AND sub = e.sub AND currency = e.currency AND shard = 0 FOR UPDATE;
    END IF;
    SELECT sum(b.amount_minor), array_agg(b.shard) INTO held, gathered FROM (
      SELECT shard, amount_minor FROM balances
      WHERE vendor_id = e.vendor_id AND mode = e.mode AND code = e.code AND sub = e.sub AND currency = e.currency
      ORDER BY shard FOR UPDATE
    ) b;
    IF (held + e.amount) * e.floor_side < 0 THEN
      RAISE EXCEPTION 'account % of this book holds % and cannot give %', e.code, abs(held), abs(e.amount)
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_balances_floor', TABLE = 'balances';
    END IF;
    -- Exactly the shards that were counted: one that came in since then keeps what it holds.
    UPDATE balances SET amount_minor = CASE shard WHEN 0 THEN held + e.amount ELSE 0 END
      WHERE vendor_id = e.vendor_id AND mode = e.mode AND code = e.code AND sub = e.sub AND currency = e.currency
        AND shard = ANY (gathered) AND (shard = 0 OR amount_minor <> 0);
  END LOOP;
  RETURN NULL;
END $$;

-- 3. At the end of the transaction a journal must be whole. One in a single currency, as nearly all are, is added up in one pass.
CREATE OR REPLACE FUNCTION journal_is_whole() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  legs integer;
  total numeric;
  lowest text;
  highest text;
  open_currencies integer;
BEGIN
  SELECT count(*), sum(amount_minor), min(currency), max(currency) INTO legs, total, lowest, highest FROM entries
    WHERE vendor_id = NEW.vendor_id AND mode = NEW.mode AND journal_id = NEW.id;
  IF legs = NEW.n_legs AND total = 0 AND lowest = highest AND NEW.xid = pg_current_xact_id() THEN
    RETURN NULL;
  END IF;
  SELECT coalesce(sum(n), 0), count(*) FILTER (WHERE open <> 0) INTO legs, open_currencies FROM (
    SELECT count(*) AS n, sum(amount_minor) AS open FROM entries
    WHERE vendor_id = NEW.vendor_id AND mode = NEW.mode AND journal_id = NEW.id GROUP BY currency
  ) per_currency;
  IF legs <> NEW.n_legs OR open_currencies <> 0 OR NEW.xid <> pg_current_xact_id() THEN
    RAISE EXCEPTION 'journal % (%) does not balance: % of % legs, % currencies open', NEW.id, NEW.event_key, legs, NEW.n_legs, open_currencies
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;

-- 4. The end of a payment, for one or for fifty in the same few statements.
--    given: [{vendor_id, mode, payment_id, attempt_id, captured, currency, charge, brand, last4, fee, fee_reference, at, available_at,
--             actor, cause, task_id, journals (as ledger_post takes them: the capture, and what the processor kept if `fee` says so)}, ...].
--    Answers, item by item:
--      settled | already (this very charge is booked) | incomplete (the same, but the row lacks a card or a fee that is known here)
--      | second_charge | mismatch | unknown_payment.
--    Only `settled` books. The last three write nothing, so that this may be a whole transaction by itself.
--    Tables are only ever reached by their keys: a plan made while they were small must not read them whole when they have grown.
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
        fee bigint, at timestamptz, available_at timestamptz, actor text, cause text, task_id uuid, journals jsonb
      )) WITH ORDINALITY AS x(
        vendor_id, mode, payment_id, attempt_id, captured, currency, charge, brand, last4,
        fee, at, available_at, actor, cause, task_id, journals, n)
    ), held AS MATERIALIZED (  -- locked in the order in which everybody locks
      SELECT t.*, r.state AS before, r.version FROM told t
      JOIN payments r ON r.vendor_id = t.vendor_id AND r.mode = t.mode AND r.id = t.payment_id
      WHERE r.state <> 'succeeded' AND r.currency = t.currency AND r.amount_minor = t.captured
      ORDER BY t.vendor_id, t.mode, t.payment_id, t.n FOR UPDATE OF r
    ), paid AS (  -- a payment that is named twice is changed once, and only that once is booked
      UPDATE payments r SET state = 'succeeded', captured_minor = h.captured, captured_at = h.at, available_at = h.available_at,
          charge = h.charge, card_brand = h.brand, card_last4 = h.last4, processor_fee_minor = h.fee, decline_code = NULL,
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
      vendor_id uuid, mode text, payment_id uuid, attempt_id uuid, charge text, brand text, fee bigint, at timestamptz
    )) WITH ORDINALITY AS x(vendor_id, mode, payment_id, attempt_id, charge, brand, fee, at, n)
    WHERE done IS NULL OR n <> ALL (done)
  LOOP
    SELECT state, charge, card_brand, processor_fee_minor INTO p FROM payments
      WHERE vendor_id = i.vendor_id AND mode = i.mode AND id = i.payment_id;
    results[i.n] := CASE
      WHEN NOT FOUND THEN 'unknown_payment'
      WHEN p.state <> 'succeeded' THEN 'mismatch'
      WHEN p.charge IS DISTINCT FROM i.charge THEN 'second_charge'
      WHEN (p.card_brand IS NULL AND i.brand IS NOT NULL) OR (p.processor_fee_minor IS NULL AND i.fee IS NOT NULL) THEN 'incomplete'
      ELSE 'already' END;
    IF results[i.n] IN ('already', 'incomplete') AND i.attempt_id IS NOT NULL THEN  -- it took this money: nobody need ask about it again
      UPDATE attempts SET state = 'succeeded', next_inquiry_at = NULL, updated_at = i.at
        WHERE vendor_id = i.vendor_id AND mode = i.mode AND id = i.attempt_id AND state <> 'succeeded';
    END IF;
  END LOOP;
  RETURN results;
END $$;
