//! Waste of another stream that was found in a bin.

use std::collections::BTreeMap;

use terrarium_journal::{Event, Rejection, facts, refuse_future};
use terrarium_model::{AssetId, ParkId, UnixSeconds, WasteStream, format_rfc3339_utc};
use terrarium_proto::waste::v1 as wire;
use terrarium_proto::waste::v1::ContaminationFoundV1;

facts! {
    /// What was found in a bin.
    pub enum ContaminationFact in "terrarium.waste.v1" {
        ContaminationFoundV1 at time_s,
    }
}

/// Everything a decision needs beside the earlier findings.
#[derive(Clone, Debug)]
pub struct ContaminationContext {
    /// Park of the bin.
    pub park: ParkId,
    /// The bin.
    pub bin: AssetId,
    /// What belongs into it.
    pub stream: WasteStream,
    /// The park's time.
    pub now: UnixSeconds,
}

/// What was found in one bin, by time and stream.
#[derive(Default)]
pub struct Contamination {
    found: BTreeMap<(i64, i32), ContaminationFoundV1>,
}

impl Contamination {
    /// Decides about a finding.
    pub fn decide(
        &self,
        context: &ContaminationContext,
        found: &ContaminationFoundV1,
    ) -> Result<Vec<Event<ContaminationFact>>, Rejection> {
        match self.found.get(&(found.time_s, found.foreign_stream)) {
            Some(recorded) if recorded == found => return Ok(Vec::new()),
            Some(recorded) => {
                return Err(Rejection::already_exists(
                    "share_permille",
                    format!(
                        "bin {} at {}: {} thousandths are recorded, and {} were sent; check which one is right",
                        context.bin,
                        format_rfc3339_utc(UnixSeconds(found.time_s)),
                        recorded.share_permille,
                        found.share_permille
                    ),
                ));
            }
            None => {}
        }
        let foreign = found.foreign_stream();
        if foreign == wire::WasteStream::Unspecified || foreign == stream_to_wire(context.stream) {
            return Err(Rejection::invalid(
                "foreign_stream",
                format!(
                    "bin {} is for {} waste; name the other stream that was found",
                    context.bin, context.stream
                ),
            ));
        }
        if !(1..=1_000).contains(&found.share_permille) {
            return Err(Rejection::invalid(
                "share_permille",
                format!(
                    "{} is no share; send thousandths of the mass, 1 to 1000",
                    found.share_permille
                ),
            ));
        }
        refuse_future("time", UnixSeconds(found.time_s), context.now)?;
        Ok(vec![Event::of(&context.park, found.clone())])
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &Event<ContaminationFact>) {
        let ContaminationFact::ContaminationFoundV1(found) = &event.fact;
        self.found
            .insert((found.time_s, found.foreign_stream), found.clone());
    }
}

/// The wire's word for a stream.
pub fn stream_to_wire(stream: WasteStream) -> wire::WasteStream {
    match stream {
        WasteStream::Recyclable => wire::WasteStream::Recyclable,
        WasteStream::Residual => wire::WasteStream::Residual,
        WasteStream::Kitchen => wire::WasteStream::Kitchen,
        WasteStream::Garden => wire::WasteStream::Garden,
        WasteStream::Hazardous => wire::WasteStream::Hazardous,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_into_a_bin_is_no_contamination_of_it() {
        let context = ContaminationContext {
            park: ParkId::new("haotian").expect("valid"),
            bin: AssetId::new("bin-1").expect("valid"),
            stream: WasteStream::Recyclable,
            now: UnixSeconds(1_000),
        };
        let found = |stream: wire::WasteStream, share_permille| ContaminationFoundV1 {
            bin: "bin-1".into(),
            time_s: 100,
            foreign_stream: stream.into(),
            share_permille,
            ..ContaminationFoundV1::default()
        };
        let mut bin = Contamination::default();
        for (sent, field) in [
            (found(wire::WasteStream::Recyclable, 50), "foreign_stream"),
            (found(wire::WasteStream::Unspecified, 50), "foreign_stream"),
            (found(wire::WasteStream::Kitchen, 0), "share_permille"),
            (found(wire::WasteStream::Kitchen, 1_001), "share_permille"),
        ] {
            assert_eq!(bin.decide(&context, &sent).expect_err(field).field, field);
        }
        let kitchen = found(wire::WasteStream::Kitchen, 50);
        let events = bin.decide(&context, &kitchen).expect("a finding");
        bin.evolve(&events[0]);
        assert_eq!(bin.decide(&context, &kitchen), Ok(Vec::new()));
        assert!(
            bin.decide(&context, &found(wire::WasteStream::Kitchen, 60))
                .is_err()
        );
    }
}
