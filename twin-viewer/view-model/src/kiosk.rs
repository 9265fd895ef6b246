//! Screens that follow one another by themselves, from a file:
//!
//! ```toml
//! audience = "visitors"
//! language = "zh"
//! seconds = 20
//!
//! [[screens]]
//! page = "visitors"
//!
//! [[screens]]
//! drawing = "electric"
//! overlay = "power"
//! seconds = 30
//! ```

use serde::Deserialize;
use thiserror::Error;

use crate::audience::{Audience, Page};
use crate::command::Command;
use crate::overlay::Overlay;
use crate::single_line::Drawing;
use crate::words::Language;

const LEAST_SECONDS: u32 = 3;
const MOST_SECONDS: u32 = 86_400;
const MOST_SCREENS: usize = 100;

/// Which screens are shown to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kiosk {
    pub audience: Audience,
    /// One or more, in turn.
    pub screens: Vec<Screen>,
}

/// One screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screen {
    pub seconds: u32,
    pub page: Page,
    pub drawing: Drawing,
    pub overlay: Overlay,
    /// Name of a camera, a zone or an asset.
    pub camera: String,
    /// `None`: as it is.
    pub language: Option<Language>,
}

/// Why a file describes no kiosk.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KioskError {
    #[error("{0}")]
    Toml(String),
    #[error("{place}: `{found}` is not known: write one of {known}")]
    Unknown {
        place: String,
        found: String,
        known: String,
    },
    #[error("{place}: {found} seconds: write {LEAST_SECONDS} to {MOST_SECONDS}")]
    Seconds { place: String, found: i64 },
    #[error("{0} [[screens]]: write 1 to {MOST_SCREENS}")]
    Screens(usize),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    audience: Option<String>,
    language: Option<String>,
    seconds: Option<i64>,
    #[serde(default)]
    screens: Vec<FileScreen>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileScreen {
    page: Option<String>,
    drawing: Option<String>,
    overlay: Option<String>,
    camera: Option<String>,
    language: Option<String>,
    seconds: Option<i64>,
}

impl Kiosk {
    /// Reads a file's text.
    pub fn parse(text: &str) -> Result<Kiosk, KioskError> {
        const USUAL_SECONDS: i64 = 20;
        let file: File =
            toml::from_str(text).map_err(|error| KioskError::Toml(error.to_string()))?;
        if !(1..=MOST_SCREENS).contains(&file.screens.len()) {
            return Err(KioskError::Screens(file.screens.len()));
        }
        let tokens = Audience::ALL.map(Audience::token);
        let audience = known(
            file.audience.as_deref(),
            "audience",
            &tokens,
            Audience::from_token,
        )?;
        let language = known(
            file.language.as_deref(),
            "language",
            &LANGUAGES,
            language_of,
        )?;
        let seconds = file.seconds.unwrap_or(USUAL_SECONDS);
        let screens = file.screens.iter().enumerate().map(|(number, screen)| {
            let place = |field: &str| format!("screen {}, {field}", number + 1);
            let pages = Page::ALL.map(Page::token);
            let drawings = Drawing::ALL.map(Drawing::token);
            let overlays = Overlay::ALL.map(Overlay::token);
            let audience = audience.unwrap_or_default();
            let page = known(
                screen.page.as_deref(),
                &place("page"),
                &pages,
                Page::from_token,
            )?;
            let usual_page = match audience {
                Audience::Visitors => Page::Visitors,
                _ => Page::Park,
            };
            let own_language = known(
                screen.language.as_deref(),
                &place("language"),
                &LANGUAGES,
                language_of,
            )?;
            Ok(Screen {
                seconds: seconds_of(screen.seconds.unwrap_or(seconds), &place("seconds"))?,
                page: page.unwrap_or(usual_page).for_audience(audience),
                drawing: known(
                    screen.drawing.as_deref(),
                    &place("drawing"),
                    &drawings,
                    Drawing::from_token,
                )?
                .unwrap_or_default(),
                overlay: known(
                    screen.overlay.as_deref(),
                    &place("overlay"),
                    &overlays,
                    Overlay::from_token,
                )?
                .unwrap_or_default(),
                camera: screen.camera.clone().unwrap_or_else(|| "home".into()),
                language: own_language.or(language),
            })
        });
        Ok(Kiosk {
            audience: audience.unwrap_or_default(),
            screens: screens.collect::<Result<_, KioskError>>()?,
        })
    }

    /// One page for the public, for ever.
    pub fn for_visitors() -> Kiosk {
        Kiosk {
            audience: Audience::Visitors,
            screens: vec![Screen {
                seconds: MOST_SECONDS,
                page: Page::Visitors,
                drawing: Drawing::Scene,
                overlay: Overlay::None,
                camera: "home".into(),
                language: None,
            }],
        }
    }

    /// The screen that is due after so long.
    pub fn screen_at(&self, elapsed_ms: u64) -> (usize, &Screen) {
        let lengths = self
            .screens
            .iter()
            .map(|screen| u64::from(screen.seconds) * 1_000);
        let round_ms: u64 = lengths.clone().sum();
        let mut left_ms = elapsed_ms % round_ms.max(1);
        for (number, length_ms) in lengths.enumerate() {
            if left_ms < length_ms {
                return (number, &self.screens[number]);
            }
            left_ms -= length_ms;
        }
        (0, &self.screens[0])
    }
}

impl Screen {
    /// What brings this screen up; its camera goes by name and is the scene's business.
    pub fn commands(&self) -> Vec<Command> {
        let mut commands = vec![
            Command::ShowPage(self.page),
            Command::ShowDrawing(self.drawing),
            Command::SetOverlay(self.overlay),
        ];
        commands.extend(self.language.map(Command::SetLanguage));
        commands
    }
}

const LANGUAGES: [&str; 2] = ["en", "zh"];

fn language_of(token: &str) -> Option<Language> {
    match token {
        "en" => Some(Language::English),
        "zh" => Some(Language::Chinese),
        _ => None,
    }
}

fn seconds_of(found: i64, place: &str) -> Result<u32, KioskError> {
    u32::try_from(found)
        .ok()
        .filter(|seconds| (LEAST_SECONDS..=MOST_SECONDS).contains(seconds))
        .ok_or_else(|| KioskError::Seconds {
            place: place.to_owned(),
            found,
        })
}

fn known<T>(
    found: Option<&str>,
    place: &str,
    tokens: &[&str],
    read: fn(&str) -> Option<T>,
) -> Result<Option<T>, KioskError> {
    let Some(found) = found else {
        return Ok(None);
    };
    match read(found) {
        Some(value) => Ok(Some(value)),
        None => Err(KioskError::Unknown {
            place: place.to_owned(),
            found: found.to_owned(),
            known: tokens.join(", "),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn screens_follow_one_another_and_begin_again() {
        let kiosk = Kiosk::parse(
            "language = \"zh\"\nseconds = 5\n[[screens]]\noverlay = \"power\"\n\
             [[screens]]\ndrawing = \"water\"\nseconds = 10\nlanguage = \"en\"\n",
        )
        .expect("a kiosk");
        let at = |seconds: u64| kiosk.screen_at(seconds * 1_000).0;
        assert_eq!([0, 4, 5, 14, 15, 20].map(at), [0, 0, 1, 1, 0, 1]);
        assert_eq!(kiosk.screens[0].language, Some(Language::Chinese));
        assert_eq!(kiosk.screens[1].language, Some(Language::English));
        assert_eq!(kiosk.screens[1].drawing, Drawing::Water);
    }

    #[test]
    fn the_public_never_gets_the_operators_desk() {
        let kiosk = Kiosk::parse(
            "audience = \"visitors\"\n[[screens]]\npage = \"desk\"\n[[screens]]\npage = \"ledger\"\n[[screens]]\n",
        )
        .expect("a kiosk");
        let pages: Vec<Page> = kiosk.screens.iter().map(|screen| screen.page).collect();
        assert_eq!(pages, [Page::Visitors; 3]);
    }

    #[test]
    fn a_wrong_file_is_refused_with_its_place() {
        for (text, said) in [
            ("", "0 [[screens]]"),
            (
                "[[screens]]\npage = \"lobby\"",
                "screen 1, page: `lobby` is not known",
            ),
            ("[[screens]]\nseconds = 1", "screen 1, seconds: 1 seconds"),
            ("[[screens]]\ncolour = \"red\"", "colour"),
            (
                "audience = \"dogs\"\n[[screens]]",
                "audience: `dogs` is not known: write one of operator, wall, visitors",
            ),
        ] {
            let error = Kiosk::parse(text).expect_err(text).to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
