//! Names of streams and their bus subjects.

use std::fmt;
use std::sync::Arc;

/// Name of the stream of one aggregate: `<domain>.<kind>-<park>.<id>`, such as `energy.meter-haotian.pv-1`.
///
/// The part before the first `-` is the category, as EventStoreDB reads names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StreamName {
    text: Arc<str>,
    kind_start: usize,
    park_start: usize,
    id_start: usize,
}

/// A text that is no stream name.
#[derive(Debug, thiserror::Error)]
#[error("\"{0}\" is no stream name; one looks like \"energy.meter-haotian.pv-1\"")]
pub struct InvalidStreamName(String);

impl StreamName {
    /// Puts a name together from its parts.
    pub fn new(domain: &str, kind: &str, park: &str, id: &str) -> StreamName {
        StreamName {
            text: format!("{domain}.{kind}-{park}.{id}").into(),
            kind_start: domain.len() + 1,
            park_start: domain.len() + 1 + kind.len() + 1,
            id_start: domain.len() + 1 + kind.len() + 1 + park.len() + 1,
        }
    }

    /// Takes a name apart, without a copy where it is shared already: folds do it for every event.
    pub fn parse(text: impl Into<Arc<str>>) -> Result<StreamName, InvalidStreamName> {
        let text = text.into();
        let invalid = || InvalidStreamName(text.to_string());
        let (category, rest) = text.split_once('-').ok_or_else(invalid)?;
        let (domain, kind) = category.split_once('.').ok_or_else(invalid)?;
        let (park, id) = rest.split_once('.').ok_or_else(invalid)?;
        if [domain, kind, park, id].iter().any(|part| part.is_empty()) {
            return Err(invalid());
        }
        let kind_start = domain.len() + 1;
        let park_start = category.len() + 1;
        let id_start = park_start + park.len() + 1;
        Ok(StreamName {
            text,
            kind_start,
            park_start,
            id_start,
        })
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The whole name, shared.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    /// Service domain, such as `energy`.
    pub fn domain(&self) -> &str {
        &self.text[..self.kind_start - 1]
    }

    /// Kind of aggregate, such as `meter`.
    pub fn kind(&self) -> &str {
        &self.text[self.kind_start..self.park_start - 1]
    }

    /// Park id.
    pub fn park(&self) -> &str {
        &self.text[self.park_start..self.id_start - 1]
    }

    /// Id of the aggregate within its park and kind.
    pub fn id(&self) -> &str {
        &self.text[self.id_start..]
    }

    /// Subject on the bus: `park.<park>.<domain>.<kind>.<id>`.
    pub fn subject(&self) -> String {
        format!(
            "park.{}.{}.{}.{}",
            self.park(),
            self.domain(),
            self.kind(),
            self.id()
        )
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_apart_into_the_parts_it_was_made_of() {
        let name = StreamName::new("energy", "meter", "zne-homes", "home-01.load");
        assert_eq!(name.as_str(), "energy.meter-zne-homes.home-01.load");
        let parsed = StreamName::parse(name.as_str()).expect("own name parses");
        assert_eq!(parsed, name);
        assert_eq!(
            (parsed.domain(), parsed.kind(), parsed.park(), parsed.id()),
            ("energy", "meter", "zne-homes", "home-01.load")
        );
        assert_eq!(parsed.subject(), "park.zne-homes.energy.meter.home-01.load");
    }

    #[test]
    fn a_text_without_all_parts_is_refused() {
        for text in [
            "",
            "energy",
            "energy.meter",
            "energy-park.id",
            "energy.meter-park",
            "energy.meter-.id",
        ] {
            assert!(StreamName::parse(text).is_err(), "{text}");
        }
    }
}
