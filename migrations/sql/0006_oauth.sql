-- Secrets that overlap while they are rotated, refresh tokens whose replay can be forgiven, and tokens bound to a key.

CREATE TABLE client_secret (
    client     TEXT   NOT NULL REFERENCES client (id) ON DELETE CASCADE,
    hash       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (client, hash)
);
-- 360 days, as a new secret has them. The column `client.secret_hash` is not read any more.
INSERT INTO client_secret (client, hash, created_at, expires_at)
    SELECT id, secret_hash, updated_at, updated_at + 31104000 FROM client WHERE secret_hash IS NOT NULL;

-- `parent` is the token that it came of; `successor` the one of its children that was used first.
ALTER TABLE refresh_token ADD COLUMN parent TEXT;
ALTER TABLE refresh_token ADD COLUMN successor TEXT;
UPDATE refresh_token SET successor = '' WHERE used_at IS NOT NULL;

-- The thumbprint of the DPoP key that a public client's refresh tokens are bound to.
ALTER TABLE refresh_family ADD COLUMN jkt TEXT;
