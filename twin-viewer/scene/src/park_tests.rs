//! The parks that are shipped, laid out.

use terrarium_model::{AssetKind, ParkDefinition};
use terrarium_view_model::ParkView;

use crate::layout::{Layer, Layout, Role};
use crate::placement;
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
