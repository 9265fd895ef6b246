//! Finding assets by name in either language, by id, meter, kind or zone, or by the initials of the Chinese names' pinyin.

use pinyin::ToPinyin;

use crate::park_view::{AssetIndex, ParkView};
use crate::words::{Language, Word};

/// What an asset can be found by, made once per park.
#[derive(Debug, Clone, Default)]
pub struct SearchIndex {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    asset: AssetIndex,
    /// Lower case: names, id, meters, kind, zone.
    texts: Vec<String>,
    /// "yjsc" and "yijishengchang" of 一级...: initials and whole syllables of the name, the kind and the zone.
    initials: Vec<String>,
    syllables: Vec<String>,
}

/// How well a text fits; the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Whole,
    Start,
    WordStart,
    Initials,
    Within,
}

impl SearchIndex {
    /// Reads the names of a park.
    pub fn new(park: &ParkView) -> SearchIndex {
        let entries = park
            .indexed()
            .map(|(asset, view)| {
                let mut texts = vec![
                    view.name.en.to_lowercase(),
                    view.name.zh.to_lowercase(),
                    view.id.to_lowercase(),
                    view.kind.token().replace('_', " "),
                ];
                texts.extend(view.meters.iter().map(|meter| meter.to_lowercase()));
                // Tags: the kind in both languages, and the part of the park.
                let kind = Word::of_kind(view.kind);
                let tags = Language::ALL.map(|language| kind.text(language).to_lowercase());
                texts.extend(tags);
                let zone = park.zones.get(view.zone);
                texts.extend(zone.map(|zone| zone.id.to_lowercase()));
                let zone_names =
                    zone.map(|zone| [zone.name.en.to_lowercase(), zone.name.zh.clone()]);
                texts.extend(zone_names.into_iter().flatten());
                let zone_name = zone.map(|zone| zone.name.zh.as_str());
                let spoken = [view.name.zh.as_str(), kind.text(Language::Chinese)];
                let spoken: Vec<&str> = spoken.into_iter().chain(zone_name).collect();
                let sounds = |part: fn(pinyin::Pinyin) -> &'static str| {
                    spoken.iter().map(|name| spelled(name, part)).collect()
                };
                Entry {
                    asset,
                    texts,
                    initials: sounds(|pinyin| pinyin.first_letter()),
                    syllables: sounds(|pinyin| pinyin.plain()),
                }
            })
            .collect();
        SearchIndex { entries }
    }

    /// The assets that fit a query, the best first, at most `most`. The query fits as a whole, or
    /// every word of it does.
    pub fn find(&self, query: &str, most: usize) -> Vec<AssetIndex> {
        let query = query.to_lowercase();
        let words: Vec<&str> = query.split_whitespace().collect();
        if words.is_empty() {
            return Vec::new();
        }
        let mut found: Vec<(Fit, usize, AssetIndex)> = self
            .entries
            .iter()
            .filter_map(|entry| {
                let by_words = words.iter().map(|word| entry.fit(word));
                let by_words = by_words.collect::<Option<Vec<Fit>>>();
                let by_words = by_words.and_then(|fits| fits.into_iter().max());
                let best = entry.fit(query.trim()).into_iter().chain(by_words).min()?;
                // Of two that fit alike, the one with less beside what was asked for.
                Some((best, entry.texts[0].len(), entry.asset))
            })
            .collect();
        found.sort_unstable();
        let found = found.into_iter().take(most);
        found.map(|(_, _, asset)| asset).collect()
    }
}

impl Entry {
    fn fit(&self, word: &str) -> Option<Fit> {
        let by_text = self.texts.iter().filter_map(|text| fit_of(text, word));
        let sounds = self.initials.iter().chain(&self.syllables);
        let by_sound = sounds.filter_map(|sound| {
            if sound.starts_with(word) {
                Some(Fit::Initials)
            } else {
                sound.contains(word).then_some(Fit::Within)
            }
        });
        by_text.chain(by_sound).min()
    }
}

fn fit_of(text: &str, word: &str) -> Option<Fit> {
    if text == word {
        Some(Fit::Whole)
    } else if text.starts_with(word) {
        Some(Fit::Start)
    } else if text
        .split(|letter: char| !letter.is_alphanumeric())
        .any(|part| part.starts_with(word))
    {
        Some(Fit::WordStart)
    } else if text.contains(word) {
        Some(Fit::Within)
    } else {
        None
    }
}

/// A name by sound; letters and digits that are no Chinese characters stand as they are.
fn spelled(name: &str, part: fn(pinyin::Pinyin) -> &'static str) -> String {
    let mut spelled = String::new();
    for (letter, pinyin) in name.chars().zip(name.to_pinyin()) {
        match pinyin {
            Some(pinyin) => spelled.push_str(part(pinyin)),
            None if letter.is_alphanumeric() => spelled.extend(letter.to_lowercase()),
            None => {}
        }
    }
    spelled
}
