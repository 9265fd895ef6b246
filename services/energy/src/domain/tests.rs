//! Examples of what a meter decides, and properties that hold for any readings.

mod corrections;
mod far_past;
mod intervals;
mod properties;
mod quarantine;
mod registers;
mod rollover;

use terrarium_model::{MeterId, ParkId};

use super::*;

/// 2016-08-01T00:00:00Z.
const MIDNIGHT: i64 = 1_470_009_600;
const HOUR: u32 = 3_600;
const KWH: Unit = Unit::KilowattHour;

/// A meter with its past, and the context it decides in.
struct Bench {
    meter: Meter,
    context: MeterContext,
}

impl Bench {
    fn of(reports: Reports) -> Bench {
        Bench {
            meter: Meter::new(),
            context: MeterContext {
                park: ParkId::new("demo").expect("valid"),
                meter: MeterId::new("home-01.load").expect("valid"),
                reports,
                rated_w: 1_000,
                register_wraps_at_wh: None,
                now: UnixSeconds(MIDNIGHT + 7 * 86_400),
            },
        }
    }

    fn interval_meter() -> Bench {
        Bench::of(Reports::Interval)
    }

    fn register_meter() -> Bench {
        Bench::of(Reports::Register)
    }

    fn decide(&self, command: &MeterCommand) -> Result<Vec<MeterEvent>, MeterRejection> {
        self.meter.decide(&self.context, command)
    }

    /// Decides, takes the events in, and gives them.
    fn send(&mut self, command: &MeterCommand) -> Result<Vec<MeterEvent>, MeterRejection> {
        let events = self.decide(command)?;
        for event in &events {
            self.meter.evolve(event);
        }
        Ok(events)
    }

    /// The one event that a command leads to.
    fn event(&mut self, command: &MeterCommand) -> MeterEvent {
        let mut events = self.send(command).expect("it is carried out");
        assert_eq!(events.len(), 1, "{events:?}");
        events.remove(0)
    }

    fn changes_nothing(&mut self, command: &MeterCommand) {
        assert_eq!(self.send(command), Ok(Vec::new()));
    }

    fn is_refused(&self, command: &MeterCommand, code: RejectionCode, field: &str) -> String {
        let refusal = self.decide(command).expect_err("refused");
        assert_eq!((refusal.code, refusal.field), (code, field), "{refusal}");
        refusal.message
    }

    /// Sends a reading that has to end in quarantine; gives its id and what was found.
    fn is_quarantined(
        &mut self,
        command: &MeterCommand,
        expected: QuarantineReason,
    ) -> (Uuid, String) {
        let event = self.event(command);
        match event.fact {
            MeterFact::Quarantined {
                reason, finding, ..
            } if reason == expected => (event.id, finding),
            other => panic!("{expected:?} expected, but {other:?}"),
        }
    }

    fn counts(&mut self, command: &MeterCommand) -> MeterEvent {
        let event = self.event(command);
        assert!(
            matches!(
                event.fact,
                MeterFact::IntervalMetered(_) | MeterFact::RegisterRead(_)
            ),
            "{event:?}"
        );
        event
    }

    /// Start, length, Wh and revision of everything that counts.
    fn counted(&self) -> Vec<(i64, u32, i64, u32)> {
        self.meter
            .counted
            .range(..)
            .map(|(start, counted)| {
                (
                    start.0 - MIDNIGHT,
                    counted.seconds,
                    counted.energy.0,
                    counted.revision,
                )
            })
            .collect()
    }
}

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).expect("a decimal")
}

fn report(start: i64, seconds: u32, value: &str, unit: Unit) -> MeterCommand {
    MeterCommand::Report(ReportedReading {
        interval: Interval {
            start: UnixSeconds(MIDNIGHT + start),
            seconds,
        },
        value: decimal(value),
        unit,
        correction: None,
    })
}

/// An hour's kWh.
fn hour(number: i64, kwh: &str) -> MeterCommand {
    report(number * 3_600, HOUR, kwh, KWH)
}

/// A register's kWh at the start of an hour.
fn register(number: i64, kwh: &str) -> MeterCommand {
    report(number * 3_600, 0, kwh, KWH)
}

fn as_correction(command: MeterCommand, replaces_revision: Option<u32>) -> MeterCommand {
    let MeterCommand::Report(mut reported) = command else {
        panic!("only a report can be a correction")
    };
    reported.correction = Some(ReportedCorrection {
        replaces_revision,
        reason: "meter was exchanged".into(),
    });
    MeterCommand::Report(reported)
}

fn release(quarantine_id: Uuid) -> MeterCommand {
    MeterCommand::Release {
        quarantine_id,
        reason: "checked on site".into(),
    }
}

fn correct_quarantined(quarantine_id: Uuid, value: &str, unit: Unit) -> MeterCommand {
    MeterCommand::CorrectQuarantined {
        quarantine_id,
        value: decimal(value),
        unit,
        reason: "read from the display".into(),
    }
}
