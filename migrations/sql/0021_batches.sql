-- Where a batch is brought: whoever goes on with it brings it there and nowhere else. `withdrawn_at`: it was given up, since
-- it cannot be finished there.
ALTER TABLE letter_batch ADD COLUMN destination TEXT;
ALTER TABLE letter_batch ADD COLUMN withdrawn_at BIGINT;
-- 1: it has the letter of its day that tests the print house.
ALTER TABLE letter_batch ADD COLUMN has_test BIGINT;
-- Those that are not done with are few.
CREATE INDEX letter_batch_open ON letter_batch (created_at) WHERE acknowledged_at IS NULL AND withdrawn_at IS NULL;
