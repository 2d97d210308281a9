//! Tables as CSV files that a spreadsheet opens without running anything in them.
use crate::error::Answer;
use axum::http::header;
use axum::response::IntoResponse as _;

/// A cell that a spreadsheet shows as it is: one that would begin a formula gets an apostrophe before it.
pub fn safe(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() }
}

/// Rows as a file to save. The mark at its start tells spreadsheets that it is UTF-8.
pub fn answer(name: &str, rows: impl IntoIterator<Item = Vec<String>>) -> Answer {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer("\u{feff}".as_bytes().to_vec());
    for row in rows {
        writer.write_record(row.iter().map(|cell| safe(cell)))?;
    }
    let body = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
    let file: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{file}.csv\"")),
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
    ];
    Ok((headers, body).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_a_formula() {
        for bad in ["=1+1", "+49", "-1", "@sum", "\tx", "\r=1"] {
            assert!(safe(bad).starts_with('\''), "{bad:?}");
        }
        assert_eq!(safe("Ada = good"), "Ada = good");
    }
}
