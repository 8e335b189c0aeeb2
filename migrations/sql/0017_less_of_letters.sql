-- What a letter is ordered by is in the trail: nothing asked for these two, and a telephone is not kept for nothing.
ALTER TABLE letter DROP COLUMN mobile;
ALTER TABLE letter DROP COLUMN ordered_by;
