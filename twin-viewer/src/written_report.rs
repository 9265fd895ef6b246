//! The shift report without a window.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use terrarium_view_model::{Command, Format, LONGEST_SHIFT_MS, Report, shift_report};

use crate::args::Args;
use crate::files::write_whole;
use crate::offscreen::wait_for_server;
use crate::start;
use crate::view::{View, apply, report};

const USUAL_SHIFT_MS: i64 = 8 * 3_600_000;
const LONGEST_WAIT: Duration = Duration::from_secs(120);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Fetches the shift that the arguments name and writes its report.
pub fn run(args: &Args, out: &Path) -> Result<()> {
    let mut view = View::default();
    start::set_preferences(&mut view, args);
    let link = start::connect(args, std::sync::Arc::new(|| ()))?;
    wait_for_server(&mut view, &link, args, None)?;
    let (from_ms, to_ms) = range(args, view.0.timeline.now_ms())?;
    apply(
        &mut view,
        &link,
        [Command::MakeShiftReport { from_ms, to_ms }],
    );
    let Some(network) = &link.0 else {
        bail!("a shift report needs a server");
    };
    let began = Instant::now();
    // The names of the alarms come on their own way.
    while view.0.shift.is_none() || !view.0.alarms.is_told() {
        let reports: Vec<Report> = network.take();
        report(&mut view, &link, reports);
        let failed = ["shift", "alarms"].map(|what| view.0.failure_of(what));
        if let Some(reason) = failed.into_iter().flatten().next() {
            bail!("the shift can't be fetched: {reason}");
        }
        if began.elapsed() > LONGEST_WAIT {
            bail!(
                "{} did not send the shift within {} s",
                args.server,
                LONGEST_WAIT.as_secs()
            );
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
    let state = &view.0;
    let (shift, park) = state
        .shift
        .as_ref()
        .zip(state.park())
        .context("no shift came")?;
    let document = shift_report(shift, park, &state.alarms, state.language);
    let format = Format::of_file(&out.to_string_lossy());
    write_whole(out, document.written(format).as_bytes())
        .with_context(|| format!("{} can't be written", out.display()))?;
    println!("{}", out.display());
    Ok(())
}

/// The eight hours before `--to`, or now, where `--from` is left out.
fn range(args: &Args, now_ms: i64) -> Result<(i64, i64)> {
    let to_ms = match &args.to {
        Some(to) => start::moment_ms("--to", to)?,
        None => now_ms,
    };
    let from_ms = match &args.from {
        Some(from) => start::moment_ms("--from", from)?,
        None => to_ms - USUAL_SHIFT_MS,
    };
    if from_ms >= to_ms {
        bail!("the shift is empty: --from has to lie before --to");
    }
    if to_ms > now_ms {
        let now =
            terrarium_model::format_rfc3339_utc(terrarium_model::UnixMillis(now_ms).seconds());
        bail!("--to lies in the future of the park: its clock says {now}");
    }
    if to_ms - from_ms > LONGEST_SHIFT_MS {
        bail!("a shift report tells at most 7 days");
    }
    Ok((from_ms, to_ms))
}
