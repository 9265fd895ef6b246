//! `[[published]]`: what is published of a park, to be held beside what its twin records.

use super::asset::WasteStream;
use super::definition::Name;
use super::problem::Problems;
use super::references::{Places, resolve};
use super::table::{Located, Table, read_decimal, read_text};
use super::tokens::tokens;
use crate::found::shown;
use crate::id::AssetId;
use crate::quantity::Decimal;

/// A figure that is published of the park, or that is wanted though nothing is published of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    pub figure: PublishedFigure,
    pub name: Name,
    /// What was planned or expected, in the figure's unit.
    pub planned: Option<Decimal>,
    /// What was measured.
    pub measured: Option<Decimal>,
    /// Whether the twin's own figure was fitted to it.
    pub basis: FigureBasis,
    /// Only of this asset and of what leads to it by water; only of figures of water.
    pub asset: Option<AssetId>,
    /// Only of this stream; only of figures of waste.
    pub stream: Option<WasteStream>,
    /// Where it is published, or that it is not.
    pub source: String,
}

/// What a published figure is about. The unit follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PublishedFigure {
    Generation,
    OwnUse,
    Export,
    Import,
    OwnShare,
    ToVehicles,
    FromVehicles,
    FreshWater,
    Irrigation,
    IrrigationWithoutFreshWater,
    WasteCollected,
    CompostTaken,
    TreeUptake,
    Visitors,
    OtherEmissions,
}

impl PublishedFigure {
    /// Unit of the figure; of a year unless it says otherwise.
    pub fn unit(self) -> &'static str {
        match self {
            PublishedFigure::Generation
            | PublishedFigure::OwnUse
            | PublishedFigure::Export
            | PublishedFigure::Import
            | PublishedFigure::ToVehicles
            | PublishedFigure::FromVehicles => "MWh/a",
            PublishedFigure::OwnShare | PublishedFigure::IrrigationWithoutFreshWater => "%",
            PublishedFigure::FreshWater => "m3/d",
            PublishedFigure::Irrigation => "m3/a",
            PublishedFigure::WasteCollected | PublishedFigure::CompostTaken => "kg/a",
            PublishedFigure::TreeUptake => "t CO2/a",
            PublishedFigure::Visitors => "1/d",
            PublishedFigure::OtherEmissions => "t CO2e/a",
        }
    }
}

/// How the twin's own figure stands to the published one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FigureBasis {
    /// An assumption was fitted so that it comes out near the published one: it shows nothing but that the fit holds.
    Calibrated,
    /// It follows from the rest: it may differ, and where it does that says something.
    Follows,
    /// The twin has nothing to say about it.
    NotSimulated,
}

tokens!(PublishedFigure {
    Generation "generation",
    OwnUse "own_use",
    Export "export",
    Import "import",
    OwnShare "own_share",
    ToVehicles "to_vehicles",
    FromVehicles "from_vehicles",
    FreshWater "fresh_water",
    Irrigation "irrigation",
    IrrigationWithoutFreshWater "irrigation_without_fresh_water",
    WasteCollected "waste_collected",
    CompostTaken "compost_taken",
    TreeUptake "tree_uptake",
    Visitors "visitors",
    OtherEmissions "other_emissions",
});
tokens!(FigureBasis {
    Calibrated "calibrated",
    Follows "follows",
    NotSimulated "not_simulated",
});

#[derive(Debug)]
pub(super) struct DraftPublished {
    at: usize,
    figure: Option<PublishedFigure>,
    name: Option<Name>,
    planned: Option<Decimal>,
    measured: Option<Decimal>,
    basis: Option<FigureBasis>,
    asset: Option<Located<String>>,
    stream: Option<WasteStream>,
    source: Option<Located<String>>,
}

const KEYS: &[&str] = &[
    "figure", "name", "planned", "measured", "basis", "asset", "stream", "source",
];

pub(super) fn read_published(table: &Table<'_>, problems: &mut Problems<'_>) -> DraftPublished {
    table.note_unknown_keys(KEYS, problems);
    let figure = table.choice("figure", PublishedFigure::TOKENS, problems);
    let number = |key: &str, problems: &mut Problems<'_>| {
        let value = table.get(key)?;
        let unit = figure.map_or("the figure's unit", PublishedFigure::unit);
        read_decimal(key, value, &format!("a number in {unit}"), problems)
    };
    let planned = number("planned", problems);
    let measured = number("measured", problems);
    let is_of = |fits: fn(PublishedFigure) -> bool| figure.is_none_or(fits);
    let is_of_water = is_of(|figure| figure == PublishedFigure::FreshWater);
    let is_of_waste = is_of(|figure| figure == PublishedFigure::WasteCollected);
    for (key, is_known) in [("asset", is_of_water), ("stream", is_of_waste)] {
        if let (Some(value), false) = (table.get(key), is_known) {
            let figure = figure.map_or("", PublishedFigure::token);
            problems.note(
                value.span().start,
                format!(
                    "{} has {key}, but {figure} is of the whole park",
                    table.place
                ),
                "leave it out",
            );
        }
    }
    DraftPublished {
        at: table.at,
        figure,
        name: table.name(problems),
        planned,
        measured,
        basis: table.choice("basis", FigureBasis::TOKENS, problems),
        asset: table
            .get("asset")
            .and_then(|value| read_text("asset", value, problems)),
        stream: table
            .get("stream")
            .and_then(|_| table.choice("stream", WasteStream::TOKENS, problems)),
        source: table.required_text("source", "the owner's description of 2022", problems),
    }
}

/// The rows in the order of the file; `None` if one is not good, which was noted then.
pub(super) fn build_published(
    drafts: &[DraftPublished],
    assets: &Places<'_>,
    problems: &mut Problems<'_>,
) -> Option<Vec<Published>> {
    let mut rows: Vec<Option<Published>> = Vec::with_capacity(drafts.len());
    for draft in drafts {
        if let Some(asset) = &draft.asset {
            resolve("asset", asset, assets, problems);
        }
        let row = build_row(draft);
        let is_double = row.as_ref().is_some_and(|row| {
            let same = |other: &Published| {
                (other.figure, &other.asset, other.stream) == (row.figure, &row.asset, row.stream)
            };
            rows.iter().flatten().any(same)
        });
        if is_double {
            let figure = draft.figure.map_or("", PublishedFigure::token);
            problems.note(
                draft.at,
                format!("figure {} is there twice", shown(figure)),
                "leave one out, or tell them apart by asset or stream",
            );
        }
        rows.push(row);
    }
    rows.into_iter().collect()
}

fn build_row(draft: &DraftPublished) -> Option<Published> {
    let asset = match &draft.asset {
        Some(asset) => Some(AssetId::new(&asset.value).ok()?),
        None => None,
    };
    Some(Published {
        figure: draft.figure?,
        name: draft.name.clone()?,
        planned: draft.planned,
        measured: draft.measured,
        basis: draft.basis?,
        asset,
        stream: draft.stream,
        source: draft.source.as_ref()?.value.clone(),
    })
}
