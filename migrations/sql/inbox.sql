-- A provider's event in one round trip: stored once, and the work of opening it asked for with it. The same event again is no news.

CREATE FUNCTION receive_event(given_provider text, given_mode text, given_event text, given_type text, given_raw text, at timestamptz, task_id uuid)
RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO provider_events (provider, mode, event_id, type, raw, received_at)
    VALUES (given_provider, given_mode, given_event, given_type, given_raw, at)
    ON CONFLICT (provider, mode, event_id) DO NOTHING;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  -- An unopened event belongs to no vendor yet: the nil id stands for the platform.
  INSERT INTO outbox (vendor_id, id, queue, job, args, state, due_at, attempts, created_at)
    VALUES ('00000000-0000-0000-0000-000000000000', task_id, 'money', 'open_provider_event',
            jsonb_build_object('provider', given_provider, 'mode', given_mode, 'event', given_event), 'waiting', at, 0, at);
  RETURN true;
END $$;
