//! Every table with its columns, parents before the tables that name them: what a backup holds, and in which order.

/// A table. Its columns by what they hold, which is all that a copy needs to know.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    pub name: &'static str,
    /// The primary key.
    pub key: &'static [&'static str],
    pub text: &'static [&'static str],
    pub whole: &'static [&'static str],
    pub bytes: &'static [&'static str],
}

impl Table {
    /// All columns, in the order of a backup's rows: text, whole numbers, bytes.
    pub fn columns(&self) -> impl Iterator<Item = &'static str> {
        self.text.iter().chain(self.whole).chain(self.bytes).copied()
    }
}

/// A test holds this against the migrations, so that a new table or column can't be left out of backups.
#[rustfmt::skip] // a line a table
pub const TABLES: &[Table] = &[
    Table { name: "installation", key: &["id"], text: &["id"], whole: &["created", "demo"], bytes: &[] },
    Table { name: "settings", key: &["name"], text: &["name", "value", "changed_by"], whole: &["changed"], bytes: &[] },
    Table { name: "signing_keys", key: &["id"], text: &["id", "purpose", "public_key", "sealed"], whole: &["created", "retired"], bytes: &[] },
    Table { name: "audit_entries", key: &["id"], text: &["id", "actor", "action", "subject", "cohort", "fields"], whole: &["at"], bytes: &[] },
    Table { name: "people", key: &["id"], text: &["id", "email", "name", "name_key", "password", "zone"], whole: &["admin", "created", "disabled"], bytes: &[] },
    Table { name: "sign_ins", key: &["id"], text: &["id", "token_hash", "person", "address", "agent"], whole: &["created", "seen", "expires", "revoked"], bytes: &[] },
    Table { name: "throttles", key: &["name"], text: &["name"], whole: &["failures", "since", "until"], bytes: &[] },
    Table { name: "tokens", key: &["id"], text: &["id", "person", "name", "token_hash"], whole: &["created", "seen", "expires", "revoked"], bytes: &[] },
    Table { name: "resets", key: &["token_hash"], text: &["token_hash", "person"], whole: &["created", "expires", "used"], bytes: &[] },
    Table { name: "notifications", key: &["id"], text: &["id", "person", "kind", "words", "link"], whole: &["created", "seen"], bytes: &[] },
    Table { name: "mails", key: &["id"], text: &["id", "recipient", "subject", "body", "error"], whole: &["created", "tries", "next"], bytes: &[] },
    Table { name: "jobs", key: &["id"], text: &["id", "kind", "key", "payload", "owner", "state", "lease", "error"], whole: &["lane", "turn", "created", "run_after", "claims", "failures", "leased_until", "started", "finished"], bytes: &[] },
    Table { name: "progress", key: &["subject", "seq"], text: &["subject", "what"], whole: &["seq", "at"], bytes: &[] },
    Table { name: "leases", key: &["name"], text: &["name", "holder"], whole: &["until"], bytes: &[] },
    Table { name: "programs", key: &["hash"], text: &["hash", "title"], whole: &["imported"], bytes: &[] },
    Table { name: "program_files", key: &["program", "path"], text: &["program", "path"], whole: &[], bytes: &["content"] },
    Table { name: "cohorts", key: &["id"], text: &["id", "name", "program", "starts", "zone", "refund_until"], whole: &["created", "archived"], bytes: &[] },
    Table { name: "instructors", key: &["cohort", "person"], text: &["cohort", "person"], whole: &["since"], bytes: &[] },
    Table { name: "enrolments", key: &["id"], text: &["id", "cohort", "person", "status"], whole: &["factor", "created", "changed"], bytes: &[] },
    Table { name: "student_groups", key: &["id"], text: &["id", "cohort", "name"], whole: &["factor"], bytes: &[] },
    Table { name: "group_members", key: &["student_group", "enrolment"], text: &["student_group", "enrolment"], whole: &[], bytes: &[] },
    Table { name: "invitations", key: &["id"], text: &["id", "token_hash", "email", "name", "role", "cohort", "created_by", "used_by"], whole: &["created", "expires", "used"], bytes: &[] },
    Table { name: "extensions", key: &["id"], text: &["id", "cohort", "enrolment", "student_group", "lab", "reason", "created_by"], whole: &["due", "created"], bytes: &[] },
    Table { name: "blobs", key: &["hash"], text: &["hash"], whole: &[], bytes: &["bytes"] },
    Table { name: "submissions", key: &["id"], text: &["id", "enrolment", "lab", "via", "program", "lab_hash", "statement"], whole: &["number", "received", "variant"], bytes: &[] },
    Table { name: "submission_files", key: &["submission", "path"], text: &["submission", "path", "blob"], whole: &["size"], bytes: &[] },
    Table { name: "gradings", key: &["id"], text: &["id", "submission", "job", "lane", "outcome", "grader", "lab_hash", "report"], whole: &["score", "open", "max", "hidden_score", "hidden_max", "finished", "superseded"], bytes: &[] },
    Table { name: "findings", key: &["grading", "seq"], text: &["grading", "check_id", "outcome"], whole: &["seq", "points", "max"], bytes: &[] },
    Table { name: "openings", key: &["enrolment", "lab", "check_id", "what"], text: &["enrolment", "lab", "check_id", "what"], whole: &["at"], bytes: &[] },
    Table { name: "reviews", key: &["id"], text: &["id", "submission", "cohort", "state", "requested_by", "claimed_by", "comment", "override_reason", "finished_by"], whole: &["version", "shuffle", "requested", "due", "claimed_until", "override_score", "defended", "returned", "finished"], bytes: &[] },
    Table { name: "review_comments", key: &["id"], text: &["id", "review", "file", "words", "written_by"], whole: &["line", "written"], bytes: &[] },
    Table { name: "marks", key: &["review", "check_id", "criterion"], text: &["review", "check_id", "criterion"], whole: &["points"], bytes: &[] },
    Table { name: "lab_overrides", key: &["enrolment", "lab"], text: &["enrolment", "lab", "reason", "created_by"], whole: &["score", "created"], bytes: &[] },
];
