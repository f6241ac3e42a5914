-- Where this ledger was copied from and to. The last row says whether it may be used.
CREATE TABLE moves (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    -- `from`: this is the copy. `to`: it was copied, and letters leave from the copy. `back`: the owner uses it again.
    direction  TEXT    NOT NULL,
    -- The other ledger: its identity (of `from`) and its place (of the others).
    ledger     TEXT    NOT NULL,
    place      TEXT    NOT NULL,
    CONSTRAINT direction_is_known CHECK (direction = 'from' OR direction = 'to' OR direction = 'back')
) STRICT;
