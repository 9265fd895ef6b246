//! What is shown while the network is cut or silent, or the server is killed, is marked as old, and right again afterwards.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use terrarium_tests::haotian::{park, simulate};
use terrarium_tests::{Clients, Park, Seed};

use crate::pixels::{Compared, compare, view_of};
use crate::program::{Shot, Viewer};
use crate::said::{Asset, Twin, assets};
use crate::wire::Wire;

const SEEN_WITHIN: Duration = Duration::from_secs(120);
/// What the viewer says over all it shows.
const CUT: &str = "everything shown is old";
const OVERLAYS: [(&str, &[&str]); 4] = [
    ("power", &["pv", "battery", "building", "load"]),
    ("charge", &["battery"]),
    ("water", &["tank"]),
    ("waste", &["bin", "compost_bay"]),
];
const VIEWS: u64 = 3;

struct Watch {
    viewer: Viewer,
    assets: Vec<Asset>,
    seed: Seed,
}

impl Watch {
    /// Pictures of now, until one is as wanted. There is nothing that would tell when it is.
    fn until(&mut self, what: &str, is_so: impl Fn(&Shot) -> bool) {
        let began = Instant::now();
        while !is_so(&self.viewer.draw("overlay=power")) {
            assert!(began.elapsed() < SEEN_WITHIN, "{what} is never shown");
        }
    }

    /// The picture of now holds all that is on record, and is right.
    async fn is_right(&mut self, clients: &Clients, position: u64) {
        let shown = format!("Shown up to event {position}");
        self.until("what is on record", |shot| {
            shot.says(&shown) && !shot.says(CUT)
        });
        let compared = self.compare(&Twin::at(clients, None).await, true);
        assert!(compared.fresh > VIEWS, "{compared:?}");
        println!("right at {position}: {compared:?}");
    }

    /// The last values are still there, and every one of them is marked.
    fn is_marked(&mut self, last: &Twin) {
        self.until("that it is cut", |shot| shot.says(CUT));
        let compared = self.compare(last, false);
        assert!(
            compared.doubtful > VIEWS && compared.fresh == 0,
            "{compared:?}"
        );
        println!("marked: {compared:?}");
    }

    fn compare(&mut self, twin: &Twin, may_be_fresh: bool) -> Compared {
        let mut compared = Compared::default();
        let no_ledger = BTreeMap::new();
        for (overlay, kinds) in OVERLAYS {
            for _ in 0..VIEWS {
                let eye = view_of(&mut self.seed, &self.assets, kinds);
                let shot = self.viewer.draw(&format!("overlay={overlay}&{eye}"));
                assert_eq!(shot.says(CUT), !may_be_fresh);
                compare(
                    &shot,
                    overlay,
                    &self.assets,
                    twin,
                    &no_ledger,
                    may_be_fresh,
                    &mut compared,
                );
            }
        }
        compared
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_cut_a_silence_and_a_kill_the_picture_is_right_by_itself_and_old_values_were_marked()
 {
    let mut park: Park = park(&[]);
    let clients = park.clients().await;
    let wire = Wire::to(&park.endpoint().grpc);
    let mut watch = Watch {
        viewer: Viewer::start(&wire.url(), &park.scratch("pictures")),
        assets: assets(),
        seed: Seed::from_environment("viewer_truth, cuts"),
    };
    let position = Twin::at(&clients, None).await.position.expect("a record");
    watch.is_right(&clients, position).await;

    wire.cut();
    watch.is_marked(&Twin::at(&clients, None).await);
    let position = simulate(&park, "2025-06-02T14:00:00+08:00", &[]);
    wire.mend(&park.endpoint().grpc);
    watch.is_right(&clients, position).await;

    wire.silence();
    watch.is_marked(&Twin::at(&clients, None).await);
    let position = simulate(&park, "2025-06-02T16:00:00+08:00", &[]);
    wire.mend(&park.endpoint().grpc);
    watch.is_right(&clients, position).await;

    // What it showed last is what it keeps, so it is asked before.
    let before = Twin::at(&clients, None).await;
    park.kill();
    watch.is_marked(&before);
    park.start();
    wire.mend(&park.endpoint().grpc);
    let clients = park.clients().await;
    let position = simulate(&park, "2025-06-02T18:00:00+08:00", &[]);
    watch.is_right(&clients, position).await;
    assert!(Twin::at(&clients, None).await.moment_ms > before.moment_ms);
}
