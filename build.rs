//! Tells cargo that folders are compiled in: a new lab, template or migration is a new binary.
fn main() {
    for folder in ["labs", "migrations", "static"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
