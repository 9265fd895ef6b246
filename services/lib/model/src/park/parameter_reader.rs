//! The parameters of one asset, key by key.

use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::DeValue;

use super::asset::AssetKind;
use super::problem::Problems;
use super::table::{Located, Table, note_wrong_type, read_text, read_whole, tokens_list};
use crate::id::AssetId;

/// A parameter that names another asset.
#[derive(Debug)]
pub(super) struct AssetReference {
    pub(super) key: &'static str,
    pub(super) to: Located<String>,
    /// What the other asset must be.
    pub(super) kind: AssetKind,
}

/// Reads the parameters of one asset and remembers which keys it was asked for, so that all others are unknown.
pub(super) struct ParameterReader<'t, 'd> {
    pub(super) table: &'t Table<'d>,
    kind: AssetKind,
    /// All that were asked for.
    pub(super) keys: Vec<&'static str>,
    /// Keys that are absent and were left to their default.
    pub(super) defaulted: Vec<String>,
    pub(super) references: Vec<AssetReference>,
}

impl<'t, 'd> ParameterReader<'t, 'd> {
    pub(super) fn new(table: &'t Table<'d>, kind: AssetKind) -> Self {
        Self {
            table,
            kind,
            keys: Vec::new(),
            defaulted: Vec::new(),
            references: Vec::new(),
        }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.get(key).is_some()
    }

    fn optional(&mut self, key: &'static str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.keys.push(key);
        self.table.get(key)
    }

    fn required(
        &mut self,
        key: &'static str,
        example: &str,
        problems: &mut Problems<'_>,
    ) -> Option<&'d Spanned<DeValue<'d>>> {
        let value = self.optional(key);
        if value.is_none() {
            problems.note(
                self.table.at,
                format!(
                    "{} of kind \"{}\" has no key \"{key}\"",
                    self.table.place, self.kind
                ),
                format!("write {key} = {example}"),
            );
        }
        value
    }

    pub(super) fn whole(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<i64>,
        example: &str,
        problems: &mut Problems<'_>,
    ) -> Option<i64> {
        let value = self.required(key, example, problems)?;
        read_whole(key, value, bounds, problems)
    }

    pub(super) fn whole_or(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<i64>,
        default: i64,
        problems: &mut Problems<'_>,
    ) -> Option<i64> {
        match self.optional(key) {
            Some(value) => read_whole(key, value, bounds, problems),
            None => {
                self.defaulted.push(key.to_owned());
                Some(default)
            }
        }
    }

    pub(super) fn degrees_or(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<i64>,
        default: i64,
        problems: &mut Problems<'_>,
    ) -> Option<i32> {
        let degrees = self.whole_or(key, bounds, default, problems)?;
        Some(i32::try_from(degrees).expect("the bounds of an angle fit 32 bits"))
    }

    pub(super) fn flag_or(
        &mut self,
        key: &'static str,
        default: bool,
        problems: &mut Problems<'_>,
    ) -> Option<bool> {
        let Some(value) = self.optional(key) else {
            self.defaulted.push(key.to_owned());
            return Some(default);
        };
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            note_wrong_type(
                problems,
                key,
                value,
                &format!("{key} = true or {key} = false"),
            );
        }
        flag
    }

    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        tokens: &[(&'static str, T)],
        problems: &mut Problems<'_>,
    ) -> Option<T> {
        self.required(key, &format!("one of {}", tokens_list(tokens)), problems)?;
        self.table.choice(key, tokens, problems)
    }

    /// As [`ParameterReader::choice`]; what is left out is no assumption but has this meaning.
    pub(super) fn choice_or<T: Copy>(
        &mut self,
        key: &'static str,
        tokens: &[(&'static str, T)],
        default: T,
        problems: &mut Problems<'_>,
    ) -> Option<T> {
        if self.optional(key).is_none() {
            return Some(default);
        }
        self.table.choice(key, tokens, problems)
    }

    pub(super) fn text(
        &mut self,
        key: &'static str,
        example: &str,
        problems: &mut Problems<'_>,
    ) -> Option<String> {
        let value = self.required(key, &format!("\"{example}\""), problems)?;
        Some(read_text(key, value, problems)?.value)
    }

    /// The id of another asset; whether there is one of this kind is checked when all assets are known.
    pub(super) fn asset(
        &mut self,
        key: &'static str,
        kind: AssetKind,
        problems: &mut Problems<'_>,
    ) -> Option<AssetId> {
        let value = self.required(
            key,
            &format!("the id of an asset of kind \"{kind}\""),
            problems,
        )?;
        self.reference(key, value, kind, problems)
    }

    pub(super) fn optional_asset(
        &mut self,
        key: &'static str,
        kind: AssetKind,
        problems: &mut Problems<'_>,
    ) -> Option<AssetId> {
        let value = self.optional(key)?;
        self.reference(key, value, kind, problems)
    }

    fn reference(
        &mut self,
        key: &'static str,
        value: &Spanned<DeValue<'_>>,
        kind: AssetKind,
        problems: &mut Problems<'_>,
    ) -> Option<AssetId> {
        let to = read_text(key, value, problems)?;
        // An asset of an id that is none can't exist, so the reference is told as leading nowhere.
        let id = AssetId::new(&to.value).ok();
        self.references.push(AssetReference { key, to, kind });
        id
    }
}
