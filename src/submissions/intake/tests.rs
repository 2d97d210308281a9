//! What comes in and what is turned away, with the words the student reads.
use super::*;
use std::io::Write as _;
use zip::write::SimpleFileOptions;

fn accepts() -> Accepts {
    Accepts { include: vec!["*.yaml".into(), "*.yml".into()], max_files: 3, max_kib: 16 }
}

fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn names_that_lead_elsewhere_are_refused_with_the_reason() {
    for (name, word) in [
        ("../quota.yaml", "leads out"),
        ("a/../../b.yaml", "leads out"),
        ("/etc/passwd.yaml", "absolute"),
        ("C:\\x.yaml", "absolute"),
        ("a\\b.yaml", "backslash"),
        ("a//b.yaml", "nowhere"),
        ("nul.yaml", "device"),
        ("COM1.yaml", "device"),
        ("x\u{202e}lmay.yaml", "character"),
        ("a\n.yaml", "character"),
        ("<script>.yaml", "character"),
        ("x.yaml ", "blank"),
        ("x.yaml.", "dot"),
        ("", "no name"),
        ("a/b/c/d/e/f/g/h/i.yaml", "eight folders"),
    ] {
        let refusal = safe_path(name).unwrap_err();
        assert!(refusal.why.contains(word), "{name:?}: {refusal}");
    }
    assert_eq!(safe_path("./app/deployment.yaml").unwrap(), "app/deployment.yaml");
}

#[test]
fn a_lab_takes_its_own_files_once_and_only_as_many() {
    let accepts = accepts();
    let mut intake = Intake::new(&accepts);
    intake.add("a.yaml", b"a: 1".to_vec()).unwrap();
    assert!(intake.add("a.yaml", b"".to_vec()).unwrap_err().why.contains("twice"));
    assert!(intake.add("A.yaml", b"".to_vec()).unwrap_err().why.contains("upper and lower"));
    assert!(intake.add("run.sh", b"".to_vec()).unwrap_err().why.contains("*.yaml"));
    assert!(intake.add("b.yaml", vec![b'a', 0xff]).unwrap_err().why.contains("byte 2"));
    intake.add("b.yaml", Vec::new()).unwrap();
    intake.add("c.yaml", Vec::new()).unwrap();
    assert!(intake.add("d.yaml", Vec::new()).unwrap_err().why.contains("more than 3"));
    assert_eq!(intake.finish().unwrap().len(), 3);
}

#[test]
fn nothing_at_all_is_explained() {
    let accepts = accepts();
    assert!(Intake::new(&accepts).finish().unwrap_err().why.contains("choose files"));
}

#[test]
fn an_archive_of_one_folder_is_unpacked_into_it() {
    let accepts = accepts();
    let mut intake = Intake::new(&accepts);
    let zip = zipped(&[("my-lab/a.yaml", b"a: 1"), ("__MACOSX/my-lab/._a.yaml", b"x"), ("my-lab/.DS_Store", b"x")]);
    intake.add_zip("lab.zip", zip).unwrap();
    assert_eq!(intake.finish().unwrap().iter().map(|f| f.path.clone()).collect::<Vec<_>>(), ["a.yaml"]);
}

#[test]
fn a_bomb_is_stopped_by_what_it_unpacks_to() {
    let accepts = accepts();
    let zeros = vec![b' '; 50 << 20];
    let zip = zipped(&[("a.yaml", &zeros)]);
    assert!(zip.len() < 100_000);
    let refusal = Intake::new(&accepts).add_zip("lab.zip", zip).unwrap_err();
    assert!(refusal.why.contains("16 KiB"), "{refusal}");
}

#[test]
fn links_and_climbing_names_in_archives_are_refused() {
    let accepts = accepts();
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("a.yaml", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    assert!(Intake::new(&accepts).add_zip("lab.zip", bytes).unwrap_err().why.contains("link"));
    let bytes = zipped(&[("../../a.yaml", b"")]);
    assert!(Intake::new(&accepts).add_zip("lab.zip", bytes).unwrap_err().why.contains("leads out"));
    assert!(Intake::new(&accepts).add_zip("lab.zip", b"PK\x03\x04 nonsense".to_vec()).unwrap_err().why.contains("zip"));
}
