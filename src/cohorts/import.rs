//! Reads a list of people to invite: comma, semicolon or tab separated, and says of every row what will happen.
use super::Role;
use crate::accounts::{Email, name_mistake};
use std::collections::{BTreeMap, BTreeSet};

/// At most so many rows in one go.
pub const MOST: usize = 1_000;

/// Who is there already, by address.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub students: BTreeSet<String>,
    pub instructors: BTreeSet<String>,
    /// With an invitation that still works.
    pub invited: BTreeSet<String>,
    /// Whether whoever imports may invite instructors.
    pub may_invite_instructors: bool,
}

impl Known {
    /// Why somebody need not be invited, if so.
    pub fn nothing_to_do(&self, role: Role, email: &str) -> Option<&'static str> {
        if role == Role::Student && self.students.contains(email) {
            Some("already enrolled, nothing to do")
        } else if role == Role::Instructor && self.instructors.contains(email) {
            Some("teaches here already, nothing to do")
        } else if self.invited.contains(email) {
            Some("invited already; a new link is on the people page")
        } else {
            None
        }
    }
}

/// What will happen to a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    Invite,
    /// Nothing to do, and why.
    Nothing(&'static str),
    /// What is wrong and what to do about it.
    Wrong(String),
}

/// One row of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// As a spreadsheet counts it.
    pub row: u64,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub fate: Fate,
}

/// Where the columns are; without a first row that names them: address, name, role.
struct Columns {
    email: usize,
    name: usize,
    role: usize,
}

/// Reads a list. An error is about the list as a whole.
pub fn read(text: &str, known: &Known) -> Result<Vec<Line>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let first = text.lines().find(|l| !l.trim().is_empty()).ok_or("The list is empty. Paste rows such as ada@example.org,Ada Moreno.")?;
    let separator = [b';', b'\t'].into_iter().find(|s| first.contains(char::from(*s)) && !first.contains(',')).unwrap_or(b',');
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).trim(csv::Trim::All).from_reader(text.as_bytes());
    let mut columns = Columns { email: 0, name: 1, role: 2 };
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let mut lines = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let record = record.map_err(|e| format!("The list can't be read as CSV: {e}."))?;
        let row = record.position().map_or(0, csv::Position::line);
        if index == 0
            && let Some(named) = named_columns(&record)
        {
            columns = named;
            continue;
        }
        if record.iter().all(str::is_empty) {
            continue;
        }
        if lines.len() == MOST {
            return Err(format!("The list has more than {MOST} rows. Import it in parts."));
        }
        lines.push(line(&record, row, &columns, known, &mut seen));
    }
    if lines.is_empty() {
        return Err("The list names its columns and nobody else. Add a row for each person.".to_owned());
    }
    Ok(lines)
}

/// The columns, if the first row names them.
fn named_columns(record: &csv::StringRecord) -> Option<Columns> {
    let position = |names: &[&str]| record.iter().position(|cell| names.contains(&cell.to_lowercase().as_str()));
    let email = position(&["email", "e-mail", "mail", "address"])?;
    Some(Columns { email, name: position(&["name", "full name"]).unwrap_or(usize::MAX), role: position(&["role"]).unwrap_or(usize::MAX) })
}

fn line(record: &csv::StringRecord, row: u64, columns: &Columns, known: &Known, seen: &mut BTreeMap<String, u64>) -> Line {
    let cell = |at: usize| record.get(at).unwrap_or("").to_owned();
    let (typed, name, role) = (cell(columns.email), cell(columns.name), cell(columns.role).to_lowercase());
    let parsed: Result<Email, _> = typed.parse();
    let email = parsed.as_ref().map_or(typed, ToString::to_string);
    let mut line = Line { row, email, name, role: Role::Student, fate: Fate::Invite };
    match role.as_str() {
        "" | "student" => {}
        "instructor" => line.role = Role::Instructor,
        other => {
            line.fate = Fate::Wrong(format!("Role: {other:?} is none. Write student or instructor, or leave it out."));
            return line;
        }
    }
    line.fate = if let Err(error) = parsed {
        Fate::Wrong(format!("Email: {error}."))
    } else if line.name.is_empty() {
        Fate::Wrong("Name is empty.".to_owned())
    } else if let Some(words) = name_mistake(&line.name) {
        Fate::Wrong(format!("Name: {words}"))
    } else if let Some(other) = seen.insert(line.email.clone(), row) {
        Fate::Wrong(format!("Email: the same address is in row {other}."))
    } else if line.role == Role::Instructor && !known.may_invite_instructors {
        Fate::Wrong("Only an admin makes instructors.".to_owned())
    } else {
        known.nothing_to_do(line.role, &line.email).map_or(Fate::Invite, Fate::Nothing)
    };
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fates(text: &str) -> Vec<(u64, String, Fate)> {
        let known = Known { students: ["ada@example.org".to_owned()].into(), invited: ["nils@example.org".to_owned()].into(), ..Known::default() };
        read(text, &known).unwrap().into_iter().map(|l| (l.row, l.email, l.fate)).collect()
    }

    #[test]
    fn every_row_says_what_will_happen() {
        let found = fates(
            "Email,Name,Role\nLENA@example.org,Lena Hoffmann,\nmarco@@example.org,Marco\nada@example.org,Ada\nsofia@example.org,\nnils@example.org,Nils\nlena@example.org,Lena again\nolga@example.org,Olga,boss\nivo@example.org,Ivo,instructor\n",
        );
        assert_eq!(found[0], (2, "lena@example.org".to_owned(), Fate::Invite));
        assert!(matches!(&found[1].2, Fate::Wrong(w) if w.starts_with("Email:")));
        assert!(matches!(found[2].2, Fate::Nothing(_)));
        assert_eq!(found[3].2, Fate::Wrong("Name is empty.".to_owned()));
        assert!(matches!(found[4].2, Fate::Nothing(_)));
        assert_eq!(found[5], (7, "lena@example.org".to_owned(), Fate::Wrong("Email: the same address is in row 2.".to_owned())));
        assert!(matches!(&found[6].2, Fate::Wrong(w) if w.contains("boss")));
        assert!(matches!(&found[7].2, Fate::Wrong(w) if w.contains("admin")));
    }

    #[test]
    fn spreadsheets_of_other_countries_are_read_too() {
        for text in ["\u{feff}name;email\nLena Hoffmann;lena@example.org\n", "lena@example.org\tLena Hoffmann\r\n", "lena@example.org, Lena Hoffmann"]
        {
            let lines = read(text, &Known::default()).unwrap();
            assert_eq!((lines[0].email.as_str(), lines[0].name.as_str()), ("lena@example.org", "Lena Hoffmann"), "{text:?}");
        }
        for text in ["", "  \n", "email,name\n"] {
            assert!(read(text, &Known::default()).is_err(), "{text:?}");
        }
    }
}
