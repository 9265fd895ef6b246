//! One theme at a time over the whole park: a value and a colour per asset, a legend, a total with its coverage.

use terrarium_model::AssetKind;

use crate::asset_state::AssetState;
use crate::carbon::CarbonBalances;
use crate::color::{NO_DATA, Rgb, diverging, sequential, share_of_quality};
use crate::park_view::{AssetView, ParkView};
use crate::quality::Quality;
use crate::words::Word;

/// What the park is coloured by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Overlay {
    #[default]
    None,
    Power,
    StateOfCharge,
    Water,
    WasteFill,
    CarbonIntensity,
    DataQuality,
    Imbalance,
}

/// The unit that a legend's figures are told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegendUnit {
    Watt,
    Percent,
    GramsCo2PerKwh,
    /// Best and worst are named instead of numbers.
    Quality,
    WattHour,
}

/// An asset's value in an overlay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OverlayValue {
    /// In the unit of the legend.
    pub value: f64,
    /// Place on the scale, 0 to 1.
    pub share: f32,
    pub color: Rgb,
    /// The value can't be trusted: it is drawn hatched.
    pub is_doubtful: bool,
}

/// What the colours mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Legend {
    pub title: Word,
    pub unit: LegendUnit,
    /// Values at the two ends of the scale.
    pub range: (f64, f64),
    /// The scale has a neutral middle.
    pub is_diverging: bool,
    /// All values together: their sum, or their mean weighted by capacity where they are shares.
    pub total: Option<f64>,
    /// Where the total stands on the scale, where it is a mean.
    pub marker: Option<f32>,
    /// Assets with a value that is trusted, and assets that should have one.
    pub coverage: Coverage,
}

/// "37 of 40".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Coverage {
    pub have: u32,
    pub of: u32,
}

impl Coverage {
    /// Whether nothing is missing.
    pub fn is_whole(self) -> bool {
        self.have == self.of
    }
}

/// The park in one overlay.
#[derive(Debug, Clone, PartialEq)]
pub struct OverlayView {
    pub overlay: Overlay,
    /// By asset index; `None`: the overlay does not concern the asset.
    pub values: Vec<Option<OverlayCell>>,
    pub legend: Option<Legend>,
}

/// An asset that the overlay concerns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OverlayCell {
    /// It should have a value and has none: drawn hatched in [`NO_DATA`].
    NoData,
    Value(OverlayValue),
}

impl OverlayCell {
    /// The colour to draw.
    pub fn color(&self) -> Rgb {
        match self {
            OverlayCell::NoData => NO_DATA,
            OverlayCell::Value(value) => value.color,
        }
    }
}

/// A value before it is put on a scale.
#[derive(Clone, Copy)]
struct Raw {
    value: f64,
    /// Weight in a mean.
    weight: f64,
    is_doubtful: bool,
}

enum Scale {
    /// From zero to the greatest value.
    FromZero,
    /// From 0 to 100 %.
    Share,
    /// As far to one side of zero as to the other.
    AroundZero,
    Quality,
}

struct Theme {
    title: Word,
    unit: LegendUnit,
    scale: Scale,
    /// The total is a weighted mean, else a sum.
    is_mean: bool,
}

impl Overlay {
    /// In the order of the chooser.
    pub const ALL: [Overlay; 8] = [
        Overlay::None,
        Overlay::Power,
        Overlay::StateOfCharge,
        Overlay::Water,
        Overlay::WasteFill,
        Overlay::CarbonIntensity,
        Overlay::DataQuality,
        Overlay::Imbalance,
    ];

    /// As it is written in links and on the command line.
    pub fn token(self) -> &'static str {
        match self {
            Overlay::None => "none",
            Overlay::Power => "power",
            Overlay::StateOfCharge => "charge",
            Overlay::Water => "water",
            Overlay::WasteFill => "waste",
            Overlay::CarbonIntensity => "carbon",
            Overlay::DataQuality => "quality",
            Overlay::Imbalance => "imbalance",
        }
    }

    /// By its token.
    pub fn from_token(token: &str) -> Option<Overlay> {
        Overlay::ALL
            .into_iter()
            .find(|overlay| overlay.token() == token)
    }

    /// Its name.
    pub fn title(self) -> Word {
        match self {
            Overlay::None => Word::OverlayNone,
            Overlay::Power => Word::OverlayPower,
            Overlay::StateOfCharge => Word::OverlayStateOfCharge,
            Overlay::Water => Word::OverlayWater,
            Overlay::WasteFill => Word::OverlayWasteFill,
            Overlay::CarbonIntensity => Word::OverlayCarbonIntensity,
            Overlay::DataQuality => Word::OverlayDataQuality,
            Overlay::Imbalance => Word::OverlayImbalance,
        }
    }

    /// The theme that a change between two moments is shown in: overlays without one of their own show power.
    pub fn or_power(self) -> Overlay {
        match self {
            Overlay::None
            | Overlay::CarbonIntensity
            | Overlay::DataQuality
            | Overlay::Imbalance => Overlay::Power,
            other => other,
        }
    }

    fn theme(self) -> Option<Theme> {
        let (unit, scale, is_mean) = match self {
            Overlay::None => return None,
            Overlay::Power => (LegendUnit::Watt, Scale::AroundZero, false),
            Overlay::StateOfCharge | Overlay::Water | Overlay::WasteFill => {
                (LegendUnit::Percent, Scale::Share, true)
            }
            Overlay::CarbonIntensity => (LegendUnit::GramsCo2PerKwh, Scale::FromZero, true),
            Overlay::DataQuality => (LegendUnit::Quality, Scale::Quality, true),
            Overlay::Imbalance => (LegendUnit::WattHour, Scale::AroundZero, false),
        };
        Some(Theme {
            title: self.title(),
            unit,
            scale,
            is_mean,
        })
    }

    /// Whether an asset of the park belongs into this overlay.
    fn concerns(self, asset: &AssetView, state: &AssetState, carbon: &CarbonBalances) -> bool {
        match self {
            Overlay::None => false,
            Overlay::Power => !asset.meters.is_empty() || state.power_w.is_some(),
            Overlay::StateOfCharge => asset.kind == AssetKind::Battery,
            Overlay::Water => asset.kind == AssetKind::Tank,
            Overlay::WasteFill => matches!(asset.kind, AssetKind::Bin | AssetKind::CompostBay),
            Overlay::CarbonIntensity | Overlay::Imbalance => carbon.of(&asset.id).is_some(),
            Overlay::DataQuality => !asset.meters.is_empty() || state.quality.is_some(),
        }
    }

    fn raw(self, asset: &AssetView, state: &AssetState, carbon: &CarbonBalances) -> Option<Raw> {
        let is_doubtful = state.quality.is_some_and(|quality| !quality.is_trusted());
        let share = |weight: i64| {
            state.full.map(|full| Raw {
                value: f64::from(full) * 100.0,
                weight: weight.max(1) as f64,
                is_doubtful,
            })
        };
        match self {
            Overlay::None => None,
            Overlay::Power => state.power_w.map(|power_w| Raw {
                value: power_w as f64,
                weight: 1.0,
                is_doubtful,
            }),
            Overlay::StateOfCharge | Overlay::Water => share(asset.capacity().unwrap_or(1)),
            // Bins and bays have no common measure, so each counts alike.
            Overlay::WasteFill => share(1),
            Overlay::CarbonIntensity => {
                let line = carbon.of(&asset.id)?;
                Some(Raw {
                    value: line.grams_per_kwh()?,
                    weight: line.consumption_wh.max(1) as f64,
                    is_doubtful: line.hours_missing > 0,
                })
            }
            Overlay::DataQuality => state.quality.map(|quality| Raw {
                value: f64::from(share_of_quality(quality)) * 100.0,
                weight: 1.0,
                is_doubtful: false,
            }),
            Overlay::Imbalance => {
                let line = carbon.of(&asset.id)?;
                (line.hours_metered > 0).then_some(Raw {
                    value: line.unexplained_wh as f64,
                    weight: 1.0,
                    is_doubtful: line.hours_missing > 0,
                })
            }
        }
    }
}

impl OverlayView {
    /// Colours a park.
    pub fn of(
        overlay: Overlay,
        park: &ParkView,
        states: &[AssetState],
        carbon: &CarbonBalances,
    ) -> OverlayView {
        let Some(theme) = overlay.theme() else {
            return OverlayView {
                overlay,
                values: vec![None; park.assets.len()],
                legend: None,
            };
        };
        let raws: Vec<Option<Option<Raw>>> = park
            .assets
            .iter()
            .zip(states)
            .map(|(asset, state)| {
                overlay
                    .concerns(asset, state, carbon)
                    .then(|| overlay.raw(asset, state, carbon))
            })
            .collect();
        theme.view(overlay, &raws)
    }
}

impl OverlayView {
    /// The ledger's figures are those of another moment than the one shown: where the overlay is about them, none of them is
    /// trusted.
    pub(crate) fn doubt_the_ledger(&mut self) {
        if !matches!(self.overlay, Overlay::CarbonIntensity | Overlay::Imbalance) {
            return;
        }
        for cell in self.values.iter_mut().flatten() {
            if let OverlayCell::Value(value) = cell {
                value.is_doubtful = true;
            }
        }
        if let Some(legend) = &mut self.legend {
            legend.coverage.have = 0;
        }
    }

    /// Colours a park by what changed between two moments.
    pub(crate) fn of_change(
        overlay: Overlay,
        park: &ParkView,
        (before, after): (&[AssetState], &[AssetState]),
        carbon: &CarbonBalances,
    ) -> OverlayView {
        let unit = overlay.theme().map_or(LegendUnit::Watt, |theme| theme.unit);
        let theme = Theme {
            title: overlay.title(),
            unit,
            scale: Scale::AroundZero,
            is_mean: false,
        };
        let raws: Vec<Option<Option<Raw>>> = park
            .assets
            .iter()
            .zip(before.iter().zip(after))
            .map(|(asset, (before, after))| {
                let concerned = overlay.concerns(asset, before, carbon)
                    || overlay.concerns(asset, after, carbon);
                concerned.then(|| {
                    let before = overlay.raw(asset, before, carbon)?;
                    let after = overlay.raw(asset, after, carbon)?;
                    Some(Raw {
                        value: after.value - before.value,
                        weight: 1.0,
                        is_doubtful: before.is_doubtful || after.is_doubtful,
                    })
                })
            })
            .collect();
        let mut view = theme.view(overlay, &raws);
        if let Some(legend) = view.legend.as_mut().filter(|_| unit == LegendUnit::Percent) {
            // Percentage points of different stores have no sum.
            legend.total = None;
        }
        view
    }
}

impl Theme {
    fn view(&self, overlay: Overlay, raws: &[Option<Option<Raw>>]) -> OverlayView {
        let range = self.range(raws.iter().flatten().flatten());
        let values = raws
            .iter()
            .map(|raw| raw.map(|raw| raw.map_or(OverlayCell::NoData, |raw| self.cell(raw, range))))
            .collect();
        OverlayView {
            overlay,
            values,
            legend: Some(self.legend(raws, range)),
        }
    }

    fn range<'a>(&self, raws: impl Iterator<Item = &'a Raw>) -> (f64, f64) {
        let greatest = raws.map(|raw| raw.value.abs()).fold(0.0, f64::max);
        let greatest = round_up(greatest);
        match self.scale {
            Scale::FromZero => (0.0, greatest),
            Scale::Share | Scale::Quality => (0.0, 100.0),
            Scale::AroundZero => (-greatest, greatest),
        }
    }

    fn share(&self, value: f64, range: (f64, f64)) -> f32 {
        (((value - range.0) / (range.1 - range.0)) as f32).clamp(0.0, 1.0)
    }

    fn cell(&self, raw: Raw, range: (f64, f64)) -> OverlayCell {
        let share = self.share(raw.value, range);
        OverlayCell::Value(OverlayValue {
            value: raw.value,
            share,
            color: self.color(share),
            is_doubtful: raw.is_doubtful,
        })
    }

    fn color(&self, share: f32) -> Rgb {
        match self.scale {
            Scale::AroundZero => diverging(share),
            Scale::FromZero | Scale::Share | Scale::Quality => sequential(share),
        }
    }

    fn legend(&self, raws: &[Option<Option<Raw>>], range: (f64, f64)) -> Legend {
        let concerned = raws.iter().flatten();
        let known: Vec<&Raw> = concerned.clone().flatten().collect();
        let sum: f64 = known.iter().map(|raw| raw.value * self.weight(raw)).sum();
        let weights: f64 = known.iter().map(|raw| self.weight(raw)).sum();
        let total = match (known.is_empty(), self.is_mean) {
            (true, _) => None,
            (false, true) => Some(sum / weights),
            (false, false) => Some(sum),
        };
        let trusted = known.iter().filter(|raw| !raw.is_doubtful);
        Legend {
            title: self.title,
            unit: self.unit,
            range,
            is_diverging: matches!(self.scale, Scale::AroundZero),
            total,
            marker: total
                .filter(|_| self.is_mean)
                .map(|mean| self.share(mean, range)),
            coverage: Coverage {
                have: trusted.count() as u32,
                of: concerned.count() as u32,
            },
        }
    }

    fn weight(&self, raw: &Raw) -> f64 {
        if self.is_mean { raw.weight } else { 1.0 }
    }
}

impl Legend {
    /// The colour at a place of the scale, 0 to 1, for drawing the bar.
    pub fn color_at(&self, share: f32) -> Rgb {
        if self.is_diverging {
            diverging(share)
        } else {
            sequential(share)
        }
    }
}

/// The next of 1, 2, 5 times a power of ten, so that a scale does not jump with every value; 1 for zero.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return 1.0;
    }
    let decade = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|step| step * decade)
        .find(|step| *step >= value * (1.0 - 1e-12))
        .unwrap_or(10.0 * decade)
}

/// The colour of a quality, as in the data-quality overlay.
pub fn quality_color(quality: Quality) -> Rgb {
    sequential(share_of_quality(quality))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_at_round_numbers() {
        let ends = [0.0, 0.3, 1.0, 1.1, 2.0, 4_300.0, 98_000.0].map(round_up);
        assert_eq!(ends, [1.0, 0.5, 1.0, 2.0, 2.0, 5_000.0, 100_000.0]);
    }
}
