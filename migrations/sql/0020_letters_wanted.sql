-- Letters that somebody was told are ordered, until they are. `sealed` says for whom; only the master key opens it, and a
-- row for somebody whom nobody knows looks like any other. A row is gone when what is to be done has been done.
CREATE TABLE letter_wanted (
    id         TEXT   NOT NULL PRIMARY KEY,
    sealed     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,
    attempts   BIGINT NOT NULL
);
CREATE INDEX letter_wanted_next_at ON letter_wanted (next_at);
