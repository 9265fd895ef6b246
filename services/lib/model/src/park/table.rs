//! Reading one table of the document, with a problem for each key that can't be taken as it stands.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::definition::Name;
use super::problem::{Problems, list, nearest, nearest_or_all};
use crate::found::shown;
use crate::quantity::Decimal;

/// Longest name or region, in characters.
const MOST_TEXT_CHARACTERS: usize = 200;

/// A value and the byte of the text where it stands.
#[derive(Debug, Clone)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) at: usize,
}

/// A table of the document, what it is called in messages, and where it starts.
pub(super) struct Table<'d> {
    pub(super) place: String,
    pub(super) at: usize,
    pub(super) entries: &'d DeTable<'d>,
}

impl<'d> Table<'d> {
    pub(super) fn get(&self, key: &str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.entries
            .iter()
            .find(|(found, _)| found.get_ref() == key)
            .map(|(_, value)| value)
    }

    pub(super) fn note_unknown_keys(&self, allowed: &[&'static str], problems: &mut Problems<'_>) {
        for key in self.entries.keys() {
            let name: &str = key.get_ref();
            if allowed.contains(&name) {
                continue;
            }
            let what = format!("{} has an unknown key {}", self.place, shown(name));
            let remedy = match nearest(name, allowed.iter().copied()) {
                Some(near) => format!(
                    "did you mean \"{near}\"? Known keys are {}",
                    list(allowed.iter().copied())
                ),
                None => format!(
                    "leave it out; known keys are {}",
                    list(allowed.iter().copied())
                ),
            };
            problems.note(key.span().start, what, remedy);
        }
    }

    /// Reads every table of an array of tables; an absent array is an empty one.
    pub(super) fn read_each<T>(
        &self,
        key: &str,
        read: impl Fn(&Table<'_>, &mut Problems<'_>) -> T,
        problems: &mut Problems<'_>,
    ) -> Vec<T> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let Some(elements) = value.get_ref().as_array() else {
            note_wrong_type(
                problems,
                key,
                value,
                &format!("an array of tables: [[{key}]]"),
            );
            return Vec::new();
        };
        let mut drafts = Vec::with_capacity(elements.len());
        for element in elements {
            let Some(entries) = element.get_ref().as_table() else {
                note_wrong_type(
                    problems,
                    key,
                    element,
                    &format!("an array of tables: [[{key}]]"),
                );
                continue;
            };
            let mut table = Table {
                place: format!("[[{key}]]"),
                at: element.span().start,
                entries,
            };
            if let Some(id) = table.get("id").and_then(|id| id.get_ref().as_str()) {
                table.place = format!("[[{key}]] {}", shown(id));
            }
            drafts.push(read(&table, problems));
        }
        drafts
    }

    /// The value of a key that must be there.
    pub(super) fn required(
        &self,
        key: &str,
        example: &str,
        problems: &mut Problems<'_>,
    ) -> Option<&'d Spanned<DeValue<'d>>> {
        let value = self.get(key);
        if value.is_none() {
            problems.note(
                self.at,
                format!("{} has no key \"{key}\"", self.place),
                format!("write {example}"),
            );
        }
        value
    }

    pub(super) fn required_text(
        &self,
        key: &str,
        example: &str,
        problems: &mut Problems<'_>,
    ) -> Option<Located<String>> {
        let value = self.required(key, &format!("{key} = \"{example}\""), problems)?;
        read_text(key, value, problems)
    }

    /// The value of a key that must be one of the tokens.
    pub(super) fn choice<T: Copy>(
        &self,
        key: &str,
        tokens: &[(&'static str, T)],
        problems: &mut Problems<'_>,
    ) -> Option<T> {
        let example = format!("{key} = one of {}", tokens_list(tokens));
        let value = self.required(key, &example, problems)?;
        let text = read_text(key, value, problems)?;
        let choice = tokens.iter().find(|(token, _)| *token == text.value);
        if choice.is_none() {
            let remedy = nearest_or_all(&text.value, tokens.iter().map(|(token, _)| *token));
            problems.note(
                text.at,
                format!("{key} = {} is not known", shown(&text.value)),
                remedy,
            );
        }
        choice.map(|(_, chosen)| *chosen)
    }

    /// The name in both languages.
    pub(super) fn name(&self, problems: &mut Problems<'_>) -> Option<Name> {
        self.in_both_languages("name", "Home 1", "一号住宅", problems)
    }

    /// A text in both languages.
    pub(super) fn in_both_languages(
        &self,
        key: &str,
        example_en: &str,
        example_zh: &str,
        problems: &mut Problems<'_>,
    ) -> Option<Name> {
        let example = format!("{key} = {{ en = \"{example_en}\", zh = \"{example_zh}\" }}");
        let value = self.required(key, &example, problems)?;
        let Some(entries) = value.get_ref().as_table() else {
            note_wrong_type(problems, key, value, "{ en = \"...\", zh = \"...\" }");
            return None;
        };
        let table = Table {
            place: format!("{key} of {}", self.place),
            at: value.span().start,
            entries,
        };
        table.note_unknown_keys(&["en", "zh"], problems);
        let en = table.required_text("en", example_en, problems);
        let zh = table.required_text("zh", example_zh, problems);
        Some(Name {
            en: en?.value,
            zh: zh?.value,
        })
    }
}

/// A text that says something: not empty, not too long, nothing in it that a table can't print.
pub(super) fn read_text(
    key: &str,
    value: &Spanned<DeValue<'_>>,
    problems: &mut Problems<'_>,
) -> Option<Located<String>> {
    let at = value.span().start;
    let Some(text) = value.get_ref().as_str() else {
        note_wrong_type(problems, key, value, "a text in quotes");
        return None;
    };
    if text.trim().is_empty() {
        problems.note(
            at,
            format!("{key} is empty"),
            "write a text that is not empty",
        );
        return None;
    }
    if text.trim() != text || text.chars().any(char::is_control) {
        problems.note(
            at,
            format!(
                "{key} = {} has spaces around it or control characters in it",
                shown(text)
            ),
            "leave them out",
        );
        return None;
    }
    let characters = text.chars().count();
    if characters > MOST_TEXT_CHARACTERS {
        problems.note(
            at,
            format!("{key} has {characters} characters"),
            format!("write at most {MOST_TEXT_CHARACTERS}"),
        );
        return None;
    }
    Some(Located {
        value: text.to_owned(),
        at,
    })
}

pub(super) fn note_wrong_type(
    problems: &mut Problems<'_>,
    key: &str,
    value: &Spanned<DeValue<'_>>,
    wanted: &str,
) {
    let found = value.get_ref().type_str();
    problems.note(
        value.span().start,
        format!("{key} is of type {found}"),
        format!("write {wanted}"),
    );
}

pub(super) fn tokens_list<T>(tokens: &[(&'static str, T)]) -> String {
    list(tokens.iter().map(|(token, _)| *token))
}

/// A number as its digits stand in the text, by way of no float.
pub(super) fn read_decimal(
    key: &str,
    value: &Spanned<DeValue<'_>>,
    wanted: &str,
    problems: &mut Problems<'_>,
) -> Option<Decimal> {
    let digits = match value.get_ref() {
        DeValue::Float(float) => float.as_str(),
        DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str(),
        _ => {
            note_wrong_type(problems, key, value, wanted);
            return None;
        }
    };
    match Decimal::parse(digits.strip_prefix('+').unwrap_or(digits)) {
        Ok(decimal) => Some(decimal),
        Err(error) => {
            problems.note(
                value.span().start,
                format!("{key}: {error}"),
                format!("write {wanted}"),
            );
            None
        }
    }
}

/// A whole number within bounds.
pub(super) fn read_whole(
    key: &str,
    value: &Spanned<DeValue<'_>>,
    bounds: std::ops::RangeInclusive<i64>,
    problems: &mut Problems<'_>,
) -> Option<i64> {
    let (least, most) = (bounds.start(), bounds.end());
    let wanted = format!("{key} = a whole number from {least} to {most}, without a point");
    let whole = match value.get_ref() {
        DeValue::Integer(integer) if integer.radix() == 10 => {
            let digits = integer.as_str();
            digits.strip_prefix('+').unwrap_or(digits)
        }
        _ => {
            note_wrong_type(problems, key, value, &wanted);
            return None;
        }
    };
    match whole.parse::<i64>() {
        Ok(number) if bounds.contains(&number) => Some(number),
        _ => {
            problems.note(
                value.span().start,
                format!("{key} = {whole} is out of range"),
                format!("write {wanted}"),
            );
            None
        }
    }
}
