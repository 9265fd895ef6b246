//! From the command line to the first thing shown.

use std::path::Path;

use anyhow::{Context, Result, bail};
use terrarium_model::parse_rfc3339_with_offset;
use terrarium_network::{Network, Wake};
use terrarium_runtime::ServerAddress;
use terrarium_view_model::{Audience, Command, Connection, DeepLink, Kiosk, Page, Report};

use crate::args::{Args, HOME};
use crate::cameras;
use crate::view::{Link, View, apply};

/// Language, overlay and motion as the command line wants them.
pub fn set_preferences(view: &mut View, args: &Args) {
    view.0.language = args.language.into();
    view.0.reduced_motion = args.reduced_motion;
    view.0.audience = match &args.visitors {
        true => Audience::Visitors,
        false => args.audience.into(),
    };
    if let Some(scale) = args.ui_scale {
        view.0.apply(Command::SetUiScale(scale));
    }
    if view.0.audience == Audience::Visitors {
        view.0.apply(Command::ShowPage(Page::Visitors));
    }
    view.0.apply(Command::ShowDrawing(args.drawing.into()));
    view.0.apply(Command::SetOverlay(args.overlay.into()));
    if args.ledger {
        view.0.apply(Command::ShowCarbon(true));
    }
}

/// The screens that the command line asks for.
pub fn kiosk(args: &Args) -> Result<Option<Kiosk>> {
    let Some(file) = &args.kiosk else {
        return Ok(args.visitors.then(Kiosk::for_visitors));
    };
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{} can't be read", file.display()))?;
    let kiosk =
        Kiosk::parse(&text).with_context(|| format!("{} describes no kiosk", file.display()))?;
    Ok(Some(kiosk))
}

/// The link that the command line gives.
pub fn link(args: &Args) -> Result<Option<DeepLink>> {
    let Some(text) = &args.goto else {
        return Ok(None);
    };
    let link = DeepLink::parse(text)?;
    if let Some(park) = args.park.as_ref().filter(|park| **park != link.park) {
        bail!(
            "the link leads to park `{}`, and --park says `{park}`",
            link.park
        );
    }
    Ok(Some(link))
}

/// The park that is to be shown.
pub fn park_name(args: &Args) -> Result<String> {
    let of_link = link(args)?.map(|link| link.park);
    args.park
        .clone()
        .or(of_link)
        .context("--park PARK says which park to show")
}

/// A moment in milliseconds.
pub fn moment_ms(flag: &str, text: &str) -> Result<i64> {
    let moment = parse_rfc3339_with_offset(text).with_context(|| {
        format!("{flag} `{text}` is no moment: write it like 2026-06-21T12:00:00+08:00")
    })?;
    Ok(moment.0 * 1_000)
}

/// Shows a park from its file, at a moment, without values.
pub fn park_of_file(view: &mut View, file: &Path, at: Option<&str>) -> Result<()> {
    let Some(at) = at else {
        bail!(
            "a park from a file has no clock: say which moment to show with --at, like 2026-06-21T12:00:00+08:00"
        );
    };
    let now_ms = moment_ms("--at", at)?;
    let definition = std::fs::read_to_string(file)
        .with_context(|| format!("{} can't be read", file.display()))?;
    view.0.take(Report::Park {
        definition,
        first_ms: None,
        now_ms,
    });
    if let Some(problem) = &view.0.park_problem {
        bail!("{} is no park that can be shown: {problem}", file.display());
    }
    view.0.take(Report::Connection(Connection::Live));
    view.0.take(Report::LiveMoment {
        first_ms: None,
        now_ms,
    });
    Ok(())
}

/// Starts connecting to the server.
pub fn connect(args: &Args, wake: Wake) -> Result<Link> {
    let park = park_name(args)?;
    let server = ServerAddress {
        url: args.server.clone(),
        ca: args.ca.clone(),
        token: args.token.clone(),
    };
    let network = Network::start(server, park, wake).context("no thread for the network")?;
    Ok(Link(Some(network)))
}

/// Refuses a park of which nobody knows where anything stands.
pub fn check_geometry(view: &View) -> Result<()> {
    let Some(park) = view.0.park() else {
        bail!("no park is there to draw");
    };
    if !park.has_geometry() {
        bail!(
            "park `{}` has no geometry: give its assets `at = [east, north]` and `size = [width, depth, height]` in metres",
            park.id
        );
    }
    Ok(())
}

/// Refuses a moment that the park has not come to yet.
pub fn refuse_the_future(moment_ms: i64, now_ms: i64) -> Result<()> {
    if moment_ms > now_ms {
        let now =
            terrarium_model::format_rfc3339_utc(terrarium_model::UnixMillis(now_ms).seconds());
        bail!("the moment lies in the future of the park: its clock says {now}");
    }
    Ok(())
}

/// What the command line wants to see of the park that is there: camera, link, asset, moment.
pub fn wishes(view: &View, args: &Args) -> Result<Vec<Command>> {
    let park = view.0.park().context("no park is there to draw")?;
    let mut commands = Vec::new();
    if args.camera != HOME {
        let camera = Some(cameras::named(park, &args.camera)?);
        commands.push(Command::GoTo(DeepLink {
            park: park.id.clone(),
            camera,
            ..DeepLink::default()
        }));
    }
    if let Some(link) = link(args)? {
        if let Some(asset) = link.select.as_ref()
            && park.index_of(asset).is_none()
        {
            bail!("the link leads to asset `{asset}`, which this park does not have");
        }
        commands.push(Command::GoTo(link));
    }
    if let Some(name) = &args.select {
        let asset = park.index_of(name);
        let asset = asset.with_context(|| unknown_asset(name))?;
        commands.push(Command::Select(asset));
    }
    if let (Some(at), None) = (&args.at, &args.park_file) {
        let moment_ms = moment_ms("--at", at)?;
        refuse_the_future(moment_ms, view.0.timeline.now_ms())?;
        commands.push(Command::SeekExact { moment_ms });
    }
    Ok(commands)
}

fn unknown_asset(name: &str) -> String {
    format!("there is no asset `{name}` to select in this park")
}

/// Selects what the command line names.
pub fn select(view: &mut View, link: &Link, args: &Args) -> Result<()> {
    let Some(name) = &args.select else {
        return Ok(());
    };
    let found = view.0.park().and_then(|park| park.index_of(name));
    let Some(asset) = found else {
        bail!("{}", unknown_asset(name));
    };
    apply(view, link, [Command::Select(asset)]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    const NOON: &str = "2026-06-21T12:00:00+08:00";

    /// Haotian from its file, and what these words of the command line want of it.
    fn wished(words: &[&str]) -> Result<Vec<Command>> {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/parks/haotian.toml");
        let mut view = View::default();
        park_of_file(&mut view, Path::new(file), Some(NOON))?;
        let line = ["twin-viewer", "--park", "haotian"].iter().chain(words);
        wishes(&view, &Args::try_parse_from(line)?)
    }

    #[test]
    fn a_window_shows_what_the_command_line_names() {
        let commands = wished(&[
            "--camera",
            "parking",
            "--select",
            "bin-4",
            "--at",
            "2026-06-21T11:00:00+08:00",
        ]);
        assert!(
            matches!(
                commands.expect("all of it is there")[..],
                [
                    Command::GoTo(DeepLink {
                        camera: Some(_),
                        ..
                    }),
                    Command::Select(_),
                    Command::SeekExact {
                        moment_ms: 1_782_010_800_000
                    }
                ]
            ),
            "camera, asset, moment"
        );
        assert_eq!(wished(&[]).expect("nothing is wrong"), []);
    }

    #[test]
    fn what_is_not_there_is_told_by_its_name() {
        let refused = |words: &[&str]| {
            let error = wished(words).expect_err("it is not there");
            format!("{error:#}")
        };
        assert!(refused(&["--camera", "moon"]).contains("no camera `moon`"));
        assert!(refused(&["--select", "bin-4000"]).contains("no asset `bin-4000`"));
        let later = refused(&["--at", "2031-01-01T00:00:00+08:00"]);
        assert!(
            later.contains("in the future") && later.contains("2026-06-21T04:00:00Z"),
            "{later}"
        );
        let link = ["--goto", "terrarium://haotian?select=bin-4000"];
        assert!(refused(&link).contains("`bin-4000`"));
    }
}
