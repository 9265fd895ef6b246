//! What the command line says.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use terrarium_view_model::{Audience, Drawing, Language, Overlay};

/// The camera that shows the whole park.
pub const HOME: &str = "home";

/// The 3D twin of a park: in a window, or as a picture.
#[derive(Debug, Clone, Parser)]
#[command(name = "twin-viewer", version)]
pub struct Args {
    /// Where the park's services answer
    #[arg(
        long,
        env = "TERRARIUM_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:7470"
    )]
    pub server: String,

    /// The park to show
    #[arg(long, value_name = "PARK", required_unless_present_any = ["park_file", "benchmark", "goto"])]
    pub park: Option<String>,

    /// Token that lets the viewer in; what it does in the park is done in this token's name
    #[arg(
        long,
        env = "TERRARIUM_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true
    )]
    pub token: Option<String>,

    /// Certificates to trust (PEM), for a server with https
    #[arg(long, env = "TERRARIUM_TLS_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,

    /// Show the park of this file, without any server and without values
    #[arg(long, value_name = "FILE", conflicts_with = "park")]
    pub park_file: Option<PathBuf>,

    /// Render one picture without a window, then end
    #[arg(long, requires = "out")]
    pub offscreen: bool,

    /// With --offscreen: a picture of every link in this file, one a line, as the viewer copies them (- is standard input);
    /// they go into the folder --out as 1.png, 2.png and so on, and their paths to standard output. A link without a moment
    /// shows the newest state, and the next line is read when its picture is there
    #[arg(long, value_name = "FILE", requires = "offscreen", conflicts_with_all = ["at", "goto", "park_file", "incident", "kiosk", "visitors"])]
    pub links: Option<PathBuf>,

    /// With --links: beside every picture (without signs) 1.mask.png and so on, in which each asset has the colour of its
    /// number, counted from 1 in the order of the ids: five bits each in red, green and blue, the highest first, each times 8
    /// and 4 more; black is no asset
    #[arg(long, requires = "links")]
    pub masks: bool,

    /// The moment to show, like 2026-06-21T12:00:00+08:00; now if left out
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,

    /// home, top, north, east, south or west, or the name of a zone or an asset
    #[arg(long, value_name = "NAME", default_value = HOME)]
    pub camera: String,

    /// Where the picture goes (PNG); with --links the folder
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Of the picture or of the window, in points
    #[arg(long, value_name = "WxH", default_value = "1920x1080", value_parser = parse_size)]
    pub size: (u32, u32),

    /// Draw so many times finer in both directions, then average: smooth edges for pictures
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=4))]
    pub samples: u32,

    /// What the park is coloured by
    #[arg(long, value_enum, default_value = "none")]
    pub overlay: OverlayName,

    /// Language of the texts
    #[arg(long, value_enum, default_value = "en")]
    pub language: LanguageName,

    /// How the park is drawn
    #[arg(long, value_enum, default_value = "scene")]
    pub drawing: DrawingName,

    /// Show what a link says, like terrarium://haotian?at=...&select=...
    #[arg(long, value_name = "LINK", conflicts_with_all = ["park_file", "at"])]
    pub goto: Option<String>,

    /// Show the carbon ledger
    #[arg(long)]
    pub ledger: bool,

    /// Who the screen is for: a wall takes no commands, visitors see no alarms either
    #[arg(long, value_enum, default_value = "operator")]
    pub audience: AudienceName,

    /// Screens that follow one another, from this file (TOML)
    #[arg(long, value_name = "FILE", conflicts_with = "visitors")]
    pub kiosk: Option<PathBuf>,

    /// The public display: progress, today's sun, water, waste, trees
    #[arg(long)]
    pub visitors: bool,

    /// Size of texts, 1 is usual
    #[arg(long, value_name = "FACTOR", value_parser = parse_scale)]
    pub ui_scale: Option<f32>,

    /// Write the report of a shift to this file (.md or .html), then end
    #[arg(long, value_name = "FILE", conflicts_with_all = ["offscreen", "park_file"])]
    pub shift_report: Option<PathBuf>,

    /// Beginning of the shift, like 2026-06-21T06:00:00+08:00; eight hours before its end if left out
    #[arg(long, value_name = "TIME", requires = "shift_report")]
    pub from: Option<String>,

    /// End of the shift; now if left out
    #[arg(long, value_name = "TIME", requires = "shift_report")]
    pub to: Option<String>,

    /// With --offscreen: also write the incident bundle of the moment, one ZIP file, into this folder
    #[arg(long, value_name = "FOLDER", requires = "offscreen")]
    pub incident: Option<PathBuf>,

    /// Where reports, bundles and pictures that are asked for in the window go
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub save_to: PathBuf,

    /// Tell every change of what is shown as a line of JSON to this file; - is standard output
    #[arg(long, value_name = "FILE")]
    pub status_out: Option<String>,

    /// Keep the accessibility tree (every control with its words and its place) in this file
    #[arg(long, value_name = "FILE")]
    pub controls_out: Option<PathBuf>,

    /// Select this asset
    #[arg(long, value_name = "ASSET")]
    pub select: Option<String>,

    /// Only the park, without panels
    #[arg(long)]
    pub bare: bool,

    /// Nothing turns or flows by itself
    #[arg(long)]
    pub reduced_motion: bool,

    /// Measure so many frames of a made-up park without a window, print figures, then end; with --park: seeks in the last day
    /// of that park on its server, and that day again and again
    #[arg(long, value_name = "FRAMES")]
    pub benchmark: Option<u32>,

    /// Assets of the benchmark's park
    #[arg(
        long,
        value_name = "N",
        default_value_t = 2_000,
        requires = "benchmark"
    )]
    pub assets: u32,
}

/// Overlays as they are written on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OverlayName {
    None,
    Power,
    Charge,
    Water,
    Waste,
    Carbon,
    Quality,
    Imbalance,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LanguageName {
    En,
    Zh,
}

/// Drawings as they are written on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DrawingName {
    Scene,
    Plan,
    Electric,
    Water,
}

impl From<DrawingName> for Drawing {
    fn from(name: DrawingName) -> Drawing {
        match name {
            DrawingName::Scene => Drawing::Scene,
            DrawingName::Plan => Drawing::Plan,
            DrawingName::Electric => Drawing::Electric,
            DrawingName::Water => Drawing::Water,
        }
    }
}

/// Audiences as they are written on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AudienceName {
    Operator,
    Wall,
    Visitors,
}

impl From<AudienceName> for Audience {
    fn from(name: AudienceName) -> Audience {
        match name {
            AudienceName::Operator => Audience::Operator,
            AudienceName::Wall => Audience::Wall,
            AudienceName::Visitors => Audience::Visitors,
        }
    }
}

impl From<OverlayName> for Overlay {
    fn from(name: OverlayName) -> Overlay {
        match name {
            OverlayName::None => Overlay::None,
            OverlayName::Power => Overlay::Power,
            OverlayName::Charge => Overlay::StateOfCharge,
            OverlayName::Water => Overlay::Water,
            OverlayName::Waste => Overlay::WasteFill,
            OverlayName::Carbon => Overlay::CarbonIntensity,
            OverlayName::Quality => Overlay::DataQuality,
            OverlayName::Imbalance => Overlay::Imbalance,
        }
    }
}

impl From<LanguageName> for Language {
    fn from(name: LanguageName) -> Language {
        match name {
            LanguageName::En => Language::English,
            LanguageName::Zh => Language::Chinese,
        }
    }
}

fn parse_scale(text: &str) -> Result<f32, String> {
    let scale = text
        .parse::<f32>()
        .ok()
        .filter(|scale| (0.5..=4.0).contains(scale));
    scale.ok_or_else(|| format!("`{text}` is no size of texts: write a number from 0.5 to 4"))
}

fn parse_size(text: &str) -> Result<(u32, u32), String> {
    const LEAST: u32 = 64;
    const MOST: u32 = 7_680;
    let sides = text.split_once('x').and_then(|(width, height)| {
        let side = |text: &str| {
            text.parse::<u32>()
                .ok()
                .filter(|side| (LEAST..=MOST).contains(side))
        };
        Some((side(width)?, side(height)?))
    });
    sides.ok_or_else(|| {
        format!("`{text}` is no size: write it like 1920x1080, each side from {LEAST} to {MOST}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_wrong_ones_refused() {
        assert_eq!(parse_size("640x360"), Ok((640, 360)));
        for wrong in ["640", "x360", "640x", "1x1", "99999x10", "640 x 360"] {
            assert!(parse_size(wrong).is_err(), "{wrong} passed");
        }
    }

    #[test]
    fn a_park_or_its_file_must_be_named() {
        assert!(Args::try_parse_from(["twin-viewer"]).is_err());
        assert!(Args::try_parse_from(["twin-viewer", "--park", "haotian"]).is_ok());
        assert!(Args::try_parse_from(["twin-viewer", "--park-file", "haotian.toml"]).is_ok());
        assert!(Args::try_parse_from(["twin-viewer", "--park", "haotian", "--offscreen"]).is_err());
        assert!(Args::try_parse_from(["twin-viewer", "--goto", "terrarium://haotian"]).is_ok());
    }
}
