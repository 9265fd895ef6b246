use std::fmt;

use thiserror::Error;

/// At most this many problems are kept; the rest are counted.
const MOST_PROBLEMS: usize = 100;

/// Everything that is wrong with a park definition, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct ParkErrors {
    /// At least one, at most 100.
    pub problems: Vec<ParkProblem>,
    /// Problems beyond the 100.
    pub more: usize,
}

impl fmt::Display for ParkErrors {
    /// One problem a line.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let line_end = if index == 0 { "" } else { "\n" };
            write!(formatter, "{line_end}{problem}")?;
        }
        if self.more > 0 {
            write!(formatter, "\nand {} more; mend these first", self.more)?;
        }
        Ok(())
    }
}

/// One thing that is wrong, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkProblem {
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    pub what: String,
    pub remedy: String,
}

impl fmt::Display for ParkProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}:{}:{}: {}; {}",
            self.file, self.line, self.column, self.what, self.remedy
        )
    }
}

/// Collects the problems of one text and knows which line a byte is in.
#[derive(Debug)]
pub(super) struct Problems<'t> {
    text: &'t str,
    file: &'t str,
    line_starts: Vec<usize>,
    found: Vec<ParkProblem>,
    more: usize,
}

impl<'t> Problems<'t> {
    pub(super) fn new(text: &'t str, file: &'t str) -> Self {
        let after_newlines = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            file,
            line_starts: std::iter::once(0).chain(after_newlines).collect(),
            found: Vec::new(),
            more: 0,
        }
    }

    /// Notes a problem at a byte of the text.
    pub(super) fn note(&mut self, at: usize, what: impl Into<String>, remedy: impl Into<String>) {
        if self.is_full() {
            self.more += 1;
            return;
        }
        let (line, column) = self.line_and_column(at);
        self.found.push(ParkProblem {
            file: self.file.to_owned(),
            line,
            column,
            what: what.into(),
            remedy: remedy.into(),
        });
    }

    /// Whether further problems are only counted, so that there is no use in working out remedies.
    pub(super) fn is_full(&self) -> bool {
        self.found.len() >= MOST_PROBLEMS
    }

    /// Line number of a byte of the text, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.line_and_column(at).0
    }

    fn line_and_column(&self, at: usize) -> (usize, usize) {
        let line = self.line_starts.partition_point(|start| *start <= at);
        let line_start = self.line_starts[line - 1];
        let before = self.text.get(line_start..at).unwrap_or_default();
        (line, before.chars().count() + 1)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All that was noted, in the order of the file.
    pub(super) fn into_errors(mut self) -> ParkErrors {
        self.found
            .sort_by_key(|problem| (problem.line, problem.column));
        ParkErrors {
            problems: self.found,
            more: self.more,
        }
    }
}

/// "write X" with the candidate nearest to what was found, or all of them when none is near.
pub(super) fn nearest_or_all<'c>(
    found: &str,
    candidates: impl Iterator<Item = &'c str> + Clone,
) -> String {
    match nearest(found, candidates.clone()) {
        Some(near) => format!("did you mean \"{near}\"? Allowed are {}", list(candidates)),
        None => format!("write one of {}", list(candidates)),
    }
}

/// The candidates in quotes, with commas; at most the first 24.
pub(super) fn list<'c>(candidates: impl Iterator<Item = &'c str>) -> String {
    const MOST_LISTED: usize = 24;
    let quoted: Vec<String> = candidates
        .take(MOST_LISTED + 1)
        .enumerate()
        .map(|(index, candidate)| match index {
            MOST_LISTED => "...".to_owned(),
            _ => format!("\"{candidate}\""),
        })
        .collect();
    quoted.join(", ")
}

/// The candidate that takes the fewest letters changed, put in or left out, if that is at most a third of the letters
/// (but at least two letters).
pub(super) fn nearest<'c>(
    found: &str,
    candidates: impl Iterator<Item = &'c str>,
) -> Option<&'c str> {
    const LONGEST_COMPARED: usize = 64;
    if found.len() > LONGEST_COMPARED {
        return None;
    }
    let most_edits = (found.chars().count() / 3).max(2);
    candidates
        .map(|candidate| (edits_between(found, candidate), candidate))
        .filter(|(edits, candidate)| *edits <= most_edits && *edits < candidate.chars().count())
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance, ignoring the case of letters.
fn edits_between(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (left_index, left_character) in left.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = left_index + 1;
        for (right_index, right_character) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(left_character != *right_character);
            diagonal = row[right_index + 1];
            row[right_index + 1] = replaced.min(diagonal + 1).min(row[right_index] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_candidate_is_the_one_of_fewest_edits() {
        let keys = ["id", "kind", "measures", "reports"];
        assert_eq!(nearest("measure", keys.into_iter()), Some("measures"));
        assert_eq!(nearest("Kind", keys.into_iter()), Some("kind"));
        assert_eq!(nearest("colour", keys.into_iter()), None);
        assert_eq!(edits_between("kitten", "sitting"), 3);
    }

    #[test]
    fn lines_and_columns_count_from_one_in_characters() {
        let problems = Problems::new("a\n户户=1\n", "x.toml");
        assert_eq!(problems.line_and_column(0), (1, 1));
        assert_eq!(problems.line_and_column(2 + 6), (2, 3));
        assert_eq!(problems.line_and_column(11), (3, 1));
    }
}
