//! The 25 competency questions about how an emission figure came about (PECO) and what a factor is (ECFO), asked one by one of a
//! running server, each with its real answer; then what an auditor asks beside: evidence, uncertainty, corrections, who and when.

use std::panic::{AssertUnwindSafe, catch_unwind};

use terrarium_proto::carbon::v1 as carbon;
use terrarium_proto::energy::v1::{Correction, Reading, ReportReadingsRequest};
use terrarium_proto::ledger::v1 as ledger;
use terrarium_proto::ledger::v1::carbon_books_service_client::CarbonBooksServiceClient;
use terrarium_tests::{Clients, Park, repository};
use tonic::Code;

const PARK: &str = "asked";
const DEFINITION: &str = r#"
[park]
id = "asked"
name = { en = "Asked", zh = "问园" }
time_zone = "Asia/Shanghai"
clock = "wall"
grid_region = "north-china"

[[zones]]
id = "yard"
name = { en = "Yard", zh = "院子" }

[[assets]]
id = "centre"
kind = "building"
zone = "yard"
name = { en = "Centre", zh = "中心" }

[[connections]]
kind = "electric"
from = "grid"
to = "centre"

[[meters]]
id = "centre.in"
asset = "centre"
measures = "grid_import"
reports = "interval"
rated_kw = 20.0
"#;

/// 1 March 2023, midnight in the park, and the same hour in UTC.
const HOUR: &str = "2023-03-01T00:00:00+08:00";
const HOUR_UTC: &str = "2023-02-28T16:00:00Z";
const NORTH_2023: &str = "cn-electricity-regions/2023/north-china-2023";
const DENSITY: &str = "cn-fuels-guidelines/1/diesel-density";
const NET_VALUE: &str = "cn-fuels-guidelines/1/diesel-ncv";

/// A row with tags.
const BICYCLE: &str = "asked-modes/1/cargo-bicycle";
const TABLE: &str = r#"
[table]
set = "asked-modes"
version = "1"
publisher = "the park's own count"
published_on = "2023-01-01"
document = "count of deliveries"
kind = "transport"
region = "china"
u95_percent = "20"

[[row]]
row = "cargo-bicycle"
subject = "cargo-bicycle"
valid_from = "2023-01-01T00:00:00+08:00"
valid_to = "2024-01-01T00:00:00+08:00"
unit = "kgCO2e/tkm"
value = "0.02"
locator = "row 1"
mark = "secondary"
tags = ["last mile", "freight"]
"#;

/// A year's figures in one park: 120 L of diesel (first reported as 100), 1,000 kWh of heat of a tenant, 6 kWh from the grid
/// (first reported as 5).
async fn tell(park: &Park, clients: &mut Clients) {
    let library = repository().join("deploy/factors/library");
    let library = library.to_string_lossy().into_owned();
    park.cli(&["import", "factors", &library, "--park", PARK])
        .expect_code(0);
    let table = park.scratch("modes.toml");
    std::fs::write(&table, TABLE).expect("a file");
    park.cli(&[
        "import",
        "factors",
        &table.to_string_lossy(),
        "--park",
        PARK,
    ])
    .expect_code(0);
    let pinned = carbon::SetAccountingProfileRequest {
        park: PARK.into(),
        valid_from: "2023-01-01T00:00:00+08:00".into(),
        pinned_sets: vec![carbon::PinnedFactorSet {
            kind: "fuel_property".into(),
            set: "cn-fuels-guidelines".into(),
        }],
        reason: "set A of the 24 guidelines".into(),
        ..Default::default()
    };
    let set = clients.carbon.set_accounting_profile(pinned).await;
    set.expect("pinned");
    let diesel = |revision: u32, litres: &str| carbon::ReportActivityRequest {
        park: PARK.into(),
        asset: "centre".into(),
        activity: "d-1".into(),
        kind: "fuel".into(),
        subject: "diesel".into(),
        interval_start: HOUR.into(),
        interval_seconds: 3_600,
        value: litres.into(),
        unit: "L".into(),
        revision,
        tier: 2,
        source: format!("delivery note {}", 7 + revision),
        evidence_sha256: vec![7; 32].into(),
        reason: if revision > 0 {
            "misread".into()
        } else {
            String::new()
        },
        ..Default::default()
    };
    let heat = carbon::ReportActivityRequest {
        activity: "h-1".into(),
        kind: "heat".into(),
        subject: "heat".into(),
        value: "1000".into(),
        unit: "kWh".into(),
        party: "tenant-a".into(),
        source: "heat bill".into(),
        ..diesel(0, "1")
    };
    for report in [diesel(0, "100"), diesel(1, "120"), heat] {
        let answer = clients.carbon.report_activity(report).await;
        assert!(answer.expect("reported").into_inner().recorded);
    }
    let calibration = carbon::AttachEvidenceRequest {
        park: PARK.into(),
        sha256: vec![9; 32].into(),
        kind: carbon::EvidenceKind::Calibration.into(),
        about: "centre.in".into(),
        from: "2023-01-01T00:00:00+08:00".into(),
        to: "2024-01-01T00:00:00+08:00".into(),
        note: "class 1".into(),
        client_request_id: String::new(),
    };
    clients
        .carbon
        .attach_evidence(calibration)
        .await
        .expect("attached");
    for (value, correction) in [
        ("5", None),
        (
            "6",
            Some(Correction {
                replaces_revision: Some(0),
                reason: "misread".into(),
            }),
        ),
    ] {
        let reading = Reading {
            meter: "centre.in".into(),
            quantity: "active_energy".into(),
            interval_start: HOUR.into(),
            interval_seconds: 3_600,
            value: value.into(),
            unit: "kWh".into(),
            correction,
        };
        let report = ReportReadingsRequest {
            park: PARK.into(),
            readings: vec![reading],
            client_request_id: String::new(),
        };
        let answer = clients.energy.report_readings(report).await;
        let counts = answer.expect("reported").into_inner().counts;
        assert_eq!(counts.map(|counts| counts.recorded), Some(1));
    }
}

/// Everything that the questions are answered from: as the public API gives it.
struct Answers {
    diesel: ledger::ExplainPostingResponse,
    electricity: ledger::ExplainResponse,
    park: ledger::ListPostingsResponse,
    tenant: ledger::ListPostingsResponse,
    north: ledger::ExplainFactorResponse,
    density: ledger::ExplainFactorResponse,
    net_value: ledger::ExplainFactorResponse,
    bicycle: ledger::ExplainFactorResponse,
}

impl Answers {
    async fn ask(clients: &mut Clients) -> Answers {
        let mut books = CarbonBooksServiceClient::new(clients.channel.clone());
        let of_party = |party: &str| ledger::ListPostingsRequest {
            park: PARK.into(),
            period: Some(ledger::Period {
                from: "2023-01-01T00:00:00+08:00".into(),
                to: "2024-01-01T00:00:00+08:00".into(),
            }),
            party: party.into(),
            electricity: true,
            ..Default::default()
        };
        let posting = ledger::ExplainPostingRequest {
            park: PARK.into(),
            posting_id: format!("emission/centre/{HOUR_UTC}/diesel/d-1"),
            ..Default::default()
        };
        let entry = ledger::ExplainRequest {
            park: PARK.into(),
            entry_id: format!("emission/centre/{HOUR_UTC}/scope2-location"),
            as_of: None,
        };
        let factor = |key: &str| ledger::ExplainFactorRequest {
            park: PARK.into(),
            key: key.into(),
            at: String::new(),
        };
        let outside = ledger::ExplainFactorRequest {
            at: "2024-06-01T00:00:00+08:00".into(),
            ..factor(NORTH_2023)
        };
        let refused = books.explain_factor(outside).await.expect_err("over");
        assert_eq!(refused.code(), Code::NotFound, "{refused}");
        let posting = books.explain_posting(posting).await;
        let park = books.list_postings(of_party("park")).await;
        let tenant = books.list_postings(of_party("tenant-a")).await;
        let north = books.explain_factor(factor(NORTH_2023)).await;
        let density = books.explain_factor(factor(DENSITY)).await;
        let net_value = books.explain_factor(factor(NET_VALUE)).await;
        let bicycle = books.explain_factor(factor(BICYCLE)).await;
        let entry = clients.ledger.explain(entry).await;
        Answers {
            diesel: posting.expect("explained").into_inner(),
            electricity: entry.expect("explained").into_inner(),
            park: park.expect("listed").into_inner(),
            tenant: tenant.expect("listed").into_inner(),
            north: north.expect("a factor").into_inner(),
            density: density.expect("a factor").into_inner(),
            net_value: net_value.expect("a factor").into_inner(),
            bicycle: bicycle.expect("a factor").into_inner(),
        }
    }

    fn posting(&self) -> &ledger::Posting {
        self.diesel.posting.as_ref().expect("a posting")
    }

    fn entry(&self) -> &ledger::Entry {
        self.electricity.entry.as_ref().expect("an entry")
    }

    fn grid_factor(&self) -> &ledger::FactorRef {
        self.entry().factor.as_ref().expect("a factor")
    }
}

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

type Question = (&'static str, fn(&Answers));

/// Number and question, and what must be true of the answer.
const QUESTIONS: [Question; 32] = [
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
                .filter(|of| of.activity == activity && of.method != "scope2-market-grid-average/1")
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
        assert!(event.recorded_time > "2026".to_owned() && event.recorded_time.ends_with('Z'));
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

#[tokio::test(flavor = "multi_thread")]
async fn every_competency_question_has_its_answer() {
    let mut park = Park::new(&[]);
    let file = park.scratch("asked.toml");
    std::fs::write(&file, DEFINITION).expect("a file");
    park = park.with_park_file(file);
    park.start();
    let mut clients = park.clients().await;
    tell(&park, &mut clients).await;
    let answers = Answers::ask(&mut clients).await;
    let mut unanswered = Vec::new();
    for (question, check) in QUESTIONS {
        if catch_unwind(AssertUnwindSafe(|| check(&answers))).is_err() {
            unanswered.push(question);
        }
    }
    assert!(unanswered.is_empty(), "no right answer to: {unanswered:#?}");

    // The same on the command line.
    let posting = format!("emission/centre/{HOUR_UTC}/diesel/d-1");
    let told = park
        .cli(&["ledger", "explain-posting", &posting, "--park", PARK])
        .expect_code(0)
        .stdout;
    for said in [
        "park answers for it",
        "at centre (building, Centre) in zone yard of park asked",
        "comes to 317.028 kg CO2e",
        "replaces revision 0: 100000 ml (delivery note 7)",
        "written in delivery note 8",
    ] {
        assert!(told.contains(said), "{said}: {told}");
    }
    let entry = format!("emission/centre/{HOUR_UTC}/scope2-location");
    let told = park
        .cli(&["ledger", "explain", &entry, "--park", PARK])
        .expect_code(0)
        .stdout;
    for said in [
        "in zone yard of park asked; park answers for it",
        "attached calibration: class 1",
        "replaces revision 0: 5.000 kWh",
        "stands in: regional averages, North, 2023",
    ] {
        assert!(told.contains(said), "{said}: {told}");
    }
    park.stop();
}
