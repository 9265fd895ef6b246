//! `terrarium simulate`: a park's devices, simulated, report to the server like real ones.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use terrarium_model::{ParkDefinition, TimeZone, UnixSeconds, parse_rfc3339_with_offset};
use terrarium_simulator::driver::{DriveError, DriveOptions, Driver, Speed, Tally};
use terrarium_simulator::faults::{Fault, FaultyDelivery};
use terrarium_simulator::park::{ParkSimulation, SimulationOptions};
use terrarium_simulator::weather::{HourlyWeather, Location, Weather};

use crate::client::ClientArgs;
use crate::exit;
use crate::output::{Format, count, print_json_line, print_line, table};

/// Arguments of `terrarium simulate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Park definition (TOML); the server is given it when it has not got the park
    #[arg(long, value_name = "FILE")]
    park: PathBuf,
    /// Start of the run: a date (midnight in the park) or RFC 3339; a run that goes on needs the same as before
    #[arg(long, value_name = "TIME")]
    from: String,
    /// End of the run; the last step ends then or before [default: a year after --from]
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Time from one report to the next: 1m to 1h, a part of an hour
    #[arg(long, default_value = "15m", value_name = "DURATION")]
    interval: Length,
    /// real, xN (so many times faster than real time), or batch (as fast as the server acknowledges)
    #[arg(long, default_value = "real", value_name = "SPEED")]
    speed: RunSpeed,
    /// Same as --speed batch
    #[arg(long, conflicts_with = "speed")]
    batch: bool,
    /// Steps that are sent together at batch speed, at most; a day's at most
    #[arg(long, default_value_t = 16, value_name = "STEPS", value_parser = clap::value_parser!(u32).range(1..=96))]
    together: u32,
    /// The same seed gives the same events
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    seed: u64,
    /// PVGIS TMY (CSV) or EPW file [default: weather generated from Beijing's monthly normals]
    #[arg(long, value_name = "FILE")]
    weather: Option<PathBuf>,
    /// Visitors of a mean day
    #[arg(long, default_value_t = 1_000.0, value_name = "PEOPLE")]
    visitors: f64,
    /// Share of trees that die in a year once they have settled
    #[arg(long, default_value_t = 0.015, value_name = "SHARE")]
    tree_mortality: f64,
    /// A device's fault: DEVICE:KIND[=VALUE][@FROM..TO], such as bin-3:stuck@2025-06-01..2025-06-08; may be repeated
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<Fault>,
    /// Seconds to go on trying while the server is away
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    retry_for: u64,
}

/// A length of time in seconds, written 900s, 15m or 1h.
#[derive(Debug, Clone, Copy)]
struct Length(u32);

impl FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> Result<Length, String> {
        let unit_at = text.len().saturating_sub(1);
        let per_unit = match text.as_bytes().last() {
            Some(b's') => 1,
            Some(b'm') => 60,
            Some(b'h') => 3_600,
            _ => return Err("write it like 900s, 15m or 1h".to_owned()),
        };
        let number: u32 = text[..unit_at]
            .parse()
            .map_err(|_| "write it like 900s, 15m or 1h".to_owned())?;
        number
            .checked_mul(per_unit)
            .map(Length)
            .ok_or_else(|| "that is too long; choose at most 1h".to_owned())
    }
}

/// How fast the run goes.
#[derive(Debug, Clone, Copy)]
struct RunSpeed(Speed);

/// Slower than real time by so much, or faster.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.001..=1e9;

impl FromStr for RunSpeed {
    type Err = String;

    fn from_str(text: &str) -> Result<RunSpeed, String> {
        let times = |digits: &str| {
            let times = digits.parse::<f64>().ok();
            times.filter(|times| SPEEDS.contains(times))
        };
        match (text, text.strip_prefix('x').map(times)) {
            ("real", _) => Ok(RunSpeed(Speed::Times(1.0))),
            ("batch", _) => Ok(RunSpeed(Speed::Batch)),
            (_, Some(Some(times))) => Ok(RunSpeed(Speed::Times(times))),
            _ => Err(
                "write real, batch, or x and a number from 0.001 to 1000000000, such as x60"
                    .to_owned(),
            ),
        }
    }
}

#[derive(serde::Serialize)]
struct Summary<'a> {
    park: &'a str,
    from: String,
    through: String,
    steps: u64,
    seconds: f64,
    recorded: u64,
    already_recorded: u64,
    quarantined: u64,
    rejected: u64,
    not_taken: u64,
    by_call: &'a std::collections::BTreeMap<&'static str, u64>,
    recorded_position: u64,
}

/// Runs `terrarium simulate`.
pub async fn run(client: &ClientArgs, args: Args) -> anyhow::Result<ExitCode> {
    let format = client.format.or_refuse_csv("simulate")?;
    let (park_toml, park) = read_park(&args.park)?;
    let from = instant("--from", &args.from, &park.time_zone)?;
    let until = match &args.to {
        Some(to) => instant("--to", to, &park.time_zone)?,
        None => UnixSeconds(from.0 + 365 * 86_400),
    };
    if until <= from {
        bail!("--to is not after --from, so there is nothing to simulate");
    }
    refuse_unknown_devices(&args.faults, &park)?;
    let mut simulation = simulation(&args, &park, from)?;
    let mut faults = FaultyDelivery::new(args.seed, args.faults.clone());

    let retry_for = Duration::from_secs(args.retry_for);
    let connection = client.connect().await?;
    let mut driver = Driver::new(connection.channel(), park.id.clone(), retry_for);
    if !driver.is_defined().await? {
        driver.define(&park_toml).await?;
    }
    let options = DriveOptions {
        until,
        speed: if args.batch {
            Speed::Batch
        } else {
            args.speed.0
        },
        steps_together: steps_together(&args),
        retry_for,
    };
    let steps = (until.0 - from.0) as u64 / u64::from(args.interval.0);
    let bar = progress_bar(steps);
    let started = Instant::now();
    let mut done = (from, 0);
    let result = driver
        .run(&mut simulation, &mut faults, &options, |progress| {
            done = (progress.through, progress.steps);
            bar.set_position(progress.steps);
            bar.set_message(format!(
                "{}, {} recorded",
                park.time_zone.format_rfc3339(progress.through),
                count(progress.tally.recorded)
            ));
        })
        .await;
    bar.finish_and_clear();
    let run = Run {
        park: &park,
        from,
        through: done.0,
        steps: done.1,
        elapsed: started.elapsed(),
    };
    run.print(format, &driver.tally)?;
    match result {
        Ok(()) if driver.tally.rejected > 0 => Ok(ExitCode::from(exit::SOME_REJECTED)),
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) if error.is_unavailable() => {
            eprintln!("error: {error}");
            Ok(ExitCode::from(exit::UNAVAILABLE))
        }
        Err(error @ DriveError::Refused { .. }) => {
            Err(anyhow::Error::from(error).context("the run stopped"))
        }
        Err(error) => Err(error.into()),
    }
}

fn simulation(
    args: &Args,
    park: &ParkDefinition,
    from: UnixSeconds,
) -> anyhow::Result<ParkSimulation> {
    let mut options = SimulationOptions::new(args.seed, from, args.interval.0);
    options.visitors_per_day = args.visitors;
    options.tree_mortality = args.tree_mortality;
    if !(0.0..=1e6).contains(&args.visitors) || !(0.0..=1.0).contains(&args.tree_mortality) {
        bail!("--visitors is 0 to 1000000 and --tree-mortality is 0 to 1");
    }
    let Some(site) = &park.site else {
        bail!(terrarium_simulator::park::SimulationError::NoSite(
            park.id.to_string()
        ));
    };
    let location = Location::of_site(site, park.time_zone.clone());
    let weather = match &args.weather {
        None => Weather::generated(location, args.seed),
        Some(file) => {
            let name = file.display().to_string();
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("can't read the weather file {name}"))?;
            Weather::from_file(location, args.seed, HourlyWeather::parse(&text, &name)?)
        }
    };
    if weather.lacks_rain() {
        eprintln!("note: the weather file has no rain; it rains by Beijing's monthly normals");
    }
    Ok(ParkSimulation::new(park, weather, &options)?)
}

fn read_park(file: &Path) -> anyhow::Result<(String, ParkDefinition)> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("can't read the park file {name}"))?;
    let park = ParkDefinition::parse(&text, &name)?;
    Ok((text, park))
}

/// At most a day's reports go out together.
fn steps_together(args: &Args) -> u32 {
    args.together.min(86_400 / args.interval.0).max(1)
}

/// A fault of a device that is not there would be one that never shows.
fn refuse_unknown_devices(faults: &[Fault], park: &ParkDefinition) -> anyhow::Result<()> {
    for fault in faults {
        let device = fault.device.as_str();
        if !park.assets.contains_key(device) && !park.meters.contains_key(device) {
            bail!(
                "--fault {device}: park {} has no asset and no meter of this id; `terrarium park check` counts them, the park file names them",
                park.id
            );
        }
    }
    Ok(())
}

/// A date is its midnight in the park.
pub(crate) fn instant(flag: &str, text: &str, zone: &TimeZone) -> anyhow::Result<UnixSeconds> {
    if text.len() != 10 {
        return parse_rfc3339_with_offset(text).with_context(|| format!("{flag} {text}"));
    }
    let utc_midnight = parse_rfc3339_with_offset(&format!("{text}T00:00:00Z"))
        .with_context(|| format!("{flag} {text}"))?;
    // Twice, because the offset belongs to the instant that is looked for.
    let guess = UnixSeconds(utc_midnight.0 - i64::from(zone.offset_seconds(utc_midnight)));
    Ok(UnixSeconds(
        utc_midnight.0 - i64::from(zone.offset_seconds(guess)),
    ))
}

fn progress_bar(steps: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {percent} % {msg}, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    // Draws on stderr, and only when that is a terminal.
    ProgressBar::new(steps).with_style(style)
}

struct Run<'a> {
    park: &'a ParkDefinition,
    from: UnixSeconds,
    through: UnixSeconds,
    steps: u64,
    elapsed: Duration,
}

impl Run<'_> {
    fn print(&self, format: Format, tally: &Tally) -> anyhow::Result<()> {
        self.print_summary(format, tally)?;
        for (call, reports) in &tally.not_taken {
            eprintln!(
                "this server has no {call}: {} reports were left out",
                count(*reports)
            );
        }
        for rejected in &tally.first_rejected {
            eprintln!("{}: {}", rejected.call, rejected.message);
        }
        Ok(())
    }

    fn print_summary(&self, format: Format, tally: &Tally) -> anyhow::Result<()> {
        let seconds = self.elapsed.as_secs_f64();
        let not_taken = tally.not_taken.values().sum();
        let shown = |at| self.park.time_zone.format_rfc3339(at);
        if format == Format::Json {
            print_json_line(&Summary {
                park: self.park.id.as_str(),
                from: shown(self.from),
                through: shown(self.through),
                steps: self.steps,
                seconds,
                recorded: tally.recorded,
                already_recorded: tally.already_recorded,
                quarantined: tally.quarantined,
                rejected: tally.rejected,
                not_taken,
                by_call: &tally.by_call,
                recorded_position: tally.position,
            })?;
            return Ok(());
        }
        let rows = tally
            .by_call
            .iter()
            .map(|(call, recorded)| vec![(*call).to_owned(), count(*recorded)]);
        print_line(table(&["call", "recorded"], &["call"], rows))?;
        print_line(format!(
            "{} to {}: {} steps, {} reports recorded, {} already recorded, {} quarantined, {} rejected",
            shown(self.from),
            shown(self.through),
            count(self.steps),
            count(tally.recorded),
            count(tally.already_recorded),
            count(tally.quarantined),
            count(tally.rejected),
        ))?;
        print_line(format!(
            "{seconds:.3} s, {} reports/s, recorded through position {}",
            count((tally.recorded as f64 / seconds.max(1e-3)) as u64),
            tally.position
        ))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_speeds_are_read_as_they_are_documented() {
        assert_eq!("15m".parse::<Length>().unwrap().0, 900);
        assert_eq!("1h".parse::<Length>().unwrap().0, 3_600);
        for bad in ["", "m", "15", "15 m", "-1m", "ä"] {
            assert!(bad.parse::<Length>().is_err(), "{bad:?}");
        }
        assert_eq!("x60".parse::<RunSpeed>().unwrap().0, Speed::Times(60.0));
        assert_eq!("real".parse::<RunSpeed>().unwrap().0, Speed::Times(1.0));
        assert_eq!("batch".parse::<RunSpeed>().unwrap().0, Speed::Batch);
        for bad in ["", "60", "x", "x0", "x-1", "xinf", "x1e-20"] {
            assert!(bad.parse::<RunSpeed>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_date_is_its_midnight_in_the_park() {
        let beijing = TimeZone::named("Asia/Shanghai").unwrap();
        assert_eq!(
            instant("--from", "2025-01-01", &beijing).unwrap(),
            UnixSeconds(1_735_660_800)
        );
        assert!(instant("--from", "yesterday!", &beijing).is_err());
    }
}
