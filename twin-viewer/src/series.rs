//! Many pictures from one process: a link a line, a picture of each. For reports, for walls that other programs drive, and
//! for tests that look at thousands of moments.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bevy::prelude::*;
use terrarium_network::Wake;
use terrarium_view_model::{Command, Connection, DeepLink};

use crate::args::Args;
use crate::files::write_whole;
use crate::offscreen::{LONGEST_WAIT_FOR_PANELS, OffscreenStage, Show};
use crate::picture::Picture;
use crate::start;
use crate::status::{StatusOut, StatusPlugin};
use crate::view::{Link, Reader, View, apply, report};

/// Frames until camera and panels stand, once fonts and meshes are there: the panels say where the camera may look, and what
/// stands over the scene follows the camera.
const FRAMES_BETWEEN: usize = 4;
/// The scene stands already when its mask is drawn.
const FRAMES_TO_MASK: usize = 2;
/// Looks after so long even if nothing woke it.
const LONGEST_SLEEP: Duration = Duration::from_millis(20);

/// Draws a picture of every link.
pub fn run(args: &Args) -> Result<()> {
    let (list, folder) = args
        .links
        .as_deref()
        .zip(args.out.as_deref())
        .context("--links needs --out FOLDER")?;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("{} can't be made", folder.display()))?;
    let mut series = Series::start(args)?;
    let mut drawn = 0_u32;
    for (line, text) in (1..).zip(open(list)?.lines()) {
        let text = text.with_context(|| format!("{} can't be read", list.display()))?;
        if text.trim().is_empty() {
            continue;
        }
        let place = || format!("line {line} of {}: {}", list.display(), text.trim());
        series.go_to(&text).with_context(place)?;
        drawn += 1;
        let picture = series.stage.picture_after(FRAMES_BETWEEN)?;
        if args.masks {
            let mask = series.mask()?;
            write(&mask, &folder.join(format!("{drawn}.mask.png")))?;
        }
        let path = folder.join(format!("{drawn}.png"));
        write(&picture, &path)?;
        writeln!(std::io::stdout(), "{}", path.display())
            .context("nobody takes the pictures' paths")?;
    }
    Ok(())
}

fn open(list: &Path) -> Result<Box<dyn BufRead>> {
    if list == Path::new("-") {
        return Ok(Box::new(std::io::stdin().lock()));
    }
    let file = File::open(list).with_context(|| format!("{} can't be read", list.display()))?;
    Ok(Box::new(BufReader::new(file)))
}

fn write(picture: &Picture, path: &Path) -> Result<()> {
    let bytes = picture
        .png_at_once()
        .context("the picture can't be written as PNG")?;
    write_whole(path, &bytes).with_context(|| format!("{} can't be written", path.display()))
}

struct Series {
    stage: OffscreenStage,
    reader: Reader,
    server: String,
    /// Something came from the network.
    woken: Receiver<()>,
}

impl Series {
    fn start(args: &Args) -> Result<Series> {
        let (sender, woken) = sync_channel(1);
        // A full channel has woken it already.
        let wake: Wake = std::sync::Arc::new(move || {
            let _ = sender.try_send(());
        });
        let show = Show::prepare(args, wake)?;
        let status = StatusOut::new(args.status_out.as_deref(), args.controls_out.clone())?;
        let mut stage = OffscreenStage::with(args.size, args.samples, |app| {
            app.insert_resource(status).add_plugins(StatusPlugin);
        })?;
        show.stand_on(&mut stage, args);
        let reader = match args.masks {
            true => Reader::Program,
            false => Reader::Person,
        };
        stage.world().insert_resource(reader);
        // Fonts and meshes settle with the first picture.
        stage.picture()?;
        Ok(Series {
            stage,
            reader,
            server: args.server.clone(),
            woken,
        })
    }

    /// Shows what a link says, and waits until it is there.
    fn go_to(&mut self, text: &str) -> Result<()> {
        let link = DeepLink::parse(text)?;
        let moment_ms = link.moment_ms.or(link.compare_ms.map(|(_, b_ms)| b_ms));
        self.with_view(|view, network| {
            refuse_what_is_not_there(view, &link)?;
            apply(view, network, [Command::GoTo(link)]);
            anyhow::Ok(())
        })?;
        let began = Instant::now();
        loop {
            let is_late = began.elapsed() > LONGEST_WAIT_FOR_PANELS;
            let is_there = self.with_view(|view, network| {
                if let Some(network_link) = &network.0 {
                    report(view, network, network_link.take());
                }
                is_there(view, moment_ms, is_late)
            })?;
            if is_there {
                return Ok(());
            }
            if is_late {
                bail!(
                    "{} did not send the moment within {} s",
                    self.server,
                    LONGEST_WAIT_FOR_PANELS.as_secs()
                );
            }
            // Woken or not, the next look tells.
            let _ = self.woken.recv_timeout(LONGEST_SLEEP);
        }
    }

    fn mask(&mut self) -> Result<Picture> {
        self.read_by(Reader::ProgramForPlaces);
        let mask = self.stage.picture_after(FRAMES_TO_MASK);
        self.read_by(self.reader);
        mask
    }

    fn read_by(&mut self, reader: Reader) {
        let world = self.stage.world();
        world.insert_resource(reader);
        // The panels are laid out anew.
        world.resource_mut::<View>().set_changed();
    }

    fn with_view<T>(&mut self, does: impl FnOnce(&mut View, &Link) -> T) -> T {
        self.stage
            .world()
            .resource_scope(|world, mut view: Mut<'_, View>| {
                does(&mut view, world.resource::<Link>())
            })
    }
}

fn refuse_what_is_not_there(view: &View, link: &DeepLink) -> Result<()> {
    let park = view.0.park().context("no park is there to draw")?;
    if park.id != link.park {
        bail!(
            "the link leads to park `{}`, and `{}` is shown",
            link.park,
            park.id
        );
    }
    if let Some(asset) = &link.select
        && park.index_of(asset).is_none()
    {
        bail!("there is no asset `{asset}` to select in this park");
    }
    let now_ms = view.0.timeline.now_ms();
    let (a_ms, b_ms) = link.compare_ms.unzip();
    for moment_ms in [link.moment_ms, a_ms, b_ms].into_iter().flatten() {
        start::refuse_the_future(moment_ms, now_ms)?;
    }
    Ok(())
}

/// Whether the moment is there with all that the panels wait for. Where the connection is cut, the newest state is the one
/// that came last, marked as such. When it is late, what is there has to do: a panel also says what it lacks.
fn is_there(view: &View, moment_ms: Option<i64>, is_late: bool) -> Result<bool> {
    let state = &view.0;
    if let Some(reason) = state.failure_of("replay") {
        bail!("the moment can't be shown: {reason}");
    }
    let is_connected = state.connection == Connection::Live;
    let timeline = &state.timeline;
    let shows_it = match moment_ms {
        Some(moment_ms) => !timeline.is_live() && timeline.shown_ms() == moment_ms,
        None => timeline.is_live(),
    };
    let may_lack_something = is_late || (!is_connected && moment_ms.is_none());
    Ok(shows_it && (may_lack_something || (!timeline.is_waiting() && state.is_settled())))
}
