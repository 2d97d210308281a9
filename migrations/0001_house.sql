-- One dialect for SQLite and PostgreSQL: TEXT, BIGINT, DOUBLE PRECISION and BLOB (a domain over bytea on PostgreSQL, made before the first migration).
-- Ids are uuid v7 as TEXT, times milliseconds since 1970, words are TEXT read by `words!`, yes/no is a nullable time, JSON is TEXT.

CREATE TABLE installation (
    id TEXT NOT NULL PRIMARY KEY,
    created BIGINT NOT NULL,
    demo BIGINT
);

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL,
    changed BIGINT NOT NULL,
    changed_by TEXT
);

CREATE TABLE signing_keys (
    id TEXT NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    public_key TEXT NOT NULL,
    -- Sealed values are text that begins with the id of the key that opens them.
    sealed TEXT NOT NULL,
    created BIGINT NOT NULL,
    retired BIGINT
);

CREATE TABLE audit_entries (
    id TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    cohort TEXT,
    fields TEXT NOT NULL
);
CREATE INDEX audit_entries_at ON audit_entries (at);
CREATE INDEX audit_entries_subject ON audit_entries (subject);

CREATE TABLE people (
    id TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    password TEXT,
    zone TEXT NOT NULL,
    admin BIGINT,
    created BIGINT NOT NULL,
    disabled BIGINT
);
CREATE INDEX people_name_key ON people (name_key);

CREATE TABLE sign_ins (
    id TEXT NOT NULL PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE,
    person TEXT NOT NULL REFERENCES people (id),
    created BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    revoked BIGINT,
    address TEXT NOT NULL,
    agent TEXT NOT NULL
);
CREATE INDEX sign_ins_person ON sign_ins (person);

CREATE TABLE throttles (
    name TEXT NOT NULL PRIMARY KEY,
    failures BIGINT NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT NOT NULL
);

CREATE TABLE tokens (
    id TEXT NOT NULL PRIMARY KEY,
    person TEXT NOT NULL REFERENCES people (id),
    name TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    created BIGINT NOT NULL,
    seen BIGINT,
    expires BIGINT NOT NULL,
    revoked BIGINT
);
CREATE INDEX tokens_person ON tokens (person);

CREATE TABLE resets (
    token_hash TEXT NOT NULL PRIMARY KEY,
    person TEXT NOT NULL REFERENCES people (id),
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    used BIGINT
);

CREATE TABLE notifications (
    id TEXT NOT NULL PRIMARY KEY,
    person TEXT NOT NULL REFERENCES people (id),
    created BIGINT NOT NULL,
    kind TEXT NOT NULL,
    words TEXT NOT NULL,
    link TEXT NOT NULL,
    seen BIGINT
);
CREATE INDEX notifications_person ON notifications (person, created);

-- The outbox. Bodies hold links that sign people in, so they are sealed; a mail's row goes when it was sent.
CREATE TABLE mails (
    id TEXT NOT NULL PRIMARY KEY,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    created BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    -- Not before; while somebody sends it, when they are given up on.
    next BIGINT NOT NULL,
    -- Why the last try failed.
    error TEXT
);
CREATE INDEX mails_next ON mails (next);

CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    -- Jobs of one key run one at a time.
    key TEXT NOT NULL,
    payload TEXT NOT NULL,
    -- Lower runs first: interactive work is 0, regrades are 10.
    lane BIGINT NOT NULL,
    -- Whose it is, and how many of theirs were before it: within a lane the lowest turn goes first, so that nobody waits for one owner's many.
    owner TEXT NOT NULL,
    turn BIGINT NOT NULL,
    created BIGINT NOT NULL,
    run_after BIGINT NOT NULL,
    state TEXT NOT NULL,
    -- How often a worker took it, and how often the work itself failed.
    claims BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    lease TEXT,
    leased_until BIGINT,
    started BIGINT,
    finished BIGINT,
    error TEXT
);
CREATE INDEX jobs_due ON jobs (state, lane, turn, created);
CREATE INDEX jobs_key ON jobs (key);
CREATE INDEX jobs_finished ON jobs (kind, finished);
CREATE UNIQUE INDEX jobs_one_running ON jobs (key) WHERE state = 'running';

CREATE TABLE progress (
    subject TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    what TEXT NOT NULL,
    PRIMARY KEY (subject, seq)
);

CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    until BIGINT NOT NULL
);

CREATE TABLE programs (
    hash TEXT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL,
    imported BIGINT NOT NULL
);

CREATE TABLE program_files (
    program TEXT NOT NULL REFERENCES programs (hash),
    path TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (program, path)
);

CREATE TABLE cohorts (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    program TEXT NOT NULL REFERENCES programs (hash),
    -- The Monday of week 1 as a civil date, in `zone`.
    starts TEXT NOT NULL,
    zone TEXT NOT NULL,
    refund_until TEXT,
    created BIGINT NOT NULL,
    archived BIGINT
);

CREATE TABLE instructors (
    cohort TEXT NOT NULL REFERENCES cohorts (id),
    person TEXT NOT NULL REFERENCES people (id),
    since BIGINT NOT NULL,
    PRIMARY KEY (cohort, person)
);
CREATE INDEX instructors_person ON instructors (person);

CREATE TABLE enrolments (
    id TEXT NOT NULL PRIMARY KEY,
    cohort TEXT NOT NULL REFERENCES cohorts (id),
    person TEXT NOT NULL REFERENCES people (id),
    status TEXT NOT NULL,
    -- Percent: 100 is the normal time, 150 half as much again.
    factor BIGINT NOT NULL,
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    UNIQUE (cohort, person)
);
CREATE INDEX enrolments_person ON enrolments (person);

CREATE TABLE student_groups (
    id TEXT NOT NULL PRIMARY KEY,
    cohort TEXT NOT NULL REFERENCES cohorts (id),
    name TEXT NOT NULL,
    factor BIGINT,
    UNIQUE (cohort, name)
);

CREATE TABLE group_members (
    student_group TEXT NOT NULL REFERENCES student_groups (id),
    enrolment TEXT NOT NULL REFERENCES enrolments (id),
    PRIMARY KEY (student_group, enrolment)
);
CREATE INDEX group_members_enrolment ON group_members (enrolment);

CREATE TABLE invitations (
    id TEXT NOT NULL PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE,
    email TEXT,
    name TEXT,
    role TEXT NOT NULL,
    cohort TEXT REFERENCES cohorts (id),
    created BIGINT NOT NULL,
    created_by TEXT,
    expires BIGINT NOT NULL,
    used BIGINT,
    used_by TEXT
);
CREATE INDEX invitations_cohort ON invitations (cohort);

CREATE TABLE extensions (
    id TEXT NOT NULL PRIMARY KEY,
    cohort TEXT NOT NULL REFERENCES cohorts (id),
    -- Exactly one of these two: a person's or a group's.
    enrolment TEXT REFERENCES enrolments (id),
    student_group TEXT REFERENCES student_groups (id),
    lab TEXT NOT NULL,
    due BIGINT NOT NULL,
    reason TEXT NOT NULL,
    created BIGINT NOT NULL,
    created_by TEXT NOT NULL
);
CREATE INDEX extensions_cohort ON extensions (cohort);

CREATE TABLE blobs (
    hash TEXT NOT NULL PRIMARY KEY,
    bytes BLOB NOT NULL
);

CREATE TABLE submissions (
    id TEXT NOT NULL PRIMARY KEY,
    enrolment TEXT NOT NULL REFERENCES enrolments (id),
    lab TEXT NOT NULL,
    number BIGINT NOT NULL,
    received BIGINT NOT NULL,
    via TEXT NOT NULL,
    program TEXT NOT NULL REFERENCES programs (hash),
    lab_hash TEXT NOT NULL,
    -- For a quiz: which variant was asked.
    variant BIGINT NOT NULL,
    -- What the student says was generated and how it was checked.
    statement TEXT NOT NULL,
    UNIQUE (enrolment, lab, number)
);
CREATE INDEX submissions_received ON submissions (received);

CREATE TABLE submission_files (
    submission TEXT NOT NULL REFERENCES submissions (id),
    path TEXT NOT NULL,
    blob TEXT NOT NULL REFERENCES blobs (hash),
    size BIGINT NOT NULL,
    PRIMARY KEY (submission, path)
);

CREATE TABLE gradings (
    id TEXT NOT NULL PRIMARY KEY,
    submission TEXT NOT NULL REFERENCES submissions (id),
    -- The job that made it: one job makes one grading, however often it is tried.
    job TEXT NOT NULL UNIQUE,
    lane TEXT NOT NULL,
    outcome TEXT NOT NULL,
    score BIGINT NOT NULL,
    open BIGINT NOT NULL,
    max BIGINT NOT NULL,
    -- What of score and max belongs to hidden checks: lists show students the rest until they are revealed.
    hidden_score BIGINT NOT NULL,
    hidden_max BIGINT NOT NULL,
    grader TEXT NOT NULL,
    lab_hash TEXT NOT NULL,
    finished BIGINT NOT NULL,
    -- Null while it is the submission's current grading.
    superseded BIGINT,
    report TEXT NOT NULL
);
CREATE INDEX gradings_submission ON gradings (submission);
CREATE UNIQUE INDEX gradings_current ON gradings (submission) WHERE superseded IS NULL;

CREATE TABLE findings (
    grading TEXT NOT NULL REFERENCES gradings (id),
    seq BIGINT NOT NULL,
    check_id TEXT NOT NULL,
    outcome TEXT NOT NULL,
    points BIGINT NOT NULL,
    max BIGINT NOT NULL,
    PRIMARY KEY (grading, seq)
);
CREATE INDEX findings_check ON findings (check_id);

-- Hints and fixes a student opened.
CREATE TABLE openings (
    enrolment TEXT NOT NULL REFERENCES enrolments (id),
    lab TEXT NOT NULL,
    check_id TEXT NOT NULL,
    what TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (enrolment, lab, check_id, what)
);

CREATE TABLE reviews (
    id TEXT NOT NULL PRIMARY KEY,
    submission TEXT NOT NULL UNIQUE REFERENCES submissions (id),
    cohort TEXT NOT NULL REFERENCES cohorts (id),
    state TEXT NOT NULL,
    version BIGINT NOT NULL,
    -- A stable shuffle: the queue's order says nothing about who handed in.
    shuffle BIGINT NOT NULL,
    requested BIGINT NOT NULL,
    requested_by TEXT NOT NULL,
    due BIGINT NOT NULL,
    claimed_by TEXT,
    claimed_until BIGINT,
    comment TEXT NOT NULL,
    override_score BIGINT,
    override_reason TEXT,
    -- When the student answered two questions on their own change.
    defended BIGINT,
    -- When it was sent back: what is received from then on answers it. A second verdict doesn't move it.
    returned BIGINT,
    finished BIGINT,
    finished_by TEXT
);
CREATE INDEX reviews_queue ON reviews (cohort, state, shuffle);

CREATE TABLE review_comments (
    id TEXT NOT NULL PRIMARY KEY,
    review TEXT NOT NULL REFERENCES reviews (id),
    file TEXT NOT NULL,
    line BIGINT NOT NULL,
    words TEXT NOT NULL,
    written_by TEXT NOT NULL,
    written BIGINT NOT NULL
);
CREATE INDEX review_comments_review ON review_comments (review);

CREATE TABLE marks (
    review TEXT NOT NULL REFERENCES reviews (id),
    check_id TEXT NOT NULL,
    criterion TEXT NOT NULL,
    points BIGINT NOT NULL,
    PRIMARY KEY (review, check_id, criterion)
);

-- An explicit, signed score for a whole lab.
CREATE TABLE lab_overrides (
    enrolment TEXT NOT NULL REFERENCES enrolments (id),
    lab TEXT NOT NULL,
    score BIGINT NOT NULL,
    reason TEXT NOT NULL,
    created BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (enrolment, lab)
);
