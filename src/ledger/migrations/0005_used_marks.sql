-- Tokens in signed events of delivery services: each counts for one content only.
CREATE TABLE used_marks (
    -- The SHA-256 of the service and the token.
    mark     BLOB    PRIMARY KEY,
    -- The SHA-256 of what it came with.
    content  BLOB    NOT NULL,
    at       INTEGER NOT NULL,
    CONSTRAINT a_mark_is_a_digest CHECK (length(mark) = 32 AND length(content) = 32)
) STRICT, WITHOUT ROWID;

CREATE INDEX used_marks_by_age ON used_marks (at);
