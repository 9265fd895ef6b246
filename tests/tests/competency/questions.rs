//! Each question, and what must be true of its answer.

use terrarium_proto::ledger::v1 as ledger;

use crate::answers::Answers;
use crate::{HOUR, NORTH_2023};

/// What a factor answers to a question by its number.
fn answered(factor: &ledger::ExplainFactorResponse, question: u32) -> Vec<&str> {
    let answer = factor.answers.iter().find(|of| of.question == question);
    let answers = &answer.expect("all of 11 to 25").answers;
    answers.iter().map(String::as_str).collect()
}

fn quantities(of: &[ledger::NamedQuantity]) -> Vec<(&str, &str, &str)> {
    of.iter()
        .map(|of| (of.name.as_str(), of.value.as_str(), of.unit.as_str()))
        .collect()
}

pub type Question = (&'static str, fn(&Answers));

/// Number and question, and what must be true of the answer.
pub const QUESTIONS: [Question; 32] = [
    ("1 the emissions of an activity", |asked| {
        // 120 l x 0.84 kg/l x 43.33 GJ/t x 20.20 kgC/GJ x 0.98 x 44/12.
        let gases = &asked.posting().gases;
        assert_eq!((gases[0].gas.as_str(), gases[0].mg), ("CO2", 317_028_347));
        // 6 kWh x 0.6361 kg/kWh.
        assert_eq!(asked.entry().mass_mg, 3_816_600);
    }),
    ("2 who was responsible for it", |asked| {
        assert_eq!(asked.posting().party, "park");
        assert_eq!(asked.electricity.party, "park");
        assert!(
            asked
                .tenant
                .postings
                .iter()
                .all(|of| of.party == "tenant-a")
        );
    }),
    ("3 what one party was responsible for in a year", |asked| {
        // 3.6 GJ x 110 kg/GJ.
        let of = |answer: &ledger::ListPostingsResponse| answer.gross.expect("a total").total_mg;
        assert_eq!(of(&asked.tenant), 396_000_000);
        let emitted = |activity: &str| -> i64 {
            let postings = asked.park.postings.iter();
            postings
                .filter(|of| of.activity == activity && !of.method.starts_with("scope2-market"))
                .flat_map(|of| &of.gases)
                .map(|of| of.mg)
                .sum()
        };
        assert_eq!(emitted("diesel"), 317_028_347);
        assert_eq!(emitted("grid-import"), 3_816_600);
        let beside = of(&asked.park) - 317_028_347 - 3_816_600;
        assert_eq!(beside, emitted("energy-upstream:diesel"));
    }),
    ("4 which factor was used", |asked| {
        let rows: Vec<&str> = asked
            .diesel
            .factors
            .iter()
            .map(|of| of.row_id.as_str())
            .collect();
        let mut sorted = rows.clone();
        sorted.sort_unstable();
        assert_eq!(
            sorted,
            [
                "diesel-carbon",
                "diesel-density",
                "diesel-ncv",
                "diesel-oxidised"
            ]
        );
        let grid = asked.grid_factor();
        assert_eq!(
            format!("{}/{}/{}", grid.set, grid.version, grid.row_id),
            NORTH_2023
        );
        assert_eq!(
            (grid.value.as_str(), grid.unit.as_str()),
            ("0.6361", "kgCO2/kWh")
        );
    }),
    ("5 which steps the calculation had", |asked| {
        assert_eq!(asked.diesel.steps.len(), 2);
        assert_eq!(
            asked.electricity.activity_formula,
            "import = sum of its meters"
        );
        assert!(
            asked
                .electricity
                .result_formula
                .contains("energy_wh x factor")
        );
    }),
    ("6 which code version calculated", |asked| {
        let version = concat!("terrarium ", env!("CARGO_PKG_VERSION"));
        assert_eq!(asked.diesel.calculated_by, version);
        assert_eq!(asked.electricity.calculated_by, version);
        assert_eq!(asked.posting().method, "combustion/1");
        assert_eq!(asked.entry().method, "scope2-location/1");
    }),
    ("7 what each step put out", |asked| {
        let outputs: Vec<_> = asked
            .diesel
            .steps
            .iter()
            .filter_map(|of| of.output.clone())
            .collect();
        let outputs = quantities(&outputs);
        assert_eq!(outputs[0], ("energy", "4.367664", "GJ"));
        assert_eq!((outputs[1].1, outputs[1].2), ("317028347", "mg"));
    }),
    ("8 what each step took in", |asked| {
        let inputs = quantities(&asked.diesel.steps[0].inputs);
        assert_eq!(inputs[0], ("amount", "120000", "ml"));
        let units: Vec<&str> = inputs.iter().map(|(_, _, unit)| *unit).collect();
        assert!(
            units.contains(&"kg/L") && units.contains(&"GJ/t"),
            "{inputs:?}"
        );
        let contribution = &asked.electricity.contributions[0];
        assert_eq!(
            (contribution.value.as_str(), contribution.unit.as_str()),
            ("6", "kWh")
        );
    }),
    ("9 which asset turned the source into emissions", |asked| {
        let place = asked.diesel.place.as_ref().expect("a place");
        assert_eq!(
            (place.asset.as_str(), place.asset_kind.as_str()),
            ("centre", "building")
        );
        assert_eq!(asked.entry().asset, "centre");
    }),
    ("10 where it happened", |asked| {
        for place in [&asked.diesel.place, &asked.electricity.place] {
            let place = place.as_ref().expect("a place");
            assert_eq!(
                (place.park.as_str(), place.zone.as_str()),
                ("asked", "yard")
            );
            assert_eq!(
                (place.name_en.as_str(), place.name_zh.as_str()),
                ("Centre", "中心")
            );
            assert_eq!(place.grid_region, "north-china");
        }
    }),
    ("11 its emission source", |asked| {
        assert_eq!(answered(&asked.north, 11), ["electricity"]);
        assert_eq!(asked.grid_factor().subject, "electricity");
    }),
    ("12 the unit of its source", |asked| {
        assert_eq!(answered(&asked.north, 12), ["kWh"])
    }),
    ("13 its target gas", |asked| {
        assert_eq!(answered(&asked.north, 13), ["CO2"])
    }),
    ("14 the unit of the gas", |asked| {
        assert_eq!(answered(&asked.north, 14), ["kg"])
    }),
    ("15 the region it holds for", |asked| {
        assert_eq!(answered(&asked.north, 15), ["north-china"])
    }),
    ("16 the period it holds for", |asked| {
        assert_eq!(
            answered(&asked.north, 16),
            ["2022-12-31T16:00:00Z to 2023-12-31T16:00:00Z"]
        );
    }),
    ("17 how it varied over the years for one region", |asked| {
        let years = answered(&asked.north, 17);
        for (year, of) in [
            "2012: 0.8843",
            "2021: 0.712",
            "2022: 0.6776",
            "2023: 0.6361",
        ]
        .iter()
        .zip(&years)
        {
            assert!(of.starts_with(year), "{years:?}");
        }
        assert_eq!(years.len(), 4);
    }),
    ("18 who published it", |asked| {
        let publisher =
            "Ministry of Ecology and Environment and National Bureau of Statistics, China";
        assert_eq!(answered(&asked.north, 18), [publisher]);
        assert_eq!(
            asked.grid_factor().locator,
            "regional averages, North, 2023"
        );
        assert!(
            asked
                .grid_factor()
                .source
                .contains("China Electric Power News")
        );
    }),
    ("19 whether it needs added context", |asked| {
        assert_eq!(answered(&asked.net_value, 19), ["net calorific value"]);
        assert!(answered(&asked.north, 19).is_empty(), "it needs none");
    }),
    (
        "20 whether other factors turn the same source into the same gas",
        |asked| {
            let others = answered(&asked.north, 20);
            let of = |text: &str| others.iter().any(|other| other.starts_with(text));
            assert!(of("0.5306 kgCO2/kWh in china ("), "{others:?}");
            assert!(of("0.5122 kgCO2/kWh in northeast-china ("), "{others:?}");
            assert!(
                others.iter().all(|other| !other.contains(NORTH_2023)),
                "not itself"
            );
        },
    ),
    ("21 its tags", |asked| {
        assert_eq!(answered(&asked.bicycle, 21), ["last mile", "freight"]);
    }),
    ("22 its warnings and usage notes", |asked| {
        assert_eq!(
            answered(&asked.north, 22),
            ["read in a secondary source, not in the primary document"]
        );
        assert!(answered(&asked.density, 22)[0].contains("blocks a period from being verified"));
    }),
    ("23 its value", |asked| {
        assert_eq!(answered(&asked.north, 23), ["0.6361"]);
        assert_eq!(answered(&asked.density, 23), ["0.84"]);
    }),
    ("24 the gas's formula", |asked| {
        assert_eq!(answered(&asked.north, 24), ["CO2"])
    }),
    ("25 the units' symbols", |asked| {
        assert_eq!(answered(&asked.north, 25), ["kgCO2/kWh"]);
        assert_eq!(answered(&asked.density, 25), ["kg/L"]);
    }),
    ("when it happened and when it was recorded", |asked| {
        assert_eq!(asked.posting().interval_start, HOUR);
        assert_eq!(asked.posting().interval_seconds, 3_600);
        let event = &asked.diesel.events[0];
        assert!(event.recorded_time.as_str() > "2026" && event.recorded_time.ends_with('Z'));
        assert!(
            event.r#type.ends_with("ActivityReportedV1"),
            "{}",
            event.r#type
        );
    }),
    ("who reported it", |asked| {
        let reading = &asked.electricity.contributions[0].events[0];
        assert_eq!(asked.diesel.events[0].actor, reading.actor);
        assert!(!reading.actor.is_empty());
    }),
    ("which documents are behind it", |asked| {
        assert_eq!(asked.diesel.evidence_sha256, [vec![7; 32]]);
        assert_eq!(asked.diesel.source, "delivery note 8");
        assert_eq!(asked.electricity.attached, ["calibration: class 1"]);
    }),
    ("how sure it is", |asked| {
        // 5 % of the litres, 3 % of density, calorific value and carbon content, 2 % of the oxidised share: 7.5 %.
        let result = asked.diesel.result.expect("a result");
        assert_eq!(result.total_mg, 317_028_347);
        let tenths = result.half_width_mg * 1_000 / result.total_mg;
        assert_eq!(tenths, 74, "7.48 %");
        assert_eq!(
            (asked.posting().tier, asked.posting().activity_u95_ppm),
            (2, 50_000)
        );
        // 2 % of the meter and 10 % of the grid's factor: 10.2 %.
        assert_eq!(asked.electricity.half_width_mg * 1_000 / 3_816_600, 101);
        assert_eq!(asked.grid_factor().u95_ppm, 100_000);
    }),
    ("how sure the source of the factor is", |asked| {
        assert_eq!(asked.grid_factor().mark, "secondary");
        let density = asked.density.factor.as_ref().expect("a factor");
        assert_eq!(density.mark, "default");
    }),
    ("what was reported before it was corrected", |asked| {
        let [before] = asked.diesel.corrected.as_slice() else {
            panic!("{:?}", asked.diesel.corrected);
        };
        assert_eq!(
            (before.revision, before.amount, before.unit.as_str()),
            (0, 100_000, "ml")
        );
        assert_eq!(before.source, "delivery note 7");
        let first = before.event.as_ref().expect("an event").position;
        assert!(first < asked.diesel.events[0].position);
        let [reading] = asked.electricity.contributions[0].corrected.as_slice() else {
            panic!("{:?}", asked.electricity.contributions[0]);
        };
        assert_eq!((reading.revision, reading.reading_wh), (0, 5_000));
        assert_eq!(asked.electricity.contributions[0].revision, 1);
    }),
    ("what was known before", |asked| {
        let before = asked.diesel.corrected[0].event.as_ref().expect("an event");
        assert!(before.position < asked.diesel.position);
    }),
];
