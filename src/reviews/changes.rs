//! What changed between two hand-ins, line by line, bounded in work.

/// A line of a file set beside the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number in the new file; none for a removed line.
    pub number: Option<usize>,
    pub text: String,
    pub change: Change,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Same,
    Added,
    Removed,
}

impl Change {
    pub fn as_str(self) -> &'static str {
        match self {
            Change::Same => "same",
            Change::Added => "add",
            Change::Removed => "del",
        }
    }
}

/// Beyond this many lines squared the middle is shown as all replaced: a review must not cost a minute.
const MOST_CELLS: usize = 4_000_000;

/// The new text's lines, with what was removed from the old one in its place.
pub fn between(old: &str, new: &str) -> Vec<Line> {
    let old: Vec<&str> = old.lines().collect();
    let new: Vec<&str> = new.lines().collect();
    let before = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let after = old[before..].iter().rev().zip(new[before..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (old_middle, new_middle) = (&old[before..old.len() - after], &new[before..new.len() - after]);
    let mut lines: Vec<Line> = (0..before).map(|i| added(i, new[i], Change::Same)).collect();
    if old_middle.len() * new_middle.len() > MOST_CELLS {
        lines.extend(old_middle.iter().map(|text| removed(text)));
        lines.extend(new_middle.iter().enumerate().map(|(i, text)| added(before + i, text, Change::Added)));
    } else {
        middle(old_middle, new_middle, before, &mut lines);
    }
    lines.extend((new.len() - after..new.len()).map(|i| added(i, new[i], Change::Same)));
    lines
}

fn added(index: usize, text: &str, change: Change) -> Line {
    Line { number: Some(index + 1), text: text.to_owned(), change }
}

fn removed(text: &str) -> Line {
    Line { number: None, text: text.to_owned(), change: Change::Removed }
}

/// The longest common subsequence of what differs, from a table of suffixes.
fn middle(old: &[&str], new: &[&str], offset: usize, lines: &mut Vec<Line>) {
    let width = new.len() + 1;
    let mut longest = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            longest[i * width + j] =
                if old[i] == new[j] { longest[(i + 1) * width + j + 1] + 1 } else { longest[(i + 1) * width + j].max(longest[i * width + j + 1]) };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push(added(offset + j, new[j], Change::Same));
            i += 1;
            j += 1;
        } else if i < old.len() && (j == new.len() || longest[(i + 1) * width + j] >= longest[i * width + j + 1]) {
            lines.push(removed(old[i]));
            i += 1;
        } else {
            lines.push(added(offset + j, new[j], Change::Added));
            j += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(old: &str, new: &str) -> String {
        between(old, new)
            .iter()
            .map(|l| match l.change {
                Change::Same => ' ',
                Change::Added => '+',
                Change::Removed => '-',
            })
            .collect()
    }

    #[test]
    fn a_changed_line_is_a_removed_and_an_added_one() {
        assert_eq!(marks("a\nb\nc\n", "a\nB\nc\n"), " -+ ");
        assert_eq!(marks("", "a\n"), "+");
        assert_eq!(marks("a\n", ""), "-");
        assert_eq!(marks("a\nb\n", "a\nb\n"), "  ");
    }

    #[test]
    fn the_new_files_numbers_are_kept() {
        let lines = between("a\nx\nb\n", "a\nb\nc\n");
        assert_eq!(lines.iter().filter_map(|l| l.number).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn two_long_files_cost_no_table() {
        let (old, new) = ("a\n".repeat(9_000), "b\n".repeat(9_000));
        assert_eq!(between(&old, &new).len(), 18_000);
    }
}
