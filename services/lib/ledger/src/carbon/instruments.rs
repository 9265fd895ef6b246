//! Certificates, credits and allowances as they stand.

use terrarium_model::UnixSeconds;

use super::activity_book::ActivityBook;
use super::fact::InstrumentStep;
use crate::books::{AsOf, InstrumentLine, InstrumentState};

impl ActivityBook {
    /// Instruments as they stood before a moment, in the order of registry and serial number.
    pub fn instrument_lines(&self, before: UnixSeconds, as_of: AsOf) -> Vec<InstrumentLine> {
        let until = AsOf {
            at: Some(as_of.clip(before)),
            ..as_of
        };
        self.instruments(until)
            .filter_map(|history| {
                let mut line: Option<InstrumentLine> = None;
                for (_, record) in history {
                    match (&record.step, &mut line) {
                        (
                            InstrumentStep::Issued {
                                kind,
                                amount,
                                vintage,
                                ..
                            },
                            None,
                        ) => {
                            line = Some(InstrumentLine {
                                registry: record.registry.clone(),
                                serial: record.serial.clone(),
                                kind: *kind,
                                amount: *amount,
                                vintage: *vintage,
                                state: InstrumentState::Issued,
                                since: record.time,
                                used_for: None,
                                own_generation: false,
                            });
                        }
                        (InstrumentStep::Held { acquired_from }, Some(line)) => {
                            line.state = InstrumentState::Held;
                            line.since = record.time;
                            line.own_generation = acquired_from == "own";
                        }
                        (InstrumentStep::Gone { state, used_for }, Some(line)) => {
                            line.state = *state;
                            line.since = record.time;
                            line.used_for = (!used_for.is_empty()).then(|| used_for.clone());
                        }
                        _ => {}
                    }
                }
                line
            })
            .collect()
    }
}
