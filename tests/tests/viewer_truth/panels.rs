//! What the panels write, read back from the tree that a screen reader reads.

use std::collections::BTreeMap;

use egui::Vec2;
use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use terrarium_proto::{ledger::v1 as ledger, twin::v1 as twin};
use terrarium_tests::haotian::{FROM, PARK, TO, ms, park};
use terrarium_tests::{LiveView, Park, Seed};
use terrarium_ui::{Drafts, install, show};
use terrarium_view_model::{AssetIndex, Command, Connection, Language, Quantity, Word};

use crate::said;

const HOUR_MS: i64 = 3_600_000;

const MOMENTS: u64 = 2_000;
/// Every so many moments the ledger is read back too.
const MOMENTS_PER_LEDGER: u64 = 4;

/// The panels over a live connection, without a picture.
struct Desk {
    view: LiveView,
    drafts: Drafts,
    is_installed: bool,
}

fn desk(park: &Park) -> Harness<'static, Desk> {
    let desk = Desk {
        view: LiveView::of(park.endpoint().grpc, PARK, || ()),
        drafts: Drafts::default(),
        is_installed: false,
    };
    // High enough that nothing has to be scrolled to.
    let size = Vec2::new(1_400.0, 4_000.0);
    Harness::builder().with_size(size).build_ui_state(
        |ui, desk: &mut Desk| {
            if !desk.is_installed {
                desk.is_installed = true;
                install(ui.ctx());
                ui.ctx().request_repaint();
                return;
            }
            show(ui, &desk.view.state, &mut desk.drafts);
        },
        desk,
    )
}

/// Every text of the panels, in reading order.
fn texts(harness: &Harness<'static, Desk>) -> Vec<String> {
    let labels = harness.query_all_by_role(Role::Label);
    labels
        .map(|node| {
            let node = node.accesskit_node();
            node.label().or(node.value()).unwrap_or_default()
        })
        .collect()
}

/// A number as written, as a range: half of its last digit up and down, in the smallest unit.
fn range_of(text: &str) -> Option<(f64, f64)> {
    let text = text.replace('\u{a0}', "").replace('−', "-");
    let (number, unit) = text.split_once(' ').unwrap_or((&text, ""));
    let places = number
        .split_once('.')
        .map_or(0, |(_, fraction)| fraction.len());
    let value: f64 = number.parse().ok()?;
    let factor = match unit {
        "" | "W" | "Wh" | "L" | "L/h" | "g" | "/h" | "W/m²" => 1.0,
        "kW" | "kWh" | "kg" | "m³" | "℃" | "m/s" | "mm/h" => 1e3,
        "MW" | "MWh" | "t" => 1e6,
        "%" => 10.0,
        "m" => 100.0,
        "g CO₂" => 1e3,
        "kg CO₂" => 1e6,
        "t CO₂" => 1e9,
        _ => return None,
    };
    let half = 0.500_001 * 10_f64.powi(-(places as i32)) * factor;
    Some((value * factor - half, value * factor + half))
}

/// What the service says of an asset at a moment: values by quantity, in order.
async fn values_of(
    client: &mut twin::twin_service_client::TwinServiceClient<tonic::transport::Channel>,
    moment_ms: i64,
    asset: &str,
) -> BTreeMap<i32, Vec<i64>> {
    let request = twin::SnapshotRequest {
        park: PARK.into(),
        moment: Some(twin::Moment {
            at: Some(twin::moment::At::TimeMs(moment_ms)),
        }),
    };
    let snapshot = client
        .snapshot(request)
        .await
        .expect("a snapshot")
        .into_inner();
    let points: BTreeMap<u32, &twin::Point> = snapshot
        .new_points
        .iter()
        .map(|point| (point.index, point))
        .collect();
    let values = snapshot.values.as_ref().expect("values");
    let mut told: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
    for (index, value) in values.points.iter().zip(&values.values) {
        let point = points[index];
        let is_alarm = point.quantity == twin::Quantity::AlarmState as i32;
        if point.asset == asset && !is_alarm {
            told.entry(point.quantity).or_default().push(*value);
        }
    }
    told.values_mut().for_each(|values| values.sort_unstable());
    told
}

/// The rows under the heading of the moment: quantity and value, as written.
fn rows(texts: &[String], language: Language) -> Vec<(String, String)> {
    let heading = Word::AtMoment.text(language).replace("{time}", "2025-");
    let (before, after) = heading
        .split_once("2025-")
        .expect("the heading tells the time");
    let is_heading =
        |text: &String| text.starts_with(before) && text.ends_with(after) && text.contains("2025-");
    let from = texts
        .iter()
        .position(is_heading)
        .expect("the panel tells its moment")
        + 1;
    let trend = Word::Trend.text(language);
    let to = texts[from..].iter().position(|text| text == trend);
    let part = &texts[from..from + to.expect("the trend comes after the values")];
    let names: Vec<&str> = Quantity::ALL
        .iter()
        .map(|quantity| Word::of_quantity(*quantity).text(language))
        .collect();
    part.windows(2)
        .filter(|pair| names.contains(&pair[0].as_str()) && !names.contains(&pair[1].as_str()))
        .map(|pair| (pair[0].clone(), pair[1].clone()))
        .collect()
}

fn expect_rows(
    said: &BTreeMap<i32, Vec<i64>>,
    shown: &[(String, String)],
    language: Language,
) -> usize {
    let mut compared = 0;
    let count: usize = said.values().map(Vec::len).sum();
    assert_eq!(
        shown.len(),
        count,
        "as many rows as values: {shown:?} for {said:?}"
    );
    // Two quantities may have one name in a language (a meter's and a store's own): they are told apart by their values.
    let mut left: Vec<&(String, String)> = shown.iter().collect();
    for (quantity, values) in said {
        let quantity = Quantity::from_wire(*quantity).expect("the viewer knows it");
        let name = Word::of_quantity(quantity).text(language);
        for value in values {
            let found = left.iter().position(|(shown_name, text)| {
                shown_name == name
                    && range_of(text)
                        .is_some_and(|(least, most)| (least..=most).contains(&(*value as f64)))
            });
            let found = found.unwrap_or_else(|| {
                panic!("{quantity:?} is {value}, and the panel writes {left:?}")
            });
            left.remove(found);
            compared += 1;
        }
    }
    compared
}

/// The text after a word.
#[track_caller]
fn after(texts: &[String], word: Word, language: Language) -> &str {
    let place = texts.iter().position(|text| text == word.text(language));
    &texts[place.unwrap_or_else(|| panic!("{word:?} is written: {texts:?}")) + 1]
}

#[track_caller]
fn expect_within(text: &str, value: i64) {
    let (least, most) = range_of(text).unwrap_or_else(|| panic!("{text:?} is a number"));
    let value = value as f64;
    assert!(
        (least..=most).contains(&value),
        "{value} is written as {text:?}"
    );
}

async fn expect_ledger(park: &Park, texts: &[String], moment_ms: i64, language: Language) -> usize {
    let request = said::day_to(moment_ms, ledger::Grouping::Total);
    let mut client = park.clients().await.ledger;
    let balance = client
        .balance(request)
        .await
        .expect("a balance")
        .into_inner();
    let total = balance.total.expect("a total");
    let begin = texts
        .iter()
        .position(|text| text == Word::CarbonLedger.text(language));
    let texts = &texts[begin.expect("the ledger is on the screen")..];
    let figures = [
        (Word::Scope2, total.scope2_location_mg),
        (Word::Avoided, total.avoided_mg),
        (Word::Consumption, total.consumption_wh),
        (Word::Generation, total.generation_wh),
        (Word::SelfUse, total.self_use_wh),
        (Word::GridImport, total.import_wh),
        (Word::GridExport, total.export_wh),
    ];
    for (word, value) in figures {
        expect_within(after(texts, word, language), value);
    }
    let covered = format!("{}", total.hours_metered);
    assert!(
        texts.iter().any(|text| text.contains(&covered)),
        "{covered} hours metered"
    );
    figures.len() + 1
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_panels_write_is_what_the_services_say() {
    let mut seed = Seed::from_environment("viewer_truth");
    let park = park(&[]);
    let mut client = park.clients().await.twin;
    let mut harness = desk(&park);
    harness.run();
    let first_ms = ms(FROM) + 24 * HOUR_MS / 4;
    let last_ms = ms(TO);
    let view = &mut harness.state_mut().view;
    view.until("the view is live", |state| {
        state.connection == Connection::Live
            && state.park().is_some()
            && !state.timeline.is_waiting()
    });
    view.does(Command::ShowCarbon(true));
    let mut compared = 0;
    for number in 0..MOMENTS {
        let view = &mut harness.state_mut().view;
        let assets = view.state.park().expect("drawn").assets.len() as u64;
        let asset = AssetIndex(u32::try_from(seed.below(assets)).expect("few assets"));
        let language = Language::ALL[usize::from(seed.below(2) == 1)];
        let span = u64::try_from(last_ms - first_ms).expect("later");
        let moment_ms = first_ms + i64::try_from(seed.below(span)).expect("a day");
        view.does(Command::SetLanguage(language));
        view.does(Command::Select(asset));
        view.does(Command::SeekExact { moment_ms });
        let reads_ledger = number % MOMENTS_PER_LEDGER == 0;
        view.until("the moment is shown", |state| {
            let is_there = !state.timeline.is_waiting() && state.timeline.shown_ms() == moment_ms;
            is_there && (!reads_ledger || state.is_settled())
        });
        harness.run();
        let id = harness
            .state()
            .view
            .state
            .park()
            .expect("drawn")
            .asset(asset)
            .id
            .clone();
        let texts = texts(&harness);
        let said = values_of(&mut client, moment_ms, &id).await;
        if !said.is_empty() {
            compared += expect_rows(&said, &rows(&texts, language), language);
        }
        if reads_ledger {
            compared += expect_ledger(&park, &texts, moment_ms, language).await;
        }
    }
    println!("{compared} values read back at {MOMENTS} moments");
    assert!(
        compared > MOMENTS as usize,
        "{compared} values were compared"
    );
}
