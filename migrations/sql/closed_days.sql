-- A day that is closed takes no journal any more. Whoever posts late is moved on to the first day that is open, and what is written any other way
-- is refused. A payment of today asks nothing of all this: it is one comparison, without a call of a function.

-- The first moment at or after the given one that belongs to no closed day.
CREATE FUNCTION ledger_open_from(given_mode text, at timestamptz) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RETURN greatest(at, (SELECT (max(day) + 1)::timestamp AT TIME ZONE 'UTC' FROM ledger_days
                       WHERE mode = given_mode AND state IN ('closing', 'closed')));
END $$;

-- When a journal takes effect, and when it would have: two plain expressions that PostgreSQL puts in place of their calls.
CREATE FUNCTION ledger_effective(text, timestamptz) RETURNS timestamptz LANGUAGE sql AS $$
  SELECT CASE WHEN $2 < date_trunc('day', clock_timestamp(), 'UTC') THEN ledger_open_from($1, $2) ELSE $2 END
$$;
CREATE FUNCTION ledger_original(text, timestamptz) RETURNS timestamptz LANGUAGE sql AS $$
  SELECT CASE WHEN $2 < date_trunc('day', clock_timestamp(), 'UTC') AND ledger_open_from($1, $2) <> $2 THEN $2 END
$$;

-- Looked up after the row is written, by a statement of its own: its transaction has its number by then, so that whoever closes a day and waits for
-- all numbers given out before has waited for this one, or is seen by it. A snapshot from before would see too little.
CREATE FUNCTION refuse_closed_day() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'what took effect on an earlier day is booked in a transaction that reads what is committed'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF ledger_open_from(NEW.mode, NEW.effective_at) <> NEW.effective_at THEN
    RAISE EXCEPTION 'journal % (%) takes effect on %, and that day is closed', NEW.id, NEW.event_key, (NEW.effective_at AT TIME ZONE 'UTC')::date
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_day_closed';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER journals_not_back_dated AFTER INSERT ON journals FOR EACH ROW
  WHEN (NEW.effective_at < date_trunc('day', clock_timestamp(), 'UTC')) EXECUTE FUNCTION refuse_closed_day();
CREATE TRIGGER chain_links_keep BEFORE UPDATE OR DELETE ON chain_links FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER chain_links_keep_all BEFORE TRUNCATE ON chain_links FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER chain_anchors_keep BEFORE UPDATE OR DELETE ON chain_anchors FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER chain_anchors_keep_all BEFORE TRUNCATE ON chain_anchors FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER day_papers_keep BEFORE UPDATE OR DELETE ON day_papers FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER day_papers_keep_all BEFORE TRUNCATE ON day_papers FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_days_keep BEFORE UPDATE OR DELETE ON ledger_days FOR EACH ROW WHEN (OLD.state = 'closed') EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_days_keep_all BEFORE TRUNCATE ON ledger_days FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE journals ENABLE ALWAYS TRIGGER journals_not_back_dated;
ALTER TABLE chain_links ENABLE ALWAYS TRIGGER chain_links_keep;
ALTER TABLE chain_links ENABLE ALWAYS TRIGGER chain_links_keep_all;
ALTER TABLE chain_anchors ENABLE ALWAYS TRIGGER chain_anchors_keep;
ALTER TABLE chain_anchors ENABLE ALWAYS TRIGGER chain_anchors_keep_all;
ALTER TABLE day_papers ENABLE ALWAYS TRIGGER day_papers_keep;
ALTER TABLE day_papers ENABLE ALWAYS TRIGGER day_papers_keep_all;
ALTER TABLE ledger_days ENABLE ALWAYS TRIGGER ledger_days_keep;
ALTER TABLE ledger_days ENABLE ALWAYS TRIGGER ledger_days_keep_all;
