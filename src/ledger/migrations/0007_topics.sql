-- What the issue of a dispatch is about, with a comma between two topics; empty for one that is for everybody.
ALTER TABLE dispatches ADD COLUMN topics TEXT NOT NULL DEFAULT '';

-- People of the managed list who paused or turned a topic off. A letter to them is looked at once more before it begins: what
-- counts then is their row in `subscribers`.
CREATE TABLE restricted (
    key  TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

INSERT INTO counters (name, value) VALUES ('restricted', 0);
