-- Goes up with each change of what is registered of a school owner: whoever has compared a file with it looks whether it is
-- still so.
ALTER TABLE school_owner ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
