-- Who agrees to something with a supplier's customer (`onbehalfof`) has not agreed with its other customers. '' is the
-- service itself.

CREATE TABLE consent_of_customers (
    person       TEXT   NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    client       TEXT   NOT NULL,
    onbehalfof   TEXT   NOT NULL,
    scope        TEXT   NOT NULL,
    given_at     BIGINT NOT NULL,
    withdrawn_at BIGINT,
    PRIMARY KEY (person, client, onbehalfof, scope)
);
INSERT INTO consent_of_customers (person, client, onbehalfof, scope, given_at, withdrawn_at)
    SELECT person, client, '', scope, given_at, withdrawn_at FROM consent;
DROP TABLE consent;
ALTER TABLE consent_of_customers RENAME TO consent;

ALTER TABLE consented_grant ADD COLUMN onbehalfof TEXT NOT NULL DEFAULT '';
