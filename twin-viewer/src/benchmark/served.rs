//! A park that a server serves, over the whole way: network, view model, scene, drawing, panels. Seeks in its last day, then
//! that day again and again at high speed while the desk is used, and what that does to memory.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use terrarium_network::Wake;
use terrarium_view_model::{AssetIndex, Command, Drawing, Language, LoopMode, Overlay};

use super::{Course, resident_mb, share_of};
use crate::args::Args;
use crate::offscreen::{OffscreenStage, Show};
use crate::repaint::Patience;
use crate::view::{Link, TakenValues, View, apply};

const DAY_MS: i64 = 86_400_000;
/// Moments that are sought, each twice.
const SEEKS: u64 = 100;
const LONGEST_SEEK: Duration = Duration::from_secs(30);
/// Park seconds per second while the day runs, the most there is: a message holds nearly every point anew.
const SPEED: u32 = 86_400;
/// The desk shows something else after so many frames.
const FRAMES_PER_SIGHT: u64 = 100;

/// Measures the park that `--server` serves.
pub fn run(args: &Args, frames: u32) -> Result<()> {
    let (sender, woken) = sync_channel(1);
    // A full channel has woken it already.
    let wake: Wake = Arc::new(move || {
        let _ = sender.try_send(());
    });
    let show = Show::prepare(args, wake)?;
    let mut stage = OffscreenStage::new(args.size, 1)?;
    show.stand_on(&mut stage, args);
    stage.world().insert_resource(Patience::Short);
    stage.picture()?;
    let mut desk = Desk { stage, woken };
    desk.seek()?;
    desk.soak(frames)
}

struct Desk {
    stage: OffscreenStage,
    woken: Receiver<()>,
}

impl Desk {
    fn does(&mut self, commands: impl IntoIterator<Item = Command>) {
        self.stage
            .world()
            .resource_scope(|world, mut view: bevy::prelude::Mut<'_, View>| {
                apply(&mut view, world.resource::<Link>(), commands);
            });
    }

    fn view(&mut self) -> &View {
        self.stage.world().resource::<View>()
    }

    /// The last day on record.
    fn day(&mut self) -> (i64, i64) {
        let (first_ms, last_ms) = self.view().0.timeline.record();
        (first_ms.max(last_ms - DAY_MS), last_ms)
    }

    /// From the wish for a moment to the frame that shows it: first for moments that nobody has asked for, then for the same
    /// ones again.
    fn seek(&mut self) -> Result<()> {
        let (from_ms, to_ms) = self.day();
        let mut chance = Chance(11);
        let moments: Vec<i64> = (0..SEEKS)
            .map(|_| from_ms + chance.below(to_ms.abs_diff(from_ms).max(1)) as i64)
            .collect();
        for what in ["for the first time", "again, from the server's cache"] {
            let mut times_ms = Vec::with_capacity(moments.len());
            for moment_ms in &moments {
                times_ms.push(self.seek_one(*moment_ms)?);
            }
            times_ms.sort_by(f64::total_cmp);
            println!(
                "seek in a day {what}: {} moments, p50 {:.0} ms, p95 {:.0} ms, most {:.0} ms",
                times_ms.len(),
                share_of(&times_ms, 0.5),
                share_of(&times_ms, 0.95),
                share_of(&times_ms, 1.0)
            );
        }
        Ok(())
    }

    fn seek_one(&mut self, moment_ms: i64) -> Result<f64> {
        let began = Instant::now();
        self.does([Command::SeekExact { moment_ms }]);
        loop {
            // A window sleeps until the network wakes it.
            let _ = self.woken.recv_timeout(Duration::from_millis(20));
            self.stage.frame()?;
            let timeline = &self.view().0.timeline;
            if !timeline.is_waiting() && timeline.shown_ms() == moment_ms {
                return Ok(began.elapsed().as_secs_f64() * 1_000.0);
            }
            if began.elapsed() > LONGEST_SEEK {
                bail!("the server did not send a moment of its last day");
            }
        }
    }

    /// Plays the day again and again.
    fn soak(&mut self, frames: u32) -> Result<()> {
        let (from_ms, to_ms) = self.day();
        self.does([
            Command::SelectRange(Some((from_ms, to_ms))),
            Command::SetLoop(LoopMode::Range),
            Command::SetSpeed { speed: SPEED },
            Command::SeekExact { moment_ms: from_ms },
            Command::Play { backwards: false },
        ]);
        let marks = [10, 50, 100].map(|percent| (percent, u64::from(frames) * percent / 100));
        let mut drawn = 0;
        let mut first_mb = None;
        for (percent, mark) in marks {
            let count = u32::try_from(mark - drawn)?;
            let mut number = drawn;
            let course = Course::of(&mut self.stage, count, |stage| {
                if number.is_multiple_of(FRAMES_PER_SIGHT) {
                    show_something_else(stage, number / FRAMES_PER_SIGHT);
                }
                number += 1;
            })?;
            drawn = mark;
            course.tell(&format!("the day at x{SPEED}, to {percent} %"));
            let values = self.stage.world().resource::<TakenValues>().0;
            let mb = resident_mb().unwrap_or(0);
            let growth = first_mb.get_or_insert(mb);
            println!(
                "  after {drawn} frames and {values} values: {mb} MB resident, {:+.1} % since 10 %",
                (mb as f64 / (*growth).max(1) as f64 - 1.0) * 100.0
            );
        }
        Ok(())
    }
}

/// Overlays, drawings, languages, the ledger and the selection take turns.
fn show_something_else(stage: &mut OffscreenStage, number: u64) {
    let assets = stage.world().resource::<View>().0.states().len() as u64;
    let of = |count: usize, every: u64| (number / every) as usize % count;
    let asset = u32::try_from(number % assets.max(1)).unwrap_or(0);
    let commands = [
        Command::SetOverlay(Overlay::ALL[of(Overlay::ALL.len(), 1)]),
        Command::ShowDrawing(Drawing::ALL[of(Drawing::ALL.len(), 3)]),
        Command::SetLanguage(Language::ALL[of(Language::ALL.len(), 5)]),
        Command::ShowCarbon(number.is_multiple_of(7)),
        Command::Select(AssetIndex(asset)),
        Command::FlyTo(AssetIndex(asset)),
    ];
    stage
        .world()
        .resource_scope(|world, mut view: bevy::prelude::Mut<'_, View>| {
            apply(&mut view, world.resource::<Link>(), commands);
        });
}

/// A linear congruential generator (Knuth, MMIX): the same moments each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}
