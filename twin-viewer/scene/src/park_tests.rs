//! The parks that are shipped, laid out.

use terrarium_model::{AssetKind, ParkDefinition};
use terrarium_view_model::ParkView;

use bevy::math::{Dir3, Ray3d, Vec3};

use crate::chunks::{chunks, ground};
use crate::layout::{GRAINS_M, Layer, Layout, Role};
use crate::placement;
use crate::poses::Poses;
use crate::shape::soundness::assert_normals_follow_winding;

fn shipped(name: &str) -> ParkView {
    let path = format!(
        "{}/../../deploy/parks/{name}.toml",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&path).expect("a shipped park can be read");
    ParkView::new(&ParkDefinition::parse(&text, name).expect("a shipped park is right"))
}

#[test]
fn every_asset_of_the_shipped_parks_can_be_seen_and_pointed_at() {
    for name in ["haotian", "yizhuang", "zne-homes"] {
        let park = shipped(name);
        let layout = Layout::new(&park);
        assert_eq!(layout.anchors.len(), park.assets.len());
        for (index, asset) in park.indexed() {
            let is_drawn = layout
                .pieces
                .iter()
                .any(|piece| piece.asset == Some(index) && piece.layer == Layer::Clay);
            assert!(is_drawn, "{name} does not draw {}", asset.id);
        }
    }
}

#[test]
fn haotian_has_its_2800_trees_and_166_lamps() {
    let park = shipped("haotian");
    let layout = Layout::new(&park);
    let trees = layout
        .pieces
        .iter()
        .filter(|piece| piece.layer == Layer::Clay && matches!(piece.role, Role::Tree { .. }));
    assert_eq!(trees.count(), 2_800);
    let lamps: usize = park
        .indexed()
        .filter(|(_, asset)| asset.kind == AssetKind::Lighting)
        .map(|(index, _)| {
            let of =
                |piece: &&crate::Piece| piece.asset == Some(index) && piece.layer == Layer::Clay;
            layout.pieces.iter().filter(of).count()
        })
        .sum();
    assert_eq!(lamps, 166);
}

#[test]
fn trees_stand_in_their_zone_and_out_of_the_water() {
    let park = shipped("haotian");
    let (mut trees, mut misplaced) = (0, 0);
    for asset in park
        .assets
        .iter()
        .filter(|asset| asset.kind == AssetKind::TreeGroup)
    {
        let places = placement::trees(&park, asset, 150);
        trees += places.len();
        let outline = &park.zones[asset.zone].outline;
        misplaced += places
            .iter()
            .filter(|tree| {
                let is_wet = park
                    .waters
                    .iter()
                    .any(|water| placement::contains(&water.outline, tree.at));
                is_wet || !placement::contains(outline, tree.at)
            })
            .count();
        assert_eq!(
            places,
            placement::trees(&park, asset, 150),
            "places differ from run to run"
        );
    }
    assert_eq!((trees, misplaced), (150 * 14, 0));
}

#[test]
fn a_park_is_laid_out_the_same_every_time() {
    let park = shipped("yizhuang");
    assert_eq!(Layout::new(&park), Layout::new(&park));
}

#[test]
fn equal_assets_share_their_meshes_and_the_park_stays_cheap() {
    let park = shipped("haotian");
    let layout = Layout::new(&park);
    assert!(layout.shapes.len() < 260, "{} shapes", layout.shapes.len());
    assert!(
        layout.triangles() < 250_000,
        "{} triangles",
        layout.triangles()
    );
}

#[test]
fn every_face_of_what_stands_in_the_parks_looks_the_way_it_is_wound() {
    for name in ["haotian", "yizhuang"] {
        let layout = Layout::new(&shipped(name));
        for piece in &layout.pieces {
            // Strips of the ground may fold in sharp corners.
            if matches!(piece.layer, Layer::Clay | Layer::Shadow)
                && !matches!(piece.role, Role::Tree { .. })
            {
                assert_normals_follow_winding(&layout.shapes[piece.shape], name);
            }
        }
    }
}

#[test]
fn a_ray_from_above_meets_the_store_that_stands_there_and_no_car_that_is_gone() {
    let park = shipped("haotian");
    let layout = Layout::new(&park);
    let above = |asset: &terrarium_view_model::AssetView| Ray3d {
        origin: Vec3::new(asset.at.east_m, 300.0, -asset.at.north_m),
        direction: Dir3::NEG_Y,
    };
    let mut met = 0;
    for (index, asset) in park.indexed() {
        if asset.kind == AssetKind::Battery {
            let seen = crate::pick::pick(&layout, &Poses::default(), above(asset));
            assert_eq!(seen, Some(index), "{}", asset.id);
            met += 1;
        }
    }
    assert!(met > 0);
    let sky = Ray3d {
        origin: Vec3::new(0.0, 300.0, 0.0),
        direction: Dir3::Y,
    };
    assert_eq!(crate::pick::pick(&layout, &Poses::default(), sky), None);
}

#[test]
fn every_level_of_detail_has_fewer_triangles_and_nearer_squares_more() {
    let park = shipped("haotian");
    let layout = Layout::new(&park);
    let squares = chunks(&layout);
    assert!(
        squares.len() > 4 && squares.len() < 200,
        "{}",
        squares.len()
    );
    let triangles = |level: usize| -> usize {
        let merged = squares
            .iter()
            .flat_map(|square| square.merged(&layout, level));
        merged.map(|(_, merged)| merged.triangles()).sum()
    };
    let by_level: Vec<usize> = (0..GRAINS_M.len()).map(triangles).collect();
    assert!(
        by_level.is_sorted_by(|fine, coarse| fine > coarse),
        "{by_level:?}"
    );
    let square = &squares[0];
    let far = square.middle + Vec3::Y * 5_000.0;
    assert_eq!(square.level(square.middle, 1_000.0), 0);
    assert_eq!(square.level(far, 1_000.0), GRAINS_M.len() - 1);
}

#[test]
fn what_lies_flat_is_drawn_from_above_downwards() {
    let park = shipped("haotian");
    let flat = ground(&Layout::new(&park));
    let heights: Vec<f32> = flat
        .indices
        .chunks_exact(3)
        .map(|of| flat.positions[of[0] as usize][1])
        .collect();
    let fallen = heights.first().zip(heights.last());
    assert!(fallen.is_some_and(|(first, last)| first > last));
}
