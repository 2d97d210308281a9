//! Backups: the same stream from both engines, restored whole into an empty database or not at all.
use crate::people::Portal;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use groundcrew::db::tables::{TABLES, Table};
use groundcrew::db::{Db, Engine, dump};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

on_both!(every_table_goes_to_the_other_engine_and_back, what_is_restored_works, a_demo_begins_anew_with_nothing_but_its_program);

/// A column as the migrations declare it.
#[derive(Debug, Clone)]
struct Column {
    kind: String,
    is_required: bool,
    /// The table whose key it holds.
    parent: Option<String>,
}

/// Tables in the order of the migrations: name, primary key, columns.
fn declared() -> Vec<(String, Vec<String>, BTreeMap<String, Column>)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let mut tables = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let text: String = text.lines().map(|l| l.split("--").next().unwrap().trim()).collect::<Vec<_>>().join("\n");
        for statement in text.split(';').map(str::trim) {
            if let Some(rest) = statement.strip_prefix("CREATE TABLE ") {
                let (name, body) = rest.split_once('(').unwrap();
                tables.push(table(name.trim(), body.trim().strip_suffix(')').unwrap()));
            } else {
                assert!(statement.is_empty() || statement.contains("INDEX"), "{}: teach this test to read\n{statement}", file.display());
            }
        }
    }
    tables
}

fn table(name: &str, body: &str) -> (String, Vec<String>, BTreeMap<String, Column>) {
    let (mut key, mut columns) = (Vec::new(), BTreeMap::new());
    for line in body.lines().map(|l| l.trim().trim_end_matches(',')).filter(|l| !l.is_empty()) {
        if let Some(list) = line.strip_prefix("PRIMARY KEY (") {
            key = list.trim_end_matches(')').split(',').map(|c| c.trim().to_owned()).collect();
        } else if !line.starts_with("UNIQUE") {
            let words: Vec<&str> = line.split_whitespace().collect();
            let parent = words.iter().position(|w| *w == "REFERENCES").map(|at| words[at + 1].to_owned());
            if line.contains("PRIMARY KEY") {
                key.push(words[0].to_owned());
            }
            columns.insert(words[0].to_owned(), Column { kind: words[1].to_owned(), is_required: line.contains("NOT NULL"), parent });
        }
    }
    (name.to_owned(), key, columns)
}

#[test]
fn a_backup_holds_every_table_and_column_of_the_migrations() {
    let declared = declared();
    assert!(declared.len() > 30);
    assert_eq!(
        TABLES.iter().map(|t| t.name).collect::<BTreeSet<_>>(),
        declared.iter().map(|t| t.0.as_str()).collect(),
        "src/db/tables.rs must list the tables of migrations/"
    );
    let mut before = BTreeSet::new();
    for table in TABLES {
        let (_, key, columns) = declared.iter().find(|t| t.0 == table.name).unwrap();
        let of = |kind: &str| columns.iter().filter(|c| c.1.kind == kind).map(|c| c.0.as_str()).collect::<BTreeSet<_>>();
        let listed = |names: &[&'static str]| names.iter().copied().collect::<BTreeSet<_>>();
        assert_eq!(table.key, key, "the key of {}", table.name);
        assert_eq!(listed(table.text), of("TEXT"), "text of {}", table.name);
        assert_eq!(listed(table.whole), of("BIGINT"), "whole numbers of {}", table.name);
        assert_eq!(listed(table.bytes), of("BLOB"), "bytes of {}", table.name);
        assert_eq!(table.columns().count(), columns.len(), "{}: a column of a type that backups don't know", table.name);
        for parent in columns.values().filter_map(|c| c.parent.as_deref()) {
            assert!(before.contains(parent), "{} comes before {parent}, which it names", table.name);
        }
        before.insert(table.name);
    }
}

const ROWS: usize = 3;

/// Fills each table with rows that differ in every column, awkward to write down.
async fn fill(db: &Db) {
    let declared = declared();
    let mut write = db.write("test").await.unwrap();
    for table in TABLES {
        let (_, _, columns) = declared.iter().find(|t| t.0 == table.name).unwrap();
        let names: Vec<&str> = table.columns().collect();
        let places: Vec<String> = (1..=names.len()).map(|i| format!("${i}")).collect();
        for row in 0..ROWS {
            let statement = format!("INSERT INTO {} ({}) VALUES ({})", table.name, names.join(", "), places.join(", "));
            let mut insert = sqlx::query(sqlx::AssertSqlSafe(statement));
            let is_null = |name: &str| row == 1 && !columns[name].is_required;
            for name in table.text {
                let parent = columns[*name].parent.as_deref();
                let (owner, column) = parent.map_or((table.name, *name), |p| (p, TABLES.iter().find(|t| t.name == p).unwrap().key[0]));
                insert = insert.bind((!is_null(name)).then(|| awkward(owner, column, row)));
            }
            for (at, name) in table.whole.iter().enumerate() {
                let value = [i64::MAX, i64::MIN, 0][row].saturating_add(i64::try_from(at).unwrap());
                insert = insert.bind((!is_null(name)).then_some(value));
            }
            for name in table.bytes {
                insert = insert.bind((!is_null(name)).then(|| (0..=255_u8).cycle().take(row * 70_000).collect::<Vec<u8>>()));
            }
            insert.execute(&mut *write).await.unwrap_or_else(|e| panic!("{}: {e}", table.name));
        }
    }
    write.commit().await.unwrap();
}

/// Text that sorts otherwise in a language than by its bytes.
fn awkward(table: &str, column: &str, row: usize) -> String {
    let start = ["b", "Ä", "B"][row];
    format!("{start} {table}.{column} \"quoted\" \\ {{}}\r\n\t[\u{1}] \u{2028}🚀 e\u{301} {row}")
}

async fn saved(portal: &Portal) -> Vec<u8> {
    let mut file = Vec::new();
    dump::save(&portal.app.db, portal.clock.now(), &mut file).await.unwrap();
    file
}

fn unzipped(file: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    text
}

fn zipped(text: &str) -> Vec<u8> {
    let mut file = GzEncoder::new(Vec::new(), Compression::fast());
    file.write_all(text.as_bytes()).unwrap();
    file.finish().unwrap()
}

async fn is_empty(db: &Db) -> bool {
    let mut conn = db.read().await.unwrap();
    for Table { name, .. } in TABLES {
        let n: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {name}"))).fetch_one(&mut *conn).await.unwrap();
        if n > 0 {
            return false;
        }
    }
    true
}

async fn every_table_goes_to_the_other_engine_and_back(first: Portal) {
    let other = if first.engine == Engine::Sqlite { Engine::Postgres } else { Engine::Sqlite };
    let Some(second) = Portal::start(other).await else { return };
    let third = Portal::start(first.engine).await.unwrap();
    fill(&first.app.db).await;
    let file = saved(&first).await;
    let expected = u64::try_from(TABLES.len() * ROWS).unwrap();
    assert_eq!(dump::load(&second.app.db, file.as_slice()).await.unwrap(), expected);
    let across = saved(&second).await;
    assert_eq!(unzipped(&across), unzipped(&file), "after {:?} the backup is another", second.engine);
    assert_eq!(dump::load(&third.app.db, across.as_slice()).await.unwrap(), expected);
    assert_eq!(unzipped(&saved(&third).await), unzipped(&file), "back in {:?} the backup is another", third.engine);
    // A second time there is something in the way.
    let refused = dump::load(&third.app.db, file.as_slice()).await.unwrap_err();
    assert!(format!("{refused:#}").contains("isn't empty"), "{refused:#}");
    assert_eq!(unzipped(&saved(&third).await), unzipped(&file), "a refused restore left something");
}

async fn what_is_restored_works(first: Portal) {
    let other = if first.engine == Engine::Sqlite { Engine::Postgres } else { Engine::Sqlite };
    let Some(second) = Portal::start(other).await else { return };
    let cohort = first.cohort("Autumn").await;
    let mut ada = first.student("Ada Moreno", "ada@example.org", &cohort).await;
    let manifest = "apiVersion: v1\nkind: Service\nmetadata: { name: chat }\nspec: { ports: [{ port: 80 }] }\n# grüße 🚀\n";
    let reply = ada.posts("/labs/chat-in-a-quota/submissions", &[("name", "service.yaml"), ("text", manifest)]).await;
    assert_eq!(reply.status, 303, "{}", reply.text());
    let submission = reply.header("location").to_owned();
    first.grades().await;
    let report = ada.gets(&format!("{submission}/report.json")).await;
    assert_eq!(report.status, 200);
    dump::load(&second.app.db, saved(&first).await.as_slice()).await.unwrap();
    second.app.programs.start(&second.app.db, &second.app.clock, None).await.unwrap();
    let mut ada = crate::people::Person::new(&second, "ada@example.org", crate::people::PASSWORD);
    ada.signs_in().await;
    assert_eq!(ada.gets(&format!("{submission}/report.json")).await.json(), report.json());
    assert_eq!(ada.gets(&format!("{submission}/files/service.yaml")).await.text(), manifest);
}

#[tokio::test]
async fn a_damaged_backup_restores_nothing_and_says_so() {
    let first = Portal::start(Engine::Sqlite).await.unwrap();
    let empty = Portal::start(Engine::Sqlite).await.unwrap();
    fill(&first.app.db).await;
    let file = saved(&first).await;
    let text = unzipped(&file);
    let (all_but_end, end) = text.trim_end().rsplit_once('\n').unwrap();
    let without_a_row = text.lines().filter(|l| !l.starts_with("[\"Ä people.id")).map(|l| format!("{l}\n")).collect::<String>();
    assert_eq!(without_a_row.lines().count() + 1, text.lines().count());
    let mut flipped = file.clone();
    let last = flipped.len() - 6;
    flipped[last] ^= 1;
    let damaged: Vec<(&str, Vec<u8>, &str)> = vec![
        ("nothing", Vec::new(), "no backup"),
        ("no gzip", b"something else altogether".to_vec(), "no backup"),
        ("other JSON", zipped("{\"format\":1}\n"), "no backup"),
        ("half a file", file[..file.len() / 2].to_vec(), "cut off"),
        ("all but gzip's sum", file[..file.len() - 8].to_vec(), "cut off"),
        ("another sum", flipped, "damaged"),
        ("something behind it", [file.as_slice(), b"x"].concat(), "something follows"),
        ("a second stream behind it", [file.as_slice(), zipped("{}\n").as_slice()].concat(), "something follows"),
        ("a line behind the end", zipped(&format!("{text}{{}}\n")), "something follows"),
        ("no end", zipped(&format!("{all_but_end}\n")), "cut off"),
        ("a lost row", zipped(&without_a_row), ""),
        ("a changed value", zipped(&text.replacen("\"quoted\\\"", "\"changed\\\"", 1)), "digest"),
        ("a row of another table", zipped(&text.replacen("\n[", "\n[1,", 1)), "doesn't fit"),
        ("a lost table", zipped(&text.replacen("\"table\":\"leases\"", "\"table\":\"other\"", 1)), "leases"),
        ("a format to come", zipped(&text.replacen("\"groundcrew_backup\":1", "\"groundcrew_backup\":2", 1)), "format 2"),
        ("a schema to come", zipped(&text.replacen("\"schema\":", "\"schema\":9", 1)), "schema is 9"),
        ("another end", zipped(&format!("{all_but_end}\n{}\n", end.replacen(":3", ":4", 1))), "counts other rows"),
    ];
    for (what, file, why) in damaged {
        let refused = dump::load(&empty.app.db, file.as_slice()).await.expect_err(what);
        assert!(format!("{refused:#}").contains(why), "{what}: {refused:#}");
        assert!(is_empty(&empty.app.db).await, "{what} left something behind");
    }
    dump::load(&empty.app.db, file.as_slice()).await.unwrap();
}

async fn a_demo_begins_anew_with_nothing_but_its_program(portal: Portal) {
    fill(&portal.app.db).await;
    let mut write = portal.app.db.write("test").await.unwrap();
    groundcrew::demo::store::clear(&mut write).await.unwrap();
    let mut left = BTreeSet::new();
    for Table { name, .. } in TABLES {
        let n: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {name}"))).fetch_one(&mut *write).await.unwrap();
        if n > 0 {
            left.insert(*name);
        }
    }
    assert_eq!(left, BTreeSet::from(["installation", "leases", "program_files", "programs", "signing_keys"]));
}

#[tokio::test]
async fn a_backup_is_of_one_moment() {
    let Some(portal) = Portal::start(Engine::Postgres).await else { return };
    for portal in [portal, Portal::start(Engine::Sqlite).await.unwrap()] {
        fill(&portal.app.db).await;
        let before = unzipped(&saved(&portal).await);
        let mut snapshot = portal.app.db.snapshot().await.unwrap();
        let count = "SELECT COUNT(*) FROM leases";
        let first: i64 = sqlx::query_scalar(count).fetch_one(&mut *snapshot).await.unwrap();
        let mut write = portal.app.db.write("test").await.unwrap();
        sqlx::query("DELETE FROM leases").execute(&mut *write).await.unwrap();
        write.commit().await.unwrap();
        let later: i64 = sqlx::query_scalar(count).fetch_one(&mut *snapshot).await.unwrap();
        assert_eq!((first, later), (3, 3), "{:?}", portal.engine);
        drop(snapshot);
        assert_ne!(unzipped(&saved(&portal).await), before);
    }
}

fn groundcrew(args: &[&str]) -> (Output, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_groundcrew"));
    command.args(args).env_remove("DATABASE_URL").env_remove("GROUNDCREW_KEY_FILE").env_remove("GROUNDCREW_DATA");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output, said)
}

#[tokio::test]
async fn the_commands_write_one_private_file_and_read_it_back() {
    let portal = Portal::start(Engine::Sqlite).await.unwrap();
    fill(&portal.app.db).await;
    let at = |name: &str| portal.dir().join(name).to_str().unwrap().to_owned();
    let (data, file, new) = (at(""), at("today.backup"), at("new"));
    let (output, said) = groundcrew(&["backup", &file, "--data", &data]);
    assert!(output.status.success() && said.contains("The root key is not in it"), "{said}");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!std::fs::read_dir(portal.dir()).unwrap().any(|e| e.unwrap().file_name().to_str().unwrap().contains("unfinished")));
    let (output, said) = groundcrew(&["backup", &file, "--data", &data]);
    assert!(output.status.code() == Some(2) && said.contains("is there already"), "{said}");
    let (output, said) = groundcrew(&["backup", &at("other.backup"), "--data", &new]);
    assert!(output.status.code() == Some(2) && said.contains("there is no database"), "{said}");
    let (output, said) = groundcrew(&["restore", &file, "--data", &data]);
    assert!(output.status.code() == Some(2) && said.contains("isn't empty") && said.contains("--data"), "{said}");
    let (output, said) = groundcrew(&["restore", &file, "--data", &new]);
    assert!(output.status.success() && said.contains("no root key"), "{said}");
    let restored = Db::sqlite(&portal.dir().join("new/groundcrew.db")).await.unwrap();
    let mut again = Vec::new();
    dump::save(&restored, portal.clock.now(), &mut again).await.unwrap();
    assert_eq!(unzipped(&again), unzipped(&saved(&portal).await));
    for (command, words) in [("backup", "is never in it"), ("restore", "is never in a backup: put")] {
        let help = groundcrew(&[command, "--help"]).1.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(help.contains(words), "{command} --help is silent about the root key: {help}");
    }
    if let Some(postgres) = Portal::start(Engine::Postgres).await {
        let (output, said) = groundcrew(&["restore", &file, "--data", &new, "--database", postgres.database()]);
        assert!(output.status.success(), "{said}");
        assert_eq!(unzipped(&saved(&postgres).await), unzipped(&again));
    }
}
