-- MinID in schools: who works and learns where, by the school owners' own files, and what a school has decided of it.

CREATE TABLE school_owner (
    orgno      TEXT   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);

-- A school has one owner, and no other's file can name it.
CREATE TABLE school (
    id         TEXT   NOT NULL PRIMARY KEY,
    owner      TEXT   NOT NULL REFERENCES school_owner (orgno),
    orgno      TEXT   NOT NULL UNIQUE,
    name       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    removed_at BIGINT
);
CREATE INDEX school_of_owner ON school (owner);

-- `source_id` is the class's own id in the files. `version` goes up with each change of what is decided in it.
CREATE TABLE school_class (
    id         TEXT   NOT NULL PRIMARY KEY,
    school     TEXT   NOT NULL REFERENCES school (id),
    source_id  TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    removed_at BIGINT,
    UNIQUE (school, source_id)
);

-- `school` is empty for those who act for the owner, `class` for those who act for the whole school.
CREATE TABLE school_staff (
    owner      TEXT   NOT NULL REFERENCES school_owner (orgno),
    school     TEXT   NOT NULL,
    class      TEXT   NOT NULL,
    person     TEXT   NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    title      TEXT   NOT NULL,
    role       TEXT   NOT NULL CHECK (role IN ('owner', 'administration', 'issuer')),
    name       TEXT   NOT NULL,
    given_at   BIGINT NOT NULL,
    removed_at BIGINT,
    PRIMARY KEY (owner, school, class, person, title)
);
CREATE INDEX school_staff_person ON school_staff (person);
CREATE INDEX school_staff_class ON school_staff (class) WHERE class <> '';

CREATE TABLE school_pupil (
    class      TEXT   NOT NULL REFERENCES school_class (id),
    person     TEXT   NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    name       TEXT   NOT NULL,
    added_at   BIGINT NOT NULL,
    removed_at BIGINT,
    PRIMARY KEY (class, person)
);
CREATE INDEX school_pupil_person ON school_pupil (person);

-- Whether an employee may issue in a class. What nobody has decided has no row.
CREATE TABLE school_issuer (
    class      TEXT   NOT NULL REFERENCES school_class (id),
    employee   TEXT   NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    decision   TEXT   NOT NULL CHECK (decision IN ('yes', 'no')),
    decided_by TEXT   NOT NULL,
    decided_at BIGINT NOT NULL,
    PRIMARY KEY (class, employee)
);
CREATE INDEX school_issuer_employee ON school_issuer (employee);

-- And to whom. `not_identified_at`: the employee has said that they cannot tell who the pupil is.
CREATE TABLE school_coupling (
    class             TEXT   NOT NULL REFERENCES school_class (id),
    employee          TEXT   NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    pupil             TEXT   NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    decision          TEXT   NOT NULL CHECK (decision IN ('yes', 'no')),
    decided_by        TEXT   NOT NULL,
    decided_at        BIGINT NOT NULL,
    not_identified_at BIGINT,
    PRIMARY KEY (class, employee, pupil),
    CHECK (employee <> pupil)
);
CREATE INDEX school_coupling_employee ON school_coupling (employee);
CREATE INDEX school_coupling_pupil ON school_coupling (pupil);
