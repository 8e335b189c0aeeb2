-- Secrets that overlap while they are rotated, refresh tokens whose replay can be forgiven, and tokens bound to a key.

CREATE TABLE client_secret (
    client     TEXT   NOT NULL REFERENCES client (id) ON DELETE CASCADE,
    hash       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (client, hash)
);
-- Nobody was told that a secret ends: those that there are get ten years, and a new one 360 days. The column
-- `client.secret_hash` is not read or written any more.
INSERT INTO client_secret (client, hash, created_at, expires_at)
    SELECT id, secret_hash, updated_at, updated_at + 315360000 FROM client WHERE secret_hash IS NOT NULL;

-- `parent` is the token that it came of; `successor` the one of its children that was used first. The column
-- `used_at` is not read or written any more.
ALTER TABLE refresh_token ADD COLUMN parent TEXT;
ALTER TABLE refresh_token ADD COLUMN successor TEXT;
UPDATE refresh_token SET successor = '' WHERE used_at IS NOT NULL;

-- The thumbprint of the DPoP key that a public client's refresh tokens are bound to.
ALTER TABLE refresh_family ADD COLUMN jkt TEXT;
