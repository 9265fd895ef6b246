mod alarms;
mod assets;
mod meters;
mod shipped;
mod site;

use super::*;
use crate::{AssetId, MeterId};

/// A small park with nothing wrong: one home with PV.
const GOOD: &str = r#"
[park]
id = "zne-homes"
name = { en = "Homes", zh = "住宅" }
time_zone = "Etc/GMT+8"
clock = "wall"
grid_region = "caiso"

[[zones]]
id = "street"
name = { en = "The street", zh = "街区" }

[[assets]]
id = "home-01"
kind = "building"
zone = "street"
name = { en = "Home 1", zh = "一号住宅" }

[[assets]]
id = "home-01.pv"
kind = "pv"
zone = "street"
name = { en = "Home 1 roof", zh = "一号屋顶" }
rated_kw = 4.0

[[connections]]
kind = "electric"
from = "grid"
to = "home-01"

[[connections]]
kind = "electric"
from = "home-01.pv"
to = "home-01"

[[meters]]
id = "home-01.load"
asset = "home-01"
measures = "consumption"
reports = "interval"
rated_kw = 20.0

[[meters]]
id = "home-01.pv"
asset = "home-01.pv"
measures = "generation"
reports = "register"
rated_kw = 4
"#;

fn parse(text: &str) -> Result<ParkDefinition, ParkErrors> {
    ParkDefinition::parse(text, "x.toml")
}

/// The problems of a text, one a line, as a person sees them.
fn problems(text: &str) -> String {
    parse(text)
        .expect_err("the definition must be refused")
        .to_string()
}

/// The problems of the good park after replacing a text that must be in it.
fn problems_with(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old), "the good park has no {old:?}");
    problems(&GOOD.replacen(old, new, 1))
}

fn good_with(more: &str) -> String {
    format!("{GOOD}{more}")
}

/// Line of the good park where the text first stands.
fn line_of(text: &str) -> usize {
    let at = GOOD.find(text).expect("the text is in the good park");
    GOOD[..at].matches('\n').count() + 1
}

fn asset(id: &str) -> String {
    format!(
        "[[assets]]\nid = '{id}'\nkind = 'load'\nzone = 'street'\nname = {{ en = 'A', zh = '甲' }}\n"
    )
}

fn connection(from: &str, to: &str) -> String {
    format!("[[connections]]\nkind = 'electric'\nfrom = '{from}'\nto = '{to}'\n")
}

fn meter(id: &str, asset: &str, measures: &str) -> String {
    format!(
        "[[meters]]\nid = '{id}'\nasset = '{asset}'\nmeasures = '{measures}'\nreports = 'interval'\nrated_kw = 1.5\n"
    )
}

#[test]
fn a_good_park_is_read_whole() {
    let park = parse(GOOD).unwrap();
    assert_eq!(park.id.as_str(), "zne-homes");
    assert_eq!(park.name.zh, "住宅");
    assert_eq!(park.time_zone.name(), "Etc/GMT+8");
    assert_eq!(park.clock, ParkClock::Wall);
    assert_eq!(park.grid_region, "caiso");
    assert_eq!(park.assets["home-01.pv"].rated_w, Some(4_000));
    assert_eq!(park.assets["home-01"].rated_w, None);
    assert_eq!(park.connections[0].from, ConnectionSource::Grid);

    let home = AssetId::new("home-01").unwrap();
    let pv_meter = &park.meters["home-01.pv"];
    assert_eq!(pv_meter.node, home);
    assert_eq!(pv_meter.measures, Measures::Generation);
    assert_eq!(pv_meter.reports, Reports::Register);
    assert_eq!(pv_meter.rated_w, 4_000);
    let expected = Node {
        asset: home.clone(),
        metering: NodeMetering::Consumption,
        has_storage_meters: false,
        meters: vec![
            MeterId::new("home-01.load").unwrap(),
            MeterId::new("home-01.pv").unwrap(),
        ],
    };
    assert_eq!(
        park.nodes,
        std::collections::BTreeMap::from([(home, expected)])
    );
}

#[test]
fn the_ten_homes_of_the_repository_are_a_good_park() {
    let text = include_str!("../../../../../deploy/parks/zne-homes.toml");
    let park = ParkDefinition::parse(text, "deploy/parks/zne-homes.toml")
        .unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(park.nodes.len(), 10);
    assert_eq!(park.meters.len(), 20);
    assert_eq!(park.meters["home-04.pv"].rated_w, 5_000);
    assert_eq!(
        park.time_zone
            .offset_seconds(crate::UnixSeconds(1_470_034_800)),
        -8 * 3_600
    );
}

#[test]
fn a_node_with_grid_meters_is_known_as_such() {
    let grid_only = GOOD.replace("\"consumption\"", "\"grid_import\"");
    let metering = |text: &str| parse(text).unwrap().nodes["home-01"].metering;
    assert_eq!(metering(&grid_only), NodeMetering::Grid);
    let both = good_with(&meter("home-01.in", "home-01", "grid_import"));
    assert_eq!(metering(&both), NodeMetering::ConsumptionAndGrid);
}

#[test]
fn a_syntax_error_is_told_with_its_place() {
    let found = problems("[park]\nid = \n");
    assert!(found.starts_with("x.toml:2:"), "{found}");
    assert!(found.contains("this is no TOML"), "{found}");
    assert_eq!(found.lines().count(), 1, "{found}");
    let found = problems_with("clock = \"wall\"", "clock = \"wall\"\nclock = \"wall\"");
    assert!(
        found.contains(&format!("x.toml:{}:1: ", line_of("clock") + 1)),
        "{found}"
    );
    assert!(found.contains("duplicate key"), "{found}");
}

#[test]
fn an_unknown_key_is_told_with_the_nearest_known_one() {
    let found = problems_with("measures =", "measure =");
    let line = line_of("measures =");
    assert!(
        found.contains(&format!(
            "x.toml:{line}:1: [[meters]] \"home-01.load\" has an unknown key \"measure\"; did you mean \"measures\"?"
        )),
        "{found}"
    );
    let found = problems("colour = 1\n");
    assert!(
        found.contains(
            "x.toml:1:1: the file has an unknown key \"colour\"; leave it out; known keys are \"park\", \"zones\""
        ),
        "{found}"
    );
}

#[test]
fn a_missing_key_is_told_with_its_table() {
    let found = problems_with("grid_region = \"caiso\"\n", "");
    assert_eq!(
        found,
        "x.toml:2:1: [park] has no key \"grid_region\"; write grid_region = \"caiso\""
    );
    let found = problems_with("asset = \"home-01\"\n", "");
    let line = line_of("[[meters]]");
    assert_eq!(
        found,
        format!(
            "x.toml:{line}:1: [[meters]] \"home-01.load\" has no key \"asset\"; write asset = \"home-01\""
        )
    );
}

#[test]
fn a_value_of_the_wrong_type_is_told_with_what_to_write() {
    let found = problems_with("id = \"street\"", "id = 7");
    assert!(
        found.contains(":6: id is of type integer; write a text in quotes"),
        "{found}"
    );
    assert_eq!(
        found.lines().count(),
        1,
        "the zone that could not be read is missed nowhere: {found}"
    );
    let found = problems_with(
        "name = { en = \"Homes\", zh = \"住宅\" }",
        "name = \"Homes\"",
    );
    assert!(
        found.contains("x.toml:4:8: name is of type string; write { en = "),
        "{found}"
    );
    let found = problems("park = 1\nzones = 2\nassets = [3]\n");
    assert!(
        found.contains("x.toml:1:8: park is of type integer; write a table: [park]"),
        "{found}"
    );
    assert!(
        found.contains("x.toml:2:9: zones is of type integer"),
        "{found}"
    );
    assert!(
        found.contains("x.toml:3:11: assets is of type integer"),
        "{found}"
    );
}

#[test]
fn an_unknown_token_is_told_with_those_allowed() {
    let found = problems_with("kind = \"building\"", "kind = \"bulding\"");
    let line = line_of("kind = \"building\"");
    assert_eq!(
        found,
        format!(
            "x.toml:{line}:8: kind = \"bulding\" is not known; did you mean \"building\"? Allowed are \"building\", \
             {}",
            AssetKind::TOKENS[1..]
                .iter()
                .map(|(token, _)| format!("\"{token}\""))
                .collect::<Vec<_>>()
                .join(", ")
        )
    );
    let found = problems_with("reports = \"interval\"", "reports = \"pigeon\"");
    assert!(
        found.contains("write one of \"interval\", \"register\""),
        "{found}"
    );
    let found = problems_with("measures = \"consumption\"", "measures = \"consumtion\"");
    assert!(found.contains("did you mean \"consumption\"?"), "{found}");
    assert_eq!(
        found.lines().count(),
        1,
        "one mistake is told once: {found}"
    );
    let found = problems_with("zone = \"street\"", "zone = \"stret\"");
    assert!(
        found.contains(":8: there is no zone \"stret\"; did you mean \"street\"?"),
        "{found}"
    );
    let found = problems_with("Etc/GMT+8", "Asia/Shangai");
    assert_eq!(
        found,
        "x.toml:5:13: \"Asia/Shangai\" is no IANA time zone; did you mean \"Asia/Shanghai\"?"
    );
    let found = problems_with("Etc/GMT+8", "Peking Standard Time of the Year");
    assert!(
        found.contains("write a name such as \"Asia/Shanghai\""),
        "{found}"
    );
}

#[test]
fn two_of_one_id_are_told_with_the_line_of_the_first() {
    let found = problems(&good_with(&asset("home-01")));
    let first = line_of("id = \"home-01\"");
    assert!(
        found.contains(&format!(
            ":6: two assets are named \"home-01\"; rename one (first at line {first})"
        )),
        "{found}"
    );
    let found = problems(&good_with(&meter("home-01.pv", "home-01.pv", "generation")));
    assert!(
        found.contains("two meters are named \"home-01.pv\""),
        "{found}"
    );
    let found = problems(&good_with(
        "[[zones]]\nid = 'street'\nname = { en = 'S', zh = '街' }\n",
    ));
    assert!(found.contains("two zones are named \"street\""), "{found}");
}

#[test]
fn an_id_of_other_letters_is_refused() {
    let found = problems_with("id = \"home-01.load\"", "id = \"Home 1\"");
    assert!(
        found.contains(
            ":6: \"Home 1\" is no meter id; write 1 to 64 of a-z, 0-9, '.', '_', '-', starting with"
        ),
        "{found}"
    );
    let found = problems_with("id = \"zne-homes\"", "id = \"zne.homes\"");
    assert!(
        found.starts_with("x.toml:3:6: \"zne.homes\" is no park id"),
        "{found}"
    );
}

#[test]
fn a_meter_on_an_unknown_asset_is_told() {
    let found = problems(&good_with(&meter("m", "hone-01", "consumption")));
    assert!(
        found.contains(":9: there is no asset \"hone-01\"; did you mean \"home-01\"?"),
        "{found}"
    );
}

#[test]
fn a_meter_that_measures_nothing_is_told() {
    let found = problems_with("measures = \"consumption\"\n", "");
    assert_eq!(
        found,
        format!(
            "x.toml:{}:1: [[meters]] \"home-01.load\" measures nothing: it has no key \"measures\"; write measures = \
             one of \"consumption\", \"generation\", \"grid_import\", \"grid_export\", \"storage_charge\", \"storage_discharge\", \
             \"heat_supply\", \"heat_use\", \"cold_supply\", \"cold_use\"",
            line_of("[[meters]]")
        )
    );
    let found = problems(&good_with(
        &(asset("pump") + &meter("pump.load", "pump", "consumption")),
    ));
    assert!(
        found.contains(
            "meter \"pump.load\" measures nothing: its asset \"pump\" is connected to no node; write [[connections]]"
        ),
        "{found}"
    );
    assert_eq!(found.lines().count(), 1, "{found}");
}

#[test]
fn a_cycle_of_connections_is_told_link_by_link() {
    let wires = asset("a") + &asset("b") + &connection("a", "b") + &connection("b", "a");
    let found = problems(&good_with(&wires));
    assert!(
        found.contains("connections go in a circle: a -> b -> a; leave one of them out"),
        "{found}"
    );
    assert_eq!(found.lines().count(), 1, "{found}");
    let found = problems(&good_with(&connection("home-01", "home-01")));
    assert!(found.contains("circle: home-01 -> home-01"), "{found}");
}

#[test]
fn a_connection_to_an_unknown_asset_or_into_the_grid_is_told() {
    let found = problems_with("to = \"home-01\"", "to = \"home-1\"");
    assert!(
        found.contains(":6: there is no asset \"home-1\"; did you mean \"home-01\"?"),
        "{found}"
    );
    assert_eq!(found.lines().count(), 1, "{found}");
    let found = problems(&good_with(&connection("home-01", "grid")));
    assert!(
        found.contains("a connection leads to \"grid\"; write it from the grid inwards"),
        "{found}"
    );
    let found = problems(&good_with(&connection("grid", "home-01")));
    assert!(
        found.contains("this connection is written twice; leave one out"),
        "{found}"
    );
    let found = problems(&good_with(&asset("grid")));
    assert!(found.contains("an asset is named \"grid\""), "{found}");
}

#[test]
fn an_asset_that_reaches_two_nodes_is_told() {
    let second_home = asset("home-02")
        + &connection("grid", "home-02")
        + &connection("home-01.pv", "home-02")
        + &meter("home-02.load", "home-02", "consumption");
    let found = problems(&good_with(&second_home));
    assert!(
        found.contains("asset \"home-01.pv\" belongs to two nodes, \"home-01\" and \"home-02\""),
        "{found}"
    );
    assert_eq!(found.lines().count(), 1, "{found}");
}

#[test]
fn a_node_without_consumption_and_grid_meter_is_told() {
    let found = problems_with("measures = \"consumption\"", "measures = \"grid_export\"");
    assert!(
        found.contains("node \"home-01\" has neither its consumption nor its grid import metered; write [[meters]]"),
        "{found}"
    );
}

#[test]
fn a_rating_must_be_there_and_above_zero() {
    let found = problems_with("rated_kw = 20.0\n", "");
    assert!(
        found.contains("\"home-01.load\" has no key \"rated_kw\"; write rated_kw = 20.0 (in kW)"),
        "{found}"
    );
    for bad in ["0", "0.0", "-4.0", "0.0001"] {
        let found = problems_with("rated_kw = 20.0", &format!("rated_kw = {bad}"));
        assert!(
            found.contains("is no rating; write the rated power in kW, above zero"),
            "{bad}: {found}"
        );
    }
    for bad in ["nan", "inf", "1e3"] {
        let found = problems_with("rated_kw = 20.0", &format!("rated_kw = {bad}"));
        assert!(
            found.contains("as a plain decimal such as rated_kw = 4.0"),
            "{bad}: {found}"
        );
    }
    let found = problems_with("rated_kw = 20.0", "rated_kw = \"20\"");
    assert!(
        found.contains("rated_kw is of type string; write a number of kW"),
        "{found}"
    );
    let found = problems_with("rated_kw = 20.0", "rated_kw = 2_000_000_000");
    assert!(
        found.contains("write the rated power in kW, not in W"),
        "{found}"
    );
    let park = parse(&GOOD.replacen("rated_kw = 20.0", "rated_kw = +20.1234", 1)).unwrap();
    assert_eq!(park.meters["home-01.load"].rated_w, 20_123);
}

#[test]
fn an_empty_name_is_told() {
    let found = problems_with("zh = \"街区\"", "zh = \"\"");
    assert_eq!(
        found,
        format!(
            "x.toml:{}:34: zh is empty; write a text that is not empty",
            line_of("zh = \"街区\"")
        )
    );
    let found = problems_with(", zh = \"街区\"", "");
    assert!(
        found.contains("name of [[zones]] \"street\" has no key \"zh\"; write zh = "),
        "{found}"
    );
    let found = problems_with("The street", "The\\nstreet");
    assert!(found.contains("control characters"), "{found}");
}

#[test]
fn a_park_without_meters_or_without_anything_is_told() {
    let meters_at = GOOD.find("[[meters]]").unwrap();
    let found = problems(&GOOD[..meters_at]);
    assert!(
        found.contains("x.toml:2:1: the park has no meters; write at least one [[meters]]"),
        "{found}"
    );
    assert!(problems("").contains("the file has no table [park]"));
}

#[test]
fn a_text_over_512_kib_is_refused_unread() {
    let long = "#".repeat(MOST_DEFINITION_BYTES + 1);
    assert_eq!(
        problems(&long),
        "x.toml:1:1: the park definition has 524289 bytes, more than 524288 (512 KiB); leave out comments, or divide \
         the park"
    );
    let at_the_limit = good_with(&"#".repeat(MOST_DEFINITION_BYTES - GOOD.len()));
    assert!(parse(&at_the_limit).is_ok());
}

#[test]
fn a_byte_order_mark_is_told_and_the_rest_still_read() {
    let found = problems(&format!("\u{feff}{}", GOOD.replace("caiso", "")));
    assert_eq!(
        found,
        "x.toml:1:1: the file starts with a byte-order mark; save it as UTF-8 without BOM\n\
         x.toml:7:15: grid_region is empty; write a text that is not empty"
    );
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_the_file() {
    let many = GOOD
        .replacen("clock = \"wall\"", "clock = \"sundial\"", 1)
        .replacen("kind = \"pv\"", "kind = \"pw\"", 1)
        .replacen("zh = \"街区\"", "zh = \" \"", 1)
        .replacen("rated_kw = 20.0", "rated_kw = 0", 1)
        + &meter("m", "nobody", "consumption");
    let errors = parse(&many).unwrap_err();
    let lines: Vec<usize> = errors.problems.iter().map(|problem| problem.line).collect();
    assert_eq!(errors.problems.len(), 5, "{errors}");
    assert!(lines.is_sorted(), "{errors}");
}

#[test]
fn a_hundred_problems_are_shown_and_the_rest_counted_quickly() {
    let many: String = (0..5_000)
        .map(|number| meter(&format!("m-{number}"), "nobody", "generation"))
        .collect();
    let errors = parse(&good_with(&many)).unwrap_err();
    assert_eq!(errors.problems.len(), 100);
    assert_eq!(errors.more, 4_900);
    assert!(
        errors
            .to_string()
            .ends_with("and 4900 more; mend these first")
    );
}

#[test]
fn what_a_park_names_is_read_back_from_its_token() {
    for (token, kind) in AssetKind::TOKENS {
        assert_eq!(kind.token(), *token);
    }
    for (token, measures) in Measures::TOKENS {
        assert_eq!(measures.to_string(), *token);
    }
}

/// What the good park lacks: a site, places, and assets that need parameters.
const MORE: &str = r#"
[site]
latitude = "39.73"
longitude = "116.14"
outline = [[0, 0], [80.5, 0], [80, 60]]

[[paths]]
width = 2.5
line = [[0, 0], [10, 5]]

[[assets]]
id = "tank"
kind = "tank"
zone = "street"
name = { en = "Tank", zh = "水箱" }
capacity_l = 20000
reserve_l = 2000
water = "rain"
at = [5, -3.2]
size = [1, 2, 3]
assumed = ["capacity_l", "at"]

[[assets]]
id = "lawn"
kind = "irrigation_zone"
zone = "street"
name = { en = "Lawn", zh = "草坪" }
area_m2 = 2500
tank = "tank"
"#;

mod properties {
    use proptest::prelude::*;

    use super::{GOOD, MORE, parse};

    proptest! {
        #[test]
        fn a_definition_with_any_bytes_changed_is_read_or_refused_without_panic(
            at in 0..GOOD.len() + MORE.len(), length in 0..40_usize, put in "\\PC{0,12}",
        ) {
            let mut text = format!("{GOOD}{MORE}");
            let (mut from, mut to) = (at, (at + length).min(text.len()));
            while !text.is_char_boundary(from) { from -= 1; }
            while !text.is_char_boundary(to) { to += 1; }
            text.replace_range(from..to, &put);
            if let Err(errors) = parse(&text) {
                prop_assert!(!errors.problems.is_empty());
                let lines = text.matches('\n').count() + 1;
                prop_assert!(errors.problems.iter().all(|problem| problem.line <= lines), "{}", errors);
            }
        }
    }
}
