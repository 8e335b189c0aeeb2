-- Where a batch is brought: whoever goes on with it brings it there and nowhere else. `withdrawn_at`: it was given up, since
-- it cannot be finished there.
ALTER TABLE letter_batch ADD COLUMN destination TEXT;
ALTER TABLE letter_batch ADD COLUMN withdrawn_at BIGINT;
