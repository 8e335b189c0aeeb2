-- Who shows a school's code, and in which class they may: it ends with that right, and not with another employee's.
ALTER TABLE activation_code ADD COLUMN issued_by TEXT;
ALTER TABLE activation_code ADD COLUMN issued_in TEXT;
