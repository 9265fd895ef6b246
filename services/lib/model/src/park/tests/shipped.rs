//! The park files of the repository say what is published of the parks.

use std::path::Path;

use super::super::*;

fn shipped(name: &str) -> ParkDefinition {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../deploy/parks")
        .join(name);
    let text = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    ParkDefinition::parse(&text, name).unwrap_or_else(|errors| panic!("{errors}"))
}

fn of_kind(park: &ParkDefinition, kind: AssetKind) -> Vec<&Asset> {
    park.assets
        .values()
        .filter(|asset| asset.kind == kind)
        .collect()
}

fn rated_w(assets: &[&Asset]) -> i64 {
    assets.iter().filter_map(|asset| asset.rated_w).sum()
}

/// Everything that has a place stands on the park's ground, and where its zone has a border, within it.
fn assert_everything_stands_in_its_zone(park: &ParkDefinition) {
    let site = park.site.as_ref().expect("the park has a site");
    let ground = site.outline.as_ref().expect("the site has an outline");
    for asset in park.assets.values() {
        let place = asset
            .place
            .unwrap_or_else(|| panic!("{} has no place", asset.id));
        assert!(
            ground.contains(place.at),
            "{} stands outside the park",
            asset.id
        );
        let zone = park.zones[&asset.zone].outline.as_ref();
        assert!(
            zone.is_some_and(|zone| zone.contains(place.at)),
            "{} stands outside its zone {}",
            asset.id,
            asset.zone
        );
    }
    for water in &park.waters {
        assert!(
            water
                .outline
                .points()
                .iter()
                .all(|point| ground.contains(*point))
        );
    }
    for path in &park.paths {
        for point in &path.line[1..path.line.len() - 1] {
            assert!(ground.contains(*point), "{path:?}");
        }
    }
}

/// A figure of an asset is published, or is listed as assumed; the places of all are assumed.
fn assert_places_and_sizes_are_assumed(park: &ParkDefinition) {
    for asset in park.assets.values() {
        let place = asset
            .place
            .unwrap_or_else(|| panic!("{} has no place", asset.id));
        let is_assumed = |key: &str| asset.assumed.iter().any(|assumed| assumed == key);
        assert!(is_assumed("at"), "{}", asset.id);
        assert_eq!(place.size.is_some(), is_assumed("size"), "{}", asset.id);
    }
}

#[test]
fn every_park_file_of_the_repository_is_a_good_park_named_as_its_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../deploy/parks");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(id) = name.strip_suffix(".toml") {
            assert_eq!(shipped(&name).id.as_str(), id);
            read += 1;
        }
    }
    assert!(read >= 4, "only {read} park files");
}

#[test]
fn haotian_adds_up_to_its_published_figures() {
    let park = shipped("haotian.toml");
    let site = park.site.as_ref().unwrap();
    assert_eq!(
        (site.latitude_udeg, site.longitude_udeg),
        (39_730_000, 116_140_000)
    );

    let pv = of_kind(&park, AssetKind::Pv);
    assert_eq!(rated_w(&pv), 98_000);
    for table in &pv {
        let meter = &park.meters[table.id.as_str()];
        assert_eq!(
            (meter.measures, Some(meter.rated_w)),
            (Measures::Generation, table.rated_w)
        );
    }

    let two_way = of_kind(&park, AssetKind::Charger)
        .iter()
        .map(|charger| {
            charger.parameters
                == AssetParameters::Charger {
                    bidirectional: true,
                }
        })
        .collect::<Vec<_>>();
    assert_eq!(two_way, [false, true, true]);
    assert_eq!(of_kind(&park, AssetKind::Bin).len(), 6);

    let trees = of_kind(&park, AssetKind::TreeGroup)
        .into_iter()
        .map(|group| match group.parameters {
            AssetParameters::TreeGroup { count, .. } => count,
            ref other => panic!("{other:?}"),
        });
    assert_eq!(trees.sum::<i64>(), 2_800);

    assert_eq!(park.nodes.len(), 1);
    assert_eq!(park.nodes["grid-connection"].metering, NodeMetering::Grid);
    assert_everything_stands_in_its_zone(&park);
    assert_places_and_sizes_are_assumed(&park);
}

#[test]
fn haotian_covers_its_published_ground_and_irrigates_all_that_is_green() {
    let park = shipped("haotian.toml");
    let ground = park
        .site
        .as_ref()
        .unwrap()
        .outline
        .as_ref()
        .unwrap()
        .area_m2();
    assert!((63_990..=64_010).contains(&ground), "{ground} m2");
    let zone_m2 = |zone: &Zone| zone.outline.as_ref().unwrap().area_m2();
    let zones: i64 = park.zones.values().map(zone_m2).sum();
    // Each area is rounded down.
    assert!(
        (ground - 12..=ground).contains(&zones),
        "zones of {zones} m2 on {ground} m2"
    );

    let mut irrigated = 0;
    for asset in of_kind(&park, AssetKind::IrrigationZone) {
        let AssetParameters::IrrigationZone { area_m2, tank } = &asset.parameters else {
            panic!("{asset:?}");
        };
        assert!(
            (area_m2 - zone_m2(&park.zones[&asset.zone])).abs() <= 1,
            "{}",
            asset.id
        );
        let AssetParameters::Tank { water, .. } = park.assets[tank].parameters else {
            panic!("{tank}");
        };
        assert_ne!(
            water,
            WaterClass::Drinking,
            "{} is irrigated with rain or reclaimed water",
            asset.id
        );
        irrigated += area_m2;
    }
    assert_eq!(irrigated, 50_000);
}

#[test]
fn yizhuang_adds_up_to_its_published_figures() {
    let park = shipped("yizhuang.toml");
    assert_eq!(rated_w(&of_kind(&park, AssetKind::Wind)), 4_800_000);
    assert_eq!(rated_w(&of_kind(&park, AssetKind::Pv)), 1_300_000);
    let mut chemistries: Vec<Chemistry> = of_kind(&park, AssetKind::Battery)
        .iter()
        .map(|battery| match battery.parameters {
            AssetParameters::Battery { chemistry, .. } => chemistry,
            ref other => panic!("{other:?}"),
        })
        .collect();
    chemistries.sort();
    assert_eq!(
        chemistries,
        [
            Chemistry::Lithium,
            Chemistry::Flow,
            Chemistry::Supercapacitor
        ]
    );
    assert_eq!(park.nodes["grid-connection"].metering, NodeMetering::Grid);
    assert_everything_stands_in_its_zone(&park);
    assert_places_and_sizes_are_assumed(&park);
}

/// EEMUA 191 recommends about 5 % of the alarms high, 15 % medium and 80 % low.
#[test]
fn the_priorities_of_the_alarms_are_spread_as_eemua_191_recommends() {
    for name in ["haotian.toml", "yizhuang.toml"] {
        let park = shipped(name);
        let count = |priority: AlarmPriority| -> usize {
            let of_priority = park
                .alarms
                .values()
                .filter(|alarm| alarm.priority == priority);
            of_priority.map(|alarm| alarm.watches.len()).sum()
        };
        let (high, medium, low) = (
            count(AlarmPriority::High),
            count(AlarmPriority::Medium),
            count(AlarmPriority::Low),
        );
        let all = high + medium + low;
        assert!(all >= 20, "{name} has {all} alarms");
        assert!(
            (1..=all / 15).contains(&high),
            "{name}: {high} of {all} high"
        );
        assert!(
            (all / 10..=all / 5).contains(&medium),
            "{name}: {medium} of {all} medium"
        );
    }
}
