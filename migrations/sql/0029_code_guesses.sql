-- How many identifiers that are not its person's a code has been tried with.
ALTER TABLE activation_code ADD COLUMN guesses BIGINT NOT NULL DEFAULT 0;
