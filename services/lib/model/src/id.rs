//! Names of things: validated when made, cheap to clone, ordered as text.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::found::shown;

/// A text that is no id. The message says what is allowed and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}: {}", self.what_is_wrong(), self.remedy())]
pub struct InvalidId {
    what: &'static str,
    signs: &'static str,
    most: usize,
    found: String,
}

impl InvalidId {
    pub(crate) fn what_is_wrong(&self) -> String {
        format!("{} is no {}", self.found, self.what)
    }

    pub(crate) fn remedy(&self) -> String {
        format!(
            "write 1 to {} of a-z, 0-9, {}, starting with a letter or digit",
            self.most, self.signs
        )
    }
}

/// The letters an id is made of, besides a-z and 0-9, and its greatest length in bytes.
struct Alphabet {
    what: &'static str,
    signs: &'static [u8],
    signs_in_words: &'static str,
    most: usize,
}

impl Alphabet {
    fn check(&self, text: &str) -> Result<(), InvalidId> {
        let bytes = text.as_bytes();
        let is_letter_or_digit = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let starts_well = bytes.first().is_some_and(is_letter_or_digit);
        let all_allowed = bytes
            .iter()
            .all(|byte| is_letter_or_digit(byte) || self.signs.contains(byte));
        if starts_well && all_allowed && bytes.len() <= self.most {
            return Ok(());
        }
        Err(InvalidId {
            what: self.what,
            signs: self.signs_in_words,
            most: self.most,
            found: shown(text),
        })
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $alphabet:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            const ALPHABET: Alphabet = $alphabet;

            /// Checks the text and makes it an id.
            pub fn new(text: &str) -> Result<Self, InvalidId> {
                Self::ALPHABET.check(text)?;
                Ok(Self(Arc::from(text)))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{}({:?})", stringify!($name), &*self.0)
            }
        }

        // Lets a map keyed by ids be asked with a &str; sound because the derived order and hash are those of the text.
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }
    };
}

const fn dotted(what: &'static str) -> Alphabet {
    Alphabet {
        what,
        signs: b"._-",
        signs_in_words: "'.', '_', '-'",
        most: 64,
    }
}

id!(
    /// A park: `[a-z0-9][a-z0-9-]*`, at most 32. No dot, because it is one token of a bus subject.
    ParkId,
    Alphabet { what: "park id", signs: b"-", signs_in_words: "'-'", most: 32 }
);
id!(
    /// A zone of a park: `[a-z0-9][a-z0-9._-]*`, at most 64.
    ZoneId,
    dotted("zone id")
);
id!(
    /// An asset of a park: `[a-z0-9][a-z0-9._-]*`, at most 64. Assets and meters are different namespaces.
    AssetId,
    dotted("asset id")
);
id!(
    /// A meter of a park: `[a-z0-9][a-z0-9._-]*`, at most 64.
    MeterId,
    dotted("meter id")
);
id!(
    /// A set of emission factors, whose versions follow each other: `[a-z0-9][a-z0-9._-]*`, at most 64.
    FactorSetId,
    dotted("factor set id")
);

id!(
    /// The definition of an alarm: `[a-z0-9][a-z0-9._-]*`, at most 64.
    AlarmDefinitionId,
    dotted("alarm id")
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_the_documented_letters_are_taken() {
        assert_eq!(
            MeterId::new("home-01.load").unwrap().as_str(),
            "home-01.load"
        );
        assert_eq!(ParkId::new("zne-homes").unwrap().to_string(), "zne-homes");
        assert!(AssetId::new(&"a".repeat(64)).is_ok());
        assert!(ParkId::new(&"a".repeat(32)).is_ok());
    }

    #[test]
    fn other_ids_are_refused_and_the_message_says_what_is_allowed_and_found() {
        for bad in ["", "Home", "-a", ".a", "a b", "a/b", "a*", "a>", "é", "a\n"] {
            assert!(MeterId::new(bad).is_err(), "{bad:?} was taken");
        }
        assert!(ParkId::new("zne.homes").is_err());
        assert!(ParkId::new("zne_homes").is_err());
        assert!(ParkId::new(&"a".repeat(33)).is_err());
        assert!(ZoneId::new(&"a".repeat(65)).is_err());
        assert_eq!(
            ParkId::new("ZNE.homes").unwrap_err().to_string(),
            "\"ZNE.homes\" is no park id: write 1 to 32 of a-z, 0-9, '-', starting with a letter or digit"
        );
    }

    #[test]
    fn deserializing_an_id_validates_it() {
        #[derive(Debug, Deserialize)]
        struct Row {
            meter: MeterId,
        }
        let row: Row = toml::from_str("meter = 'home-01.pv'").unwrap();
        assert_eq!(row.meter, MeterId::new("home-01.pv").unwrap());
        let refused = toml::from_str::<Row>("meter = 'Home 1'").unwrap_err();
        assert!(refused.to_string().contains("is no meter id"), "{refused}");
    }

    #[test]
    fn a_map_of_ids_can_be_asked_with_text() {
        let map = std::collections::BTreeMap::from([(AssetId::new("b").unwrap(), 1)]);
        assert_eq!(map.get("b"), Some(&1));
    }
}
