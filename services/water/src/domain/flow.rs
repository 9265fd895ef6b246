//! Water that flows into and out of a tank, rain that is caught among it.

use std::collections::BTreeMap;
use std::fmt;

use terrarium_journal::{Event, IntervalBook, Rejection, facts, refuse_future};
use terrarium_model::{AssetId, Interval, ParkId, UnixSeconds};
use terrarium_proto::water::v1::TankFlowMeteredV1;

/// Whole litres.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Litres(pub i64);

impl fmt::Display for Litres {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} l", self.0)
    }
}

facts! {
    /// What happened to a tank's flows.
    pub enum FlowFact in "terrarium.water.v1" {
        TankFlowMeteredV1 at interval_start_s for interval_seconds,
    }
}

/// Everything a decision needs beside the earlier flows.
#[derive(Clone, Debug)]
pub struct FlowContext {
    /// Park of the tank.
    pub park: ParkId,
    /// The tank.
    pub tank: AssetId,
    /// The park's time.
    pub now: UnixSeconds,
}

/// The flows of one tank, each kind by itself.
#[derive(Default)]
pub struct TankFlows {
    by_kind: BTreeMap<i32, IntervalBook<Litres>>,
}

impl TankFlows {
    /// Lets go of the far past.
    pub fn forget_old(&mut self) {
        self.by_kind.values_mut().for_each(IntervalBook::forget_old);
    }

    /// Whether a report is about what was let go of.
    pub fn needs_forgotten(&self, sent: &TankFlowMeteredV1) -> bool {
        let book = self.by_kind.get(&sent.flow);
        book.is_some_and(|book| book.is_forgotten(interval(sent).start))
    }

    /// Decides about a reading.
    pub fn decide(
        &self,
        context: &FlowContext,
        sent: &TankFlowMeteredV1,
    ) -> Result<Vec<Event<FlowFact>>, Rejection> {
        if sent.litres < 0 {
            return Err(Rejection::invalid(
                "litres",
                format!(
                    "{} l is below zero; water in the other direction is another flow",
                    sent.litres
                ),
            ));
        }
        let interval = interval(sent);
        if let Some(book) = self.by_kind.get(&sent.flow) {
            let what = format!("tank {}", context.tank);
            if !book.is_new("litres", &what, interval, &Litres(sent.litres))? {
                return Ok(Vec::new());
            }
        }
        refuse_future("interval_start", interval.end(), context.now)?;
        Ok(vec![Event::of(&context.park, sent.clone())])
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &Event<FlowFact>) {
        let FlowFact::TankFlowMeteredV1(flow) = &event.fact;
        self.by_kind
            .entry(flow.flow)
            .or_default()
            .insert(interval(flow), Litres(flow.litres));
    }
}

fn interval(flow: &TankFlowMeteredV1) -> Interval {
    Interval {
        start: UnixSeconds(flow.interval_start_s),
        seconds: flow.interval_seconds,
    }
}

#[cfg(test)]
mod tests {
    use terrarium_proto::water::v1::TankFlow;

    use super::*;

    #[test]
    fn rain_is_caught_once_and_beside_what_spills() {
        let context = FlowContext {
            park: ParkId::new("haotian").expect("valid"),
            tank: AssetId::new("rain-tank-1").expect("valid"),
            now: UnixSeconds(10_000),
        };
        let flow = |flow: TankFlow, start: i64, litres| TankFlowMeteredV1 {
            tank: "rain-tank-1".into(),
            flow: flow.into(),
            interval_start_s: start,
            interval_seconds: 900,
            litres,
        };
        let mut flows = TankFlows::default();
        let rain = flow(TankFlow::RainIn, 0, 420);
        let events = flows.decide(&context, &rain).expect("rain");
        flows.evolve(&events[0]);
        assert_eq!(flows.decide(&context, &rain), Ok(Vec::new()));
        assert!(
            flows
                .decide(&context, &flow(TankFlow::SpillOut, 0, 7))
                .is_ok()
        );
        for (sent, field) in [
            (flow(TankFlow::RainIn, 0, 421), "litres"),
            (flow(TankFlow::RainIn, 899, 5), "interval_start"),
            (flow(TankFlow::RainIn, 900, -1), "litres"),
            (flow(TankFlow::RainIn, 9_200, 5), "interval_start"),
        ] {
            assert_eq!(flows.decide(&context, &sent).expect_err(field).field, field);
        }
    }
}
