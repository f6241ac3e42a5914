-- A reason of its own for people whose letters came back for now, too often.
ALTER TABLE suppressions DROP CONSTRAINT reason_is_known, ADD CONSTRAINT reason_is_known
    CHECK (reason IN ('unsubscribed', 'hard_bounce', 'soft_bounce', 'complaint', 'by_hand'));
ALTER TABLE suppressed_hashes DROP CONSTRAINT reason_is_known, ADD CONSTRAINT reason_is_known
    CHECK (reason IN ('unsubscribed', 'hard_bounce', 'soft_bounce', 'complaint', 'by_hand'));

CREATE OR REPLACE FUNCTION lower_subscriber() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    lowered text := CASE NEW.reason
        WHEN 'hard_bounce' THEN 'bounced' WHEN 'soft_bounce' THEN 'bounced'
        WHEN 'complaint' THEN 'complained' ELSE 'unsubscribed' END;
BEGIN
    INSERT INTO subscriber_history (subscriber, at, change, cause, actor)
    SELECT id, NEW.at, status || ' -> ' || lowered, NEW.reason || coalesce(': ' || NEW.note, ''), 'suppression'
    FROM subscribers WHERE key = NEW.key AND status IN ('pending', 'active', 'paused');
    UPDATE subscribers SET status = lowered, status_at = NEW.at, paused_until = NULL, version = version + 1
    WHERE key = NEW.key AND status IN ('pending', 'active', 'paused');
    RETURN NULL;
END $$;

UPDATE suppressions SET reason = 'soft_bounce'
WHERE reason = 'hard_bounce' AND EXISTS (
    SELECT 1 FROM bounces
    WHERE bounces.key = suppressions.key AND bounces.class = 'soft' AND bounces.effect = 'suppressed'
      AND bounces.read_at = suppressions.at);
