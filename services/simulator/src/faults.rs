//! Faults that devices can be given on request: what real sensors and networks do to good data.
//!
//! A fault is written `DEVICE:KIND[=VALUE][@FROM..TO]`, such as `bin-3:stuck@2025-06-01..2025-06-08`. Without a time it
//! holds for the whole run, without an end from its start on. Which reports are hit follows from the seed.

use std::str::FromStr;

use terrarium_model::{UnixSeconds, parse_rfc3339_with_offset};
use thiserror::Error;

use crate::chance::Chance;
use crate::park::Fact;

/// What is wrong with a device.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FaultKind {
    /// The value of its first report within the fault, again and again.
    Stuck,
    /// Normal noise of this share of the value.
    Noise(f64),
    /// Grows by this share of the value each day.
    Drift(f64),
    /// This share of the reports is never sent.
    Dropout(f64),
    /// This share of the reports is sent twice.
    Duplicate(f64),
    /// Every report is sent so many seconds late.
    Late(i64),
    /// This share of the reports is sent after the next interval's.
    OutOfOrder(f64),
    /// A thousandfold: Wh where kWh is meant.
    UnitSlip,
}

/// A fault of one device for a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    pub device: String,
    pub kind: FaultKind,
    pub from: UnixSeconds,
    /// Exclusive.
    pub to: UnixSeconds,
}

/// A text that is no fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{text}` is no fault: {what}; write DEVICE:KIND[=VALUE][@FROM..TO] with KIND one of stuck, noise=SHARE, drift=SHARE_PER_DAY, dropout=SHARE, duplicate=SHARE, late=SECONDS, out-of-order=SHARE, unit-slip, such as bin-3:stuck@2025-06-01..2025-06-08"
)]
pub struct BadFault {
    text: String,
    what: String,
}

impl FromStr for Fault {
    type Err = BadFault;

    fn from_str(text: &str) -> Result<Fault, BadFault> {
        let bad = |what: &str| BadFault {
            text: text.to_owned(),
            what: what.to_owned(),
        };
        let (device, rest) = text
            .split_once(':')
            .filter(|(device, _)| !device.is_empty())
            .ok_or_else(|| bad("there is no `:` after the device"))?;
        let (kind, times) = match rest.split_once('@') {
            Some((kind, times)) => (kind, Some(times)),
            None => (rest, None),
        };
        let (from, to) = match times {
            None => (UnixSeconds(i64::MIN), UnixSeconds(i64::MAX)),
            Some(times) => {
                let (from, to) = times
                    .split_once("..")
                    .ok_or_else(|| bad("there is no `..` between its times"))?;
                let from = instant(from).ok_or_else(|| bad("its start is no date"))?;
                let to = if to.is_empty() {
                    UnixSeconds(i64::MAX)
                } else {
                    instant(to).ok_or_else(|| bad("its end is no date"))?
                };
                (from, to)
            }
        };
        if to <= from {
            return Err(bad("it ends before it starts"));
        }
        Ok(Fault {
            device: device.to_owned(),
            kind: kind_of(kind).ok_or_else(|| bad("its kind is not known or lacks its value"))?,
            from,
            to,
        })
    }
}

fn kind_of(text: &str) -> Option<FaultKind> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let number = || value?.parse::<f64>().ok().filter(|value| value.is_finite());
    let share = || number().filter(|share| (0.0..=1.0).contains(share));
    Some(match (name, value) {
        ("stuck", None) => FaultKind::Stuck,
        ("unit-slip", None) => FaultKind::UnitSlip,
        ("noise", _) => FaultKind::Noise(share()?),
        ("drift", _) => FaultKind::Drift(number()?),
        ("dropout", _) => FaultKind::Dropout(share()?),
        ("duplicate", _) => FaultKind::Duplicate(share()?),
        ("out-of-order", _) => FaultKind::OutOfOrder(share()?),
        ("late", _) => FaultKind::Late(number().filter(|late_s| *late_s >= 0.0)? as i64),
        _ => return None,
    })
}

/// A date (midnight UTC) or RFC 3339.
fn instant(text: &str) -> Option<UnixSeconds> {
    if text.len() == 10 {
        return parse_rfc3339_with_offset(&format!("{text}T00:00:00Z")).ok();
    }
    parse_rfc3339_with_offset(text).ok()
}

/// Passes reports through the faults of their devices.
pub struct FaultyDelivery {
    seed: u64,
    faults: Vec<Fault>,
    stuck_at: Vec<Option<i64>>,
    drifts_since: Vec<Option<UnixSeconds>>,
    /// Reports on their way, with the time they arrive at.
    held: Vec<(UnixSeconds, Fact)>,
}

impl FaultyDelivery {
    pub fn new(seed: u64, faults: Vec<Fault>) -> FaultyDelivery {
        FaultyDelivery {
            seed,
            stuck_at: vec![None; faults.len()],
            drifts_since: vec![None; faults.len()],
            faults,
            held: Vec::new(),
        }
    }

    /// What arrives of the reports of an interval that ends at `now`, with what arrives now of earlier ones.
    pub fn deliver(&mut self, facts: Vec<Fact>, now: UnixSeconds, interval_s: u32) -> Vec<Fact> {
        if self.faults.is_empty() {
            return facts;
        }
        let mut arriving = Vec::with_capacity(facts.len());
        for (place, fact) in facts.into_iter().enumerate() {
            self.deliver_one(fact, place, now, interval_s, &mut arriving);
        }
        let (due, held) = std::mem::take(&mut self.held)
            .into_iter()
            .partition::<Vec<_>, _>(|(at, _)| *at <= now);
        self.held = held;
        arriving.extend(due.into_iter().map(|(_, fact)| fact));
        arriving
    }

    fn deliver_one(
        &mut self,
        mut fact: Fact,
        place: usize,
        now: UnixSeconds,
        interval_s: u32,
        arriving: &mut Vec<Fact>,
    ) {
        let mut copies = 1;
        let mut arrives = now;
        for index in 0..self.faults.len() {
            let fault = &self.faults[index];
            // Commands are no measurements.
            let is_hit = fault.device == fact.device()
                && (fault.from..fault.to).contains(&now)
                && measured(&mut fact).is_some();
            if !is_hit {
                continue;
            }
            // Several reports of one device and interval draw different numbers.
            let purpose = format!("fault-{index}-{place}");
            let mut chance = Chance::of(self.seed, &fault.device, now.0, &purpose);
            let draw = chance.uniform();
            match fault.kind {
                FaultKind::Dropout(share) if draw < share => return,
                FaultKind::Duplicate(share) if draw < share => copies = 2,
                FaultKind::OutOfOrder(share) if draw < share => {
                    arrives = UnixSeconds(now.0 + i64::from(interval_s));
                }
                FaultKind::Late(late_s) => arrives = UnixSeconds(now.0 + late_s),
                FaultKind::Stuck => {
                    if let Some(value) = measured(&mut fact) {
                        *value = *self.stuck_at[index].get_or_insert(*value);
                    }
                }
                FaultKind::Noise(share) => scale(&mut fact, 1.0 + share * chance.normal()),
                FaultKind::Drift(per_day) => {
                    let since = *self.drifts_since[index].get_or_insert(now);
                    let days = (now.0 - since.0) as f64 / 86_400.0;
                    scale(&mut fact, 1.0 + per_day * days);
                }
                FaultKind::UnitSlip => scale(&mut fact, 1_000.0),
                FaultKind::Dropout(_) | FaultKind::Duplicate(_) | FaultKind::OutOfOrder(_) => {}
            }
        }
        if arrives > now {
            self.held
                .extend((0..copies).map(|_| (arrives, fact.clone())));
        } else {
            arriving.extend((1..copies).map(|_| fact.clone()));
            arriving.push(fact);
        }
    }
}

/// The main value of a measurement.
fn measured(fact: &mut Fact) -> Option<&mut i64> {
    match fact {
        Fact::EnergyMetered { energy_wh, .. } => Some(energy_wh),
        Fact::RegisterRead { total_wh, .. } => Some(total_wh),
        Fact::StorageReported { stored_wh, .. } => Some(stored_wh),
        Fact::HeatMetered { heat_wh, .. } => Some(heat_wh),
        Fact::TankLevel { level_l, .. } => Some(level_l),
        Fact::TankFlow { litres, .. } | Fact::WaterMetered { litres, .. } => Some(litres),
        Fact::BinMeasured { weight_g, .. } => Some(weight_g),
        _ => None,
    }
}

fn scale(fact: &mut Fact, factor: f64) {
    if let Some(value) = measured(fact) {
        *value = (*value as f64 * factor.max(0.0)).round() as i64;
    }
}

#[cfg(test)]
mod tests {
    use terrarium_model::AssetId;

    use super::*;

    fn level(litres: i64, at_s: i64) -> Fact {
        Fact::TankLevel {
            tank: AssetId::new("tank").unwrap(),
            at: UnixSeconds(at_s),
            level_l: litres,
        }
    }

    fn deliver(fault: &str, levels: &[i64]) -> Vec<Vec<Fact>> {
        let mut delivery = FaultyDelivery::new(1, vec![fault.parse().unwrap()]);
        levels
            .iter()
            .zip(1..)
            .map(|(litres, step)| {
                let now = UnixSeconds(step * 900);
                delivery.deliver(vec![level(*litres, now.0)], now, 900)
            })
            .collect()
    }

    #[test]
    fn a_stuck_sensor_repeats_its_first_value() {
        let arrived = deliver("tank:stuck", &[5, 6, 7]);
        assert_eq!(arrived[2], [level(5, 2_700)]);
    }

    #[test]
    fn late_and_doubled_reports_arrive_with_their_own_times() {
        assert_eq!(
            deliver("tank:late=900", &[5, 6]),
            [vec![], vec![level(5, 900)]]
        );
        assert_eq!(deliver("tank:duplicate=1", &[5])[0].len(), 2);
        assert_eq!(deliver("tank:dropout=1", &[5]), [vec![]]);
        assert_eq!(deliver("tank:unit-slip", &[5]), [vec![level(5_000, 900)]]);
        assert_eq!(deliver("other:unit-slip", &[5]), [vec![level(5, 900)]]);
    }

    #[test]
    fn faults_are_read_as_they_are_documented_and_mistakes_are_told() {
        let fault: Fault = "bin-3:stuck@2025-06-01..2025-06-08".parse().unwrap();
        assert_eq!(fault.to.0 - fault.from.0, 7 * 86_400);
        for bad in [
            "bin-3",
            "bin-3:melted",
            "b:noise",
            "b:noise=2",
            "b:stuck@2025-06-01",
            "b:stuck@2025-06-08..2025-06-01",
        ] {
            let refusal = bad.parse::<Fault>().unwrap_err().to_string();
            assert!(refusal.contains("such as bin-3:stuck"), "{refusal}");
        }
    }
}
