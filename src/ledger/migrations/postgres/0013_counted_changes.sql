-- To find what belongs to a person: hashes of their addresses, and what imports did to them.
CREATE INDEX subscriber_hashes_by_subscriber ON subscriber_hashes (subscriber);
CREATE INDEX import_changes_by_subscriber ON import_changes (subscriber);

-- A statement that changes many rows is counted once, by their number: each version of the counter that a transaction leaves behind
-- makes the next count slower.
CREATE FUNCTION count_new_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE counters SET value = value + (SELECT count(*) FROM new_rows) WHERE name = TG_ARGV[0]
    AND EXISTS (SELECT 1 FROM new_rows);
    RETURN NULL;
END $$;

CREATE FUNCTION count_old_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE counters SET value = value + (SELECT count(*) FROM old_rows) WHERE name = TG_ARGV[0]
    AND EXISTS (SELECT 1 FROM old_rows);
    RETURN NULL;
END $$;

DROP TRIGGER suppression_changed ON suppressions;
CREATE TRIGGER suppressions_added AFTER INSERT ON suppressions REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_new_rows('suppressions');
CREATE TRIGGER suppressions_changed AFTER UPDATE ON suppressions REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_new_rows('suppressions');
CREATE TRIGGER suppressions_removed AFTER DELETE ON suppressions REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_old_rows('suppressions');

DROP TRIGGER suppressed_hash_changed ON suppressed_hashes;
CREATE TRIGGER suppressed_hashes_added AFTER INSERT ON suppressed_hashes REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_new_rows('suppressed_hashes');
CREATE TRIGGER suppressed_hashes_changed AFTER UPDATE ON suppressed_hashes REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_new_rows('suppressed_hashes');
CREATE TRIGGER suppressed_hashes_removed AFTER DELETE ON suppressed_hashes REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_old_rows('suppressed_hashes');

-- Nothing else runs it.
DROP FUNCTION count_change();
