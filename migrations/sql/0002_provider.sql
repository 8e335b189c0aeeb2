-- The OpenID Provider: services, keys, refresh tokens.

-- `registration` is JSON with the field names that services know (client_name, redirect_uris ...).
CREATE TABLE client (
    id           TEXT   NOT NULL PRIMARY KEY,
    registration TEXT   NOT NULL,
    secret_hash  TEXT,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    removed_at   BIGINT
);

-- Private keys and the secret behind the pairwise subjects, encrypted.
CREATE TABLE secret_key (
    id         TEXT   NOT NULL PRIMARY KEY,
    purpose    TEXT   NOT NULL CHECK (purpose IN ('RS256', 'ES256', 'pairwise')),
    sealed     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    retired_at BIGINT
);
CREATE UNIQUE INDEX secret_key_active ON secret_key (purpose) WHERE retired_at IS NULL;

-- A refresh family is one grant; each use of its token makes the next one.
CREATE TABLE refresh_family (
    id       TEXT   NOT NULL PRIMARY KEY,
    client   TEXT   NOT NULL,
    sid      TEXT   NOT NULL,
    scope    TEXT   NOT NULL,
    subject  TEXT   NOT NULL,
    ends_at  BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX refresh_family_sid ON refresh_family (sid);
CREATE INDEX refresh_family_ends_at ON refresh_family (ends_at);

CREATE TABLE refresh_token (
    hash       TEXT   NOT NULL PRIMARY KEY,
    family     TEXT   NOT NULL REFERENCES refresh_family (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX refresh_token_family ON refresh_token (family);
