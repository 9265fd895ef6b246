//! The scene is drawn when it changed and where it is seen; signs stand where their assets are drawn.

use terrarium_render::SceneDrawings;
use terrarium_view_model::{AssetIndex, Command, Drawing};

use super::show::Show;
use crate::picture::Picture;

/// It is put back as it was, to the byte; what changes is drawn.
pub fn an_unchanged_scene_is_not_drawn_again(park: &mut Show, before: &Picture) {
    // Until all of it has settled it is drawn.
    park.picture();
    let drawings = park.stage.world().resource::<SceneDrawings>().clone();
    let (drawn, put_back) = (drawings.drawn(), drawings.put_back());
    assert_eq!(park.picture(), *before, "what was kept is another picture");
    assert_eq!(drawings.drawn(), drawn, "nothing changed");
    assert!(drawings.put_back() > put_back);
    park.does(Command::Select(AssetIndex(0)));
    park.picture();
    assert!(drawings.drawn() > drawn);
    park.does(Command::ClearSelection);
    assert_eq!(park.picture(), *before);
    // Behind a plan there is nothing to draw.
    park.does(Command::ShowDrawing(Drawing::Plan));
    park.picture();
    park.does(Command::ShowDrawing(Drawing::Scene));
    assert_eq!(park.picture(), *before, "the scene comes back whole");
}

/// The lower corners around what is selected stand below its foot, however large they are.
pub fn signs_stand_at_their_assets_at_every_size_of_text(park: &mut Show, before: &Picture) {
    const MOST_APART_PX: f64 = 4.0;
    /// Corners keep this distance, and half of their own stroke, in points.
    const AWAY: f64 = 7.0;
    let asset = {
        let park = park.state().park().expect("a park");
        park.index_of("visitor-centre").expect("it has one")
    };
    let mut feet: Vec<(f64, f64)> = Vec::new();
    for scale in [1.0, 1.5, 2.0] {
        park.does(Command::SetUiScale(scale));
        park.does(Command::ClearSelection);
        let without = park.picture();
        park.does(Command::Select(asset));
        let (x, y) = lowest_new_black(&park.picture(), &without);
        feet.push((x, y - AWAY * f64::from(scale)));
    }
    for (x, y) in &feet {
        let (first_x, first_y) = feet[0];
        assert!(
            (x - first_x).hypot(y - first_y) < MOST_APART_PX,
            "the corners stand elsewhere: {feet:?}"
        );
    }
    park.does(Command::SetUiScale(1.0));
    park.does(Command::ClearSelection);
    assert_eq!(park.picture(), *before);
}

/// The middle of the lowest rows that became nearly black.
fn lowest_new_black(picture: &Picture, without: &Picture) -> (f64, f64) {
    const ROWS: u32 = 3;
    let is_black = |pixel: [u8; 3]| pixel.iter().all(|channel| *channel < 60);
    let pairs = picture.pixels().zip(without.pixels());
    let places: Vec<(u32, u32)> = (0..)
        .zip(pairs)
        .filter(|(_, (now, before))| is_black(*now) && !is_black(*before))
        .map(|(place, _)| (place % picture.width, place / picture.width))
        .collect();
    let lowest = places.iter().map(|place| place.1).max();
    let lowest = lowest.expect("corners are seen");
    let row = places.iter().filter(|place| place.1 + ROWS > lowest);
    let (least, most) = row.fold((u32::MAX, 0), |(least, most), place| {
        (least.min(place.0), most.max(place.0))
    });
    (f64::from(least + most) / 2.0, f64::from(lowest))
}
