//! What devices and people of the park are asked to do, and what they do about it.

use terrarium_model::{AssetId, UnixSeconds};

use crate::chance::Chance;

/// Ids of collections that the simulated crew plans itself begin with this.
pub const OWN_COLLECTIONS: &str = "sim-";

/// An irrigation that the simulated controller starts itself is recorded so many seconds after its time at most: at once where
/// the clock is simulated, and where the park goes by the wall's as soon as the server is there. Assumed.
const RECORDED_WITHIN_S: i64 = 3_600;

/// Share of asks that a device does not answer: its gateway is away, or somebody switched it to manual. Assumed.
const UNANSWERED: f64 = 0.03;

/// The request id of an irrigation that the simulated controller starts itself. Zone ids may be as long as a request id, so only
/// the time makes it unique; the zone is part of the command.
pub fn own_irrigation_id(at: UnixSeconds) -> String {
    format!("valve-{}", at.0)
}

/// When the simulated controller started an irrigation that was recorded with a request id at a time; `None`: somebody else
/// did, whatever the id looks like.
pub fn own_irrigation_start(request_id: &str, recorded: UnixSeconds) -> Option<UnixSeconds> {
    let (_, at_s) = request_id.rsplit_once('-')?;
    let at = UnixSeconds(at_s.parse().ok()?);
    let is_its_time = (at.0..=at.0.saturating_add(RECORDED_WITHIN_S)).contains(&recorded.0);
    (is_its_time && request_id == own_irrigation_id(at)).then_some(at)
}

/// What a device can be asked to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keep {
    /// Of a store: at most this power in or out, W; at least this energy, Wh; exactly this power, W (below zero: out).
    ChargeLimitW,
    DischargeLimitW,
    ReserveWh,
    StoragePowerW,
    /// Of a load or a generator: at most this power, W.
    ConsumptionLimitW,
    GenerationLimitW,
    /// Of a charger: at most this power to the car, W; below zero: so much from the car.
    ChargePowerW,
}

/// Something that a device keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub device: AssetId,
    pub what: Keep,
    pub value: i64,
    /// When it said so.
    pub since: UnixSeconds,
}

/// What devices said that they keep, until it holds.
#[derive(Default)]
pub struct Orders {
    coming: Vec<Kept>,
}

impl Orders {
    /// A device keeps something from the second step on after it said so: the next one may be under way already.
    pub fn keep(&mut self, kept: Kept) {
        self.coming.push(kept);
    }

    /// What holds from the step on that begins then, and did not before; in the order in which it was said.
    pub fn begin_step(&mut self, start: UnixSeconds, interval_s: u32) -> Vec<Kept> {
        if self.coming.is_empty() {
            return Vec::new();
        }
        let holds = |kept: &Kept| kept.since.0 + i64::from(interval_s) <= start.0;
        let coming = std::mem::take(&mut self.coming);
        let (now, later) = coming.into_iter().partition(holds);
        self.coming = later;
        now
    }
}

/// What a device says when it is asked at a moment: the value that it keeps, or nothing at all.
pub fn answer(
    seed: u64,
    device: &AssetId,
    what: Keep,
    value: i64,
    asked: UnixSeconds,
) -> Option<i64> {
    let purpose = match what {
        Keep::ChargePowerW => "charge-power",
        _ => "setpoint",
    };
    let mut chance = Chance::of(seed, device.as_str(), asked.0, purpose);
    (!chance.happens(UNANSWERED)).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_holds_from_the_second_step_on() {
        let kept = Kept {
            device: AssetId::new("storage").unwrap(),
            what: Keep::ReserveWh,
            value: 10,
            since: UnixSeconds(900),
        };
        let mut orders = Orders::default();
        orders.keep(kept.clone());
        assert_eq!(orders.begin_step(UnixSeconds(900), 900), []);
        assert_eq!(orders.begin_step(UnixSeconds(1_800), 900), [kept]);
        assert_eq!(orders.begin_step(UnixSeconds(2_700), 900), []);
    }

    #[test]
    fn an_irrigation_is_the_controllers_own_only_with_the_id_of_its_time() {
        let at = UnixSeconds(1_748_721_600);
        let own = own_irrigation_id(at);
        assert_eq!(own_irrigation_start(&own, at), Some(at));
        assert_eq!(own_irrigation_start(&own, UnixSeconds(at.0 + 2)), Some(at));
        for somebodys in ["valve-7", "valve-+1748721600", "valve-", "by hand"] {
            assert_eq!(own_irrigation_start(somebodys, at), None, "{somebodys}");
        }
        for other_time in [at.0 - 1, at.0 + 86_400] {
            let recorded = UnixSeconds(other_time);
            assert_eq!(own_irrigation_start(&own, recorded), None, "{recorded}");
        }
    }

    #[test]
    fn few_asks_go_unanswered_and_the_same_ask_gets_the_same_answer() {
        let device = AssetId::new("storage").unwrap();
        let ask = |at| answer(7, &device, Keep::ReserveWh, 5, UnixSeconds(at));
        let answered = (0..1_000).filter(|at| ask(*at).is_some()).count();
        assert!((940..1_000).contains(&answered), "{answered}");
        assert_eq!(ask(3), ask(3));
    }
}
