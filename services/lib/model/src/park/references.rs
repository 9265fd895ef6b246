//! Ids and what refers to them.

use std::collections::BTreeMap;

use super::parse::Draft;
use super::problem::{Problems, list, nearest};
use super::table::Located;
use crate::found::shown;
use crate::id::InvalidId;

pub(super) fn check_id<T>(
    id: &Located<String>,
    new: impl Fn(&str) -> Result<T, InvalidId>,
    problems: &mut Problems<'_>,
) -> Option<T> {
    match new(&id.value) {
        Ok(checked) => Some(checked),
        Err(error) => {
            problems.note(id.at, error.what_is_wrong(), error.remedy());
            None
        }
    }
}

/// Where in its list each id is.
pub(super) struct Places<'d> {
    by_id: BTreeMap<&'d str, usize>,
    /// An id could not be read, so one that seems not to be there may just be that.
    has_unread: bool,
}

impl Places<'_> {
    /// The place of an id, without a word if there is none.
    pub(super) fn place_of(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }
}

/// Checks ids, each to be there once, and gives the place of each in its list.
pub(super) fn unique<'d, T>(
    what: &str,
    ids: impl Iterator<Item = Option<&'d Located<String>>>,
    new: impl Fn(&str) -> Result<T, InvalidId>,
    problems: &mut Problems<'_>,
) -> Places<'d> {
    let mut has_unread = false;
    let mut first: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (place, id) in ids.enumerate() {
        let Some(id) = id else {
            has_unread = true;
            continue;
        };
        if let Some((_, first_at)) = first.get(id.value.as_str()) {
            let remedy = format!("rename one (first at line {})", problems.line(*first_at));
            problems.note(
                id.at,
                format!("two {what} are named {}", shown(&id.value)),
                remedy,
            );
            continue;
        }
        check_id(id, &new, problems);
        first.insert(&id.value, (place, id.at));
    }
    let by_id = first
        .into_iter()
        .map(|(id, (place, _))| (id, place))
        .collect();
    Places { by_id, has_unread }
}

/// The place of what is referred to; noted as a problem when there is no such thing.
pub(super) fn resolve(
    what: &str,
    reference: &Located<String>,
    places: &Places<'_>,
    problems: &mut Problems<'_>,
) -> Option<usize> {
    let place = places.by_id.get(reference.value.as_str()).copied();
    if place.is_none() && !places.has_unread {
        let remedy = if problems.is_full() {
            String::new()
        } else if places.by_id.is_empty() {
            format!("write [[{what}s]] with this id")
        } else {
            match nearest(&reference.value, places.by_id.keys().copied()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!(
                    "add it as [[{what}s]], or write one of {}",
                    list(places.by_id.keys().copied())
                ),
            }
        };
        problems.note(
            reference.at,
            format!("there is no {what} {}", shown(&reference.value)),
            remedy,
        );
    }
    place
}

/// Parameters that name another asset must name one that is there, and of the kind that is meant.
pub(super) fn note_wrong_references(
    draft: &Draft,
    assets: &Places<'_>,
    problems: &mut Problems<'_>,
) {
    for asset in &draft.assets {
        for reference in &asset.references {
            let Some(place) = resolve("asset", &reference.to, assets, problems) else {
                continue;
            };
            let Some(kind) = draft.assets[place]
                .kind
                .filter(|kind| *kind != reference.kind)
            else {
                continue;
            };
            let of_kind = draft
                .assets
                .iter()
                .filter(|asset| asset.kind == Some(reference.kind));
            let ids: Vec<&str> = of_kind
                .filter_map(|asset| Some(asset.id.as_ref()?.value.as_str()))
                .collect();
            let remedy = if ids.is_empty() {
                format!(
                    "add an asset of kind \"{}\", and write its id",
                    reference.kind
                )
            } else {
                format!("write one of {}", list(ids.into_iter()))
            };
            problems.note(
                reference.to.at,
                format!(
                    "{} = {} is an asset of kind \"{kind}\", not \"{}\"",
                    reference.key,
                    shown(&reference.to.value),
                    reference.kind
                ),
                remedy,
            );
        }
    }
}
