//! Links to a view of a park: `terrarium://haotian?at=2026-11-20T12%3A00%3A00%2B08%3A00&select=bin-1&drawing=plan`.

use std::fmt::Write;

use terrarium_model::{TimeZone, UnixMillis, parse_rfc3339_with_offset};
use thiserror::Error;

use crate::camera::CameraPose;
use crate::overlay::Overlay;
use crate::park_view::GroundPoint;
use crate::single_line::Drawing;

const SCHEME: &str = "terrarium://";

/// What a link asks to be shown. What is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeepLink {
    pub park: String,
    /// `None`: live.
    pub moment_ms: Option<i64>,
    /// Id of an asset.
    pub select: Option<String>,
    pub overlay: Option<Overlay>,
    pub drawing: Option<Drawing>,
    pub camera: Option<CameraPose>,
    /// Id of an alarm whose card is open.
    pub alarm: Option<String>,
    /// Id of a ledger entry that is explained.
    pub entry: Option<String>,
    /// The two moments of a comparison.
    pub compare_ms: Option<(i64, i64)>,
}

/// Why a text is no link.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LinkError {
    #[error("`{0}` is no link to a park: it begins with terrarium://PARK")]
    NoLink(String),
    #[error(
        "the link's part `{0}` is not known: use at, select, overlay, drawing, eye, alarm, entry, compare"
    )]
    UnknownPart(String),
    #[error("the link's {part} `{text}` can't be read: write it like {like}")]
    Unreadable {
        part: &'static str,
        text: String,
        like: &'static str,
    },
}

impl DeepLink {
    /// Reads a link.
    pub fn parse(text: &str) -> Result<DeepLink, LinkError> {
        let no_link = || LinkError::NoLink(text.to_owned());
        let rest = text.trim().strip_prefix(SCHEME).ok_or_else(no_link)?;
        let (park, query) = rest.split_once('?').unwrap_or((rest, ""));
        let park = decoded(park.trim_end_matches('/')).ok_or_else(no_link)?;
        if park.is_empty() {
            return Err(no_link());
        }
        let mut link = DeepLink {
            park,
            ..DeepLink::default()
        };
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let unknown = || LinkError::UnknownPart(part.to_owned());
            let value = decoded(value).ok_or_else(unknown)?;
            link.take(name, value).map_err(|error| match error {
                LinkError::UnknownPart(_) => unknown(),
                other => other,
            })?;
        }
        Ok(link)
    }

    fn take(&mut self, name: &str, value: String) -> Result<(), LinkError> {
        const MOMENT: &str = "2026-06-21T12:00:00+08:00";
        let unreadable = |part, text: &str, like| LinkError::Unreadable {
            part,
            text: text.to_owned(),
            like,
        };
        match name {
            "at" => {
                let moment = moment_ms(&value).ok_or_else(|| unreadable("at", &value, MOMENT))?;
                self.moment_ms = Some(moment);
            }
            "select" => self.select = Some(value),
            "overlay" => {
                let overlay = Overlay::from_token(&value);
                let overlay = overlay.ok_or_else(|| unreadable("overlay", &value, "power"))?;
                self.overlay = Some(overlay);
            }
            "drawing" => {
                let drawing = Drawing::from_token(&value);
                let like = "scene, plan, electric or water";
                self.drawing = Some(drawing.ok_or_else(|| unreadable("drawing", &value, like))?);
            }
            "eye" => {
                let pose = pose(&value);
                let like =
                    "12.5,-3,80,35,90 (east, north, distance in metres; pitch, heading in degrees)";
                self.camera = Some(pose.ok_or_else(|| unreadable("eye", &value, like))?);
            }
            "alarm" => self.alarm = Some(value),
            "entry" => self.entry = Some(value),
            "compare" => {
                let moments = value
                    .split_once(',')
                    .and_then(|(one, other)| Some((moment_ms(one)?, moment_ms(other)?)));
                let like = "2026-06-21T12:00:00+08:00,2026-06-22T12:00:00+08:00";
                let moments = moments.ok_or_else(|| unreadable("compare", &value, like))?;
                self.compare_ms = Some(moments);
            }
            other => return Err(LinkError::UnknownPart(other.to_owned())),
        }
        Ok(())
    }

    /// Writes the link, times in a zone.
    pub fn text(&self, zone: &TimeZone) -> String {
        let mut text = format!("{SCHEME}{}", encoded(&self.park));
        let mut mark = '?';
        let mut part = |name: &str, value: &str| {
            // Writing into a String takes all.
            let _ = write!(text, "{mark}{name}={}", encoded(value));
            mark = '&';
        };
        let moment = |ms: i64| zone.format_rfc3339(UnixMillis(ms).seconds());
        if let Some(ms) = self.moment_ms {
            part("at", &moment(ms));
        }
        if let Some(select) = &self.select {
            part("select", select);
        }
        if let Some(overlay) = self.overlay {
            part("overlay", overlay.token());
        }
        if let Some(drawing) = self.drawing {
            part("drawing", drawing.token());
        }
        if let Some(pose) = self.camera {
            let numbers = [
                pose.target.east_m,
                pose.target.north_m,
                pose.distance_m,
                pose.pitch_deg,
                pose.heading_deg,
            ];
            part(
                "eye",
                &numbers.map(|number| format!("{number:.1}")).join(","),
            );
        }
        if let Some(alarm) = &self.alarm {
            part("alarm", alarm);
        }
        if let Some(entry) = &self.entry {
            part("entry", entry);
        }
        if let Some((a_ms, b_ms)) = self.compare_ms {
            part("compare", &format!("{},{}", moment(a_ms), moment(b_ms)));
        }
        text
    }
}

fn moment_ms(text: &str) -> Option<i64> {
    Some(parse_rfc3339_with_offset(text).ok()?.0 * 1_000)
}

fn pose(text: &str) -> Option<CameraPose> {
    let numbers: Option<Vec<f32>> = text
        .split(',')
        .map(|number| {
            number
                .parse::<f32>()
                .ok()
                .filter(|number| number.is_finite())
        })
        .collect();
    let [east_m, north_m, distance_m, pitch_deg, heading_deg] = numbers?[..] else {
        return None;
    };
    let pose = CameraPose {
        target: GroundPoint { east_m, north_m },
        distance_m,
        pitch_deg,
        heading_deg,
    };
    Some(pose.held_in())
}

/// Percent-encoding of RFC 3986: all but its unreserved characters, "/" and ",".
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/,".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// `None`: no percent-encoded UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            let (high, low) = (digit(rest.next())?, digit(rest.next())?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> TimeZone {
        TimeZone::named("Asia/Shanghai").expect("it is in the database")
    }

    #[test]
    fn a_link_says_again_what_it_was_made_of() {
        let link = DeepLink {
            park: "haotian".into(),
            moment_ms: Some(1_777_615_392_000),
            select: Some("charger-1".into()),
            overlay: Some(Overlay::StateOfCharge),
            drawing: Some(Drawing::Electric),
            camera: Some(CameraPose {
                target: GroundPoint {
                    east_m: 12.5,
                    north_m: -3.0,
                },
                distance_m: 80.0,
                pitch_deg: 35.0,
                heading_deg: 90.0,
            }),
            alarm: Some("bin-overflow/垃圾 1".into()),
            entry: Some("emission/home-01/2016-08-02T02:00:00Z/scope2-location".into()),
            compare_ms: Some((1_777_615_392_000, 1_777_615_999_000)),
        };
        let text = link.text(&zone());
        assert!(text.is_ascii() && !text.contains(' '), "{text}");
        assert_eq!(DeepLink::parse(&text), Ok(link));
        let bare = DeepLink::parse("terrarium://haotian").expect("a link");
        assert_eq!(bare.text(&zone()), "terrarium://haotian");
    }

    #[test]
    fn a_wrong_link_is_refused_with_its_place() {
        for (text, said) in [
            ("http://haotian", "begins with terrarium://PARK"),
            ("terrarium://", "begins with terrarium://PARK"),
            ("terrarium://haotian?when=now", "`when=now` is not known"),
            ("terrarium://haotian?at=noon", "at `noon` can't be read"),
            ("terrarium://haotian?at=2026-06-21T12:00:00", "at"),
            ("terrarium://haotian?overlay=smell", "overlay `smell`"),
            ("terrarium://haotian?eye=1,2,3", "eye `1,2,3`"),
            ("terrarium://haotian?eye=1,2,3,4,NaN", "eye"),
            ("terrarium://haotian?select=%zz", "`select=%zz`"),
        ] {
            let error = DeepLink::parse(text).expect_err(text).to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
