//! Water quality: samples of one tank, each given its class.

use std::collections::BTreeMap;

use terrarium_journal::{Event, Rejection, facts, refuse_future};
use terrarium_model::{AssetId, ParkId, UnixSeconds, format_rfc3339_utc};
use terrarium_proto::water::v1::{WaterQualityClass, WaterQualitySampledV1};

/// Both GB 3838-2002 (table 1) and GB/T 18920-2020 (table 1) ask for pH 6 to 9.
const PH_MILLI: std::ops::RangeInclusive<u32> = 6_000..=9_000;
/// GB 3838-2002, table 1: most chemical oxygen demand (dichromate) of classes I to V, in ug/l.
const COD_LIMITS_UG_PER_L: [i64; 5] = [15_000, 15_000, 20_000, 30_000, 40_000];
/// GB 3838-2002, table 1: most ammonia nitrogen of classes I to V, in ug/l.
const AMMONIA_N_LIMITS_UG_PER_L: [i64; 5] = [150, 500, 1_000, 1_500, 2_000];
/// GB/T 18920-2020, table 1: most turbidity of water for urban green space, in thousandths of NTU.
const IRRIGATION_TURBIDITY_MNTU: i64 = 10_000;
const HIGHEST_PH_MILLI: u32 = 14_000;

facts! {
    /// What was found out about a tank's water.
    pub enum QualityFact in "terrarium.water.v1" {
        WaterQualitySampledV1 at time_s,
    }
}

/// Everything a decision needs beside the earlier samples.
#[derive(Clone, Debug)]
pub struct QualityContext {
    /// Park of the tank.
    pub park: ParkId,
    /// The tank.
    pub tank: AssetId,
    /// The park's time.
    pub now: UnixSeconds,
}

/// The samples of one tank.
#[derive(Default)]
pub struct WaterQuality {
    samples: BTreeMap<String, WaterQualitySampledV1>,
    newest: Option<(i64, String)>,
}

impl WaterQuality {
    /// The newest sample.
    pub fn newest(&self) -> Option<&WaterQualitySampledV1> {
        let (_, sample) = self.newest.as_ref()?;
        self.samples.get(sample)
    }

    /// Decides about a sample; its class and fitness are worked out here.
    pub fn decide(
        &self,
        context: &QualityContext,
        sent: &WaterQualitySampledV1,
    ) -> Result<Vec<Event<QualityFact>>, Rejection> {
        let mut sample = sent.clone();
        sample.set_class(class(sent));
        sample.fit_for_irrigation = is_fit_for_irrigation(sent);
        match self.samples.get(&sample.sample) {
            Some(recorded) if *recorded == sample => return Ok(Vec::new()),
            Some(recorded) => {
                return Err(Rejection::already_exists(
                    "sample",
                    format!(
                        "sample {} of tank {} is recorded with other values, taken at {}; give each sample an id of its own",
                        sample.sample,
                        context.tank,
                        format_rfc3339_utc(UnixSeconds(recorded.time_s))
                    ),
                ));
            }
            None => {}
        }
        refuse_malformed(&sample)?;
        refuse_future("time", UnixSeconds(sample.time_s), context.now)?;
        Ok(vec![Event::of(&context.park, sample)])
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &Event<QualityFact>) {
        let QualityFact::WaterQualitySampledV1(sample) = &event.fact;
        let key = (sample.time_s, sample.sample.clone());
        if self.newest.as_ref().is_none_or(|newest| *newest < key) {
            self.newest = Some(key);
        }
        self.samples.insert(sample.sample.clone(), sample.clone());
    }
}

/// The worst class of what was measured; unspecified when only turbidity was, which GB 3838 has no class for.
fn class(sample: &WaterQualitySampledV1) -> WaterQualityClass {
    use WaterQualityClass::{I, Ii, Iii, Iv, V, WorseThanV};
    const CLASSES: [WaterQualityClass; 5] = [I, Ii, Iii, Iv, V];
    let of_limits = |limits: [i64; 5], value: i64| {
        let met = limits.iter().position(|limit| value <= *limit);
        met.map_or(WorseThanV, |index| CLASSES[index])
    };
    let of_ph = |ph_milli: u32| {
        if PH_MILLI.contains(&ph_milli) {
            I
        } else {
            WorseThanV
        }
    };
    [
        sample.ph_milli.map(of_ph),
        sample
            .cod_ug_per_l
            .map(|cod| of_limits(COD_LIMITS_UG_PER_L, cod)),
        sample
            .ammonia_n_ug_per_l
            .map(|ammonia| of_limits(AMMONIA_N_LIMITS_UG_PER_L, ammonia)),
    ]
    .into_iter()
    .flatten()
    .max_by_key(|class| *class as i32)
    .unwrap_or(WaterQualityClass::Unspecified)
}

fn is_fit_for_irrigation(sample: &WaterQualitySampledV1) -> bool {
    sample.ph_milli.is_none_or(|ph| PH_MILLI.contains(&ph))
        && sample
            .turbidity_mntu
            .is_none_or(|turbidity| turbidity <= IRRIGATION_TURBIDITY_MNTU)
}

fn refuse_malformed(sample: &WaterQualitySampledV1) -> Result<(), Rejection> {
    if sample.ph_milli.is_some_and(|ph| ph > HIGHEST_PH_MILLI) {
        return Err(Rejection::invalid(
            "ph_milli",
            "there is no such pH; send thousandths, 0 to 14000",
        ));
    }
    let amounts = [
        ("turbidity_mntu", sample.turbidity_mntu),
        ("cod_ug_per_l", sample.cod_ug_per_l),
        ("ammonia_n_ug_per_l", sample.ammonia_n_ug_per_l),
    ];
    for (field, amount) in amounts {
        if amount.is_some_and(|amount| amount < 0) {
            return Err(Rejection::invalid(
                field,
                "it is below zero; what is not found is 0, what was not measured is left out",
            ));
        }
    }
    if sample.ph_milli.is_none() && amounts.iter().all(|(_, amount)| amount.is_none()) {
        return Err(Rejection::invalid(
            "ph_milli",
            "the sample has no parameter; send at least one of ph_milli, turbidity_mntu, cod_ug_per_l, ammonia_n_ug_per_l",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use terrarium_journal::RejectionCode;

    use super::*;

    fn context() -> QualityContext {
        QualityContext {
            park: ParkId::new("haotian").expect("valid"),
            tank: AssetId::new("rain-tank-1").expect("valid"),
            now: UnixSeconds(10_000),
        }
    }

    fn sample(id: &str, time_s: i64) -> WaterQualitySampledV1 {
        WaterQualitySampledV1 {
            tank: "rain-tank-1".into(),
            sample: id.into(),
            time_s,
            ph_milli: Some(7_200),
            turbidity_mntu: Some(3_000),
            cod_ug_per_l: Some(18_000),
            ammonia_n_ug_per_l: Some(400),
            ..WaterQualitySampledV1::default()
        }
    }

    #[test]
    fn a_sample_has_the_worst_class_of_its_parameters() {
        use WaterQualityClass::{I, Ii, Iii, Iv, Unspecified, V, WorseThanV};
        type Change = fn(&mut WaterQualitySampledV1);
        let cases: [(Change, WaterQualityClass, bool); 8] = [
            (|_| {}, Iii, true),
            (|s| s.cod_ug_per_l = Some(15_000), Ii, true),
            (
                |s| {
                    s.cod_ug_per_l = None;
                    s.ammonia_n_ug_per_l = Some(150);
                },
                I,
                true,
            ),
            (|s| s.cod_ug_per_l = Some(30_000), Iv, true),
            (|s| s.ammonia_n_ug_per_l = Some(2_000), V, true),
            (|s| s.cod_ug_per_l = Some(40_001), WorseThanV, true),
            (|s| s.ph_milli = Some(9_001), WorseThanV, false),
            (
                |s| {
                    *s = WaterQualitySampledV1 {
                        turbidity_mntu: Some(10_001),
                        ..WaterQualitySampledV1::default()
                    }
                },
                Unspecified,
                false,
            ),
        ];
        for (change, expected, fit) in cases {
            let mut changed = sample("s-1", 5);
            change(&mut changed);
            assert_eq!(
                (class(&changed), is_fit_for_irrigation(&changed)),
                (expected, fit)
            );
        }
    }

    #[test]
    fn the_newest_sample_counts_whenever_it_arrives() {
        let mut quality = WaterQuality::default();
        for (id, time_s) in [("s-2", 200), ("s-1", 100)] {
            let events = quality
                .decide(&context(), &sample(id, time_s))
                .expect("good");
            quality.evolve(&events[0]);
            assert_eq!(
                quality.decide(&context(), &sample(id, time_s)),
                Ok(Vec::new())
            );
        }
        assert_eq!(quality.newest().map(|newest| newest.time_s), Some(200));
        let refusal = quality
            .decide(&context(), &sample("s-1", 101))
            .expect_err("another");
        assert_eq!(refusal.code, RejectionCode::AlreadyExists);
    }

    #[test]
    fn a_sample_without_sense_is_refused() {
        let quality = WaterQuality::default();
        type Change = fn(&mut WaterQualitySampledV1);
        let cases: [(Change, &str); 4] = [
            (|s| s.ph_milli = Some(14_001), "ph_milli"),
            (|s| s.cod_ug_per_l = Some(-1), "cod_ug_per_l"),
            (
                |s| {
                    *s = WaterQualitySampledV1 {
                        sample: "s-1".into(),
                        ..WaterQualitySampledV1::default()
                    }
                },
                "ph_milli",
            ),
            (|s| s.time_s = 10_061, "time"),
        ];
        for (change, field) in cases {
            let mut changed = sample("s-1", 5);
            change(&mut changed);
            assert_eq!(
                quality.decide(&context(), &changed).expect_err(field).field,
                field
            );
        }
    }
}
