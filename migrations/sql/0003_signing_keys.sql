-- The keys that sign. What state one is in follows from its times; `sealed` is the private key, encrypted, and is
-- gone when the key is over. Of several nodes one makes the next generation. What was in `secret_key` before is taken
-- over when a server starts; the secret behind the pairwise subjects stays there.

CREATE TABLE signing_key (
    kid         TEXT   NOT NULL PRIMARY KEY,
    algorithm   TEXT   NOT NULL CHECK (algorithm IN ('RS256', 'PS256', 'ES256', 'EdDSA')),
    generation  BIGINT NOT NULL,
    sealed      TEXT,
    created_at  BIGINT NOT NULL,
    active_from BIGINT NOT NULL,
    ended_at    BIGINT,
    UNIQUE (algorithm, generation)
);
