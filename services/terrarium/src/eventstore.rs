//! `terrarium eventstore`: an event store by itself, for the official clients of EventStoreDB and KurrentDB.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use terrarium_eventstore::front::{Front, FrontSettings, TlsIdentity, Users};
use terrarium_eventstore::{
    Clock, Copied, EventStore, ImportClock, LogSettings, RealDisk, Scan, ScanError,
    TOMBSTONE_REVISION, back_up, check_export, export, import, restore, scavenge,
};
use terrarium_runtime::{LogFormat, ensure_crypto_provider, shutdown_on_signals, telemetry};

use crate::client::ClientArgs;
use crate::output::{Format, count, print_json, print_line};

/// What to do with the store of the data folder (`--data`).
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Serve it with the EventStoreDB gRPC protocol until SIGTERM; prints the connection string
    Serve(ServeArgs),
    /// Count its events, streams and bytes
    Stat,
    /// Compare every frame, commit, tree hash, seal and index, and say what is wrong where; exit code 1 when something is
    Check,
    /// Copy it to another folder, also while it is served; a second time copies only what is new
    Backup {
        /// Folder of the copy: empty, or one with an earlier copy. It is a data folder like any other
        #[arg(long, value_name = "FOLDER")]
        to: PathBuf,
    },
    /// Bring a backup back into the data folder, which may hold no store
    Restore {
        /// Folder of the backup
        #[arg(long, value_name = "FOLDER")]
        from: PathBuf,
    },
    /// Give back the space of events that their streams no longer show: deleted, tombstoned, beyond $maxCount, $maxAge or $tb.
    /// Nobody may serve the store meanwhile. Positions and revisions stay; streams without metadata are never touched
    Scavenge,
    /// Write every event as a line of JSON; the last line holds their number and a hash of all before it
    Export(ExportArgs),
    /// Take in what `export` wrote. What is there already stays, so an import that was cut off is just begun again
    Import(ImportArgs),
}

/// Arguments of `terrarium eventstore serve`.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// Address to listen on; port 0 takes a free one; off loopback only with TLS and users
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:2113")]
    listen: SocketAddr,
    /// Server certificate (PEM); see `terrarium ca create`
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// Key of the server certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// File with one `name:password` a line; without it everybody gets in
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// HOST:PORT that clients are told when they look for a cluster [default: the address that they dialled]
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_host_port)]
    advertise: Option<(String, u16)>,
    /// Size of the log's files: one is sealed once its events reach this many bytes
    #[arg(long, value_name = "BYTES", default_value_t = LogSettings::DEFAULT_SEGMENT_BYTES)]
    segment_bytes: u64,
    /// Refuse appends while less than this is free on the disk
    #[arg(long, value_name = "BYTES", default_value_t = LogSettings::DEFAULT_LOW_DISK_BYTES)]
    keep_free_bytes: u64,
    /// Format of the log on stderr: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = parse_log_format)]
    log_format: LogFormat,
}

/// Arguments of `terrarium eventstore export`.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// File to write; it appears when it is whole, and must not be there yet [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Arguments of `terrarium eventstore import`.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// File that `export` wrote, checked as a whole before anything is taken in; - is standard input, checked on the way
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

fn parse_host_port(text: &str) -> Result<(String, u16), String> {
    let (host, port) = text
        .rsplit_once(':')
        .filter(|(host, _)| !host.is_empty())
        .ok_or("write a host name or address, a colon and a port")?;
    let port = port
        .parse()
        .map_err(|_| format!("\"{port}\" is no port: write a number from 1 to 65535"))?;
    Ok((host.to_owned(), port))
}

fn parse_log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("write text or json".to_owned()),
    }
}

/// Runs `terrarium eventstore`.
pub async fn run(client: &ClientArgs, action: Action) -> anyhow::Result<ExitCode> {
    let data = client
        .data
        .clone()
        .unwrap_or_else(|| PathBuf::from("terrarium-data"));
    match action {
        Action::Serve(args) => serve(&data, args).await,
        Action::Stat => stat(&data, client.format),
        Action::Check => check(&data, client.format),
        Action::Backup { to } => print_copied(&back_up(&data, &to)?, &to, client.format),
        Action::Restore { from } => print_copied(&restore(&from, &data)?, &data, client.format),
        Action::Scavenge => scavenge_now(&data, client.format),
        Action::Export(args) => export_to(&data, &args),
        Action::Import(args) => import_from(&data, &args, client.format).await,
    }
}

async fn serve(data: &Path, args: ServeArgs) -> anyhow::Result<ExitCode> {
    let _telemetry = telemetry::init("terrarium", args.log_format)?;
    let shutdown = shutdown_on_signals()?;
    let read = |path: &Path| {
        std::fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))
    };
    let tls = match (&args.tls_certificate, &args.tls_key) {
        (Some(certificate), Some(key)) => {
            ensure_crypto_provider();
            Some(TlsIdentity {
                certificate: read(certificate)?,
                key: read(key)?,
            })
        }
        _ => None,
    };
    let settings = FrontSettings {
        listen: args.listen,
        tls,
        users: args.users.as_deref().map(Users::read).transpose()?,
        advertise: args.advertise,
    };
    std::fs::create_dir_all(data)
        .with_context(|| format!("can't make the data folder {}", data.display()))?;
    let log_settings = LogSettings {
        segment_bytes: args.segment_bytes,
        low_disk_bytes: args.keep_free_bytes,
    };
    let (store, recovery) =
        EventStore::open_settings(&RealDisk, data, Clock::system(), log_settings)?;
    tracing::info!(
        frames = recovery.frames,
        sealed_segments = recovery.sealed_segments,
        bytes = recovery.durable_bytes,
        "event store is open"
    );
    let front = Front::bind(store.clone(), settings).await?;
    print_line(front.url())?;
    let stop = shutdown.clone();
    let served = front.serve(async move { stop.triggered().await }).await;
    store.close();
    served?;
    Ok(ExitCode::SUCCESS)
}

/// What a log holds.
#[derive(Debug, Default, serde::Serialize)]
struct Contents {
    events: u64,
    streams: u64,
    tombstones: u64,
    bytes: u64,
    last_position: Option<u64>,
    sealed_segments: u64,
    /// Of the last sealed segment: the hash of everything up to its end.
    seal: Option<String>,
    /// Segments of which something was scavenged, and how many commits that were.
    scavenged_segments: u64,
    removed_commits: u64,
    /// True when a server had the store open: what it was writing at that moment is left out.
    live: bool,
}

/// Reads the whole log; an error is the first thing that is wrong.
#[allow(clippy::result_large_err, reason = "it ends the command")]
fn read(data: &Path) -> (Contents, Result<(), ScanError>) {
    let mut contents = Contents::default();
    let mut scan = match Scan::open(data) {
        Ok(scan) => scan,
        Err(error) => return (contents, Err(error)),
    };
    let (sealed_segments, seal) = scan.seals();
    contents.sealed_segments = sealed_segments;
    contents.seal = seal.map(hex::encode);
    (contents.scavenged_segments, contents.removed_commits) = scan.scavenged();
    contents.live = scan.is_live();
    let mut streams: BTreeSet<Arc<str>> = BTreeSet::new();
    let outcome = scan.by_ref().try_for_each(|event| {
        let event = event?;
        contents.events += 1;
        contents.tombstones += u64::from(event.revision == TOMBSTONE_REVISION);
        contents.last_position = Some(event.position.0);
        if !streams.contains(&event.stream) {
            streams.insert(event.stream);
        }
        Ok(())
    });
    contents.bytes = scan.scanned_bytes();
    contents.streams = streams.len() as u64;
    (contents, outcome)
}

fn stat(data: &Path, format: Format) -> anyhow::Result<ExitCode> {
    let (contents, outcome) = read(data);
    outcome?;
    print_contents(&contents, format)?;
    Ok(ExitCode::SUCCESS)
}

fn check(data: &Path, format: Format) -> anyhow::Result<ExitCode> {
    let (contents, outcome) = read(data);
    if let Err(first) = outcome {
        // The scan ends at the first thing that is wrong; whole segments can be looked at without what is before them.
        for other in Scan::open(data).map_or_else(|_| Vec::new(), |scan| scan.segment_problems()) {
            if other.path != first.path {
                print_line(format!("PROBLEM        {other}"))?;
            }
        }
        return Err(first).context("the event store is damaged; restore it from a backup");
    }
    print_contents(&contents, format)?;
    if format == Format::Table {
        print_line("every frame, checksum, revision, seal and index is right")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn scavenge_now(data: &Path, format: Format) -> anyhow::Result<ExitCode> {
    let format = format.or_refuse_csv("eventstore scavenge")?;
    let done = scavenge(data)?;
    if format == Format::Json {
        print_json(&done)?;
    } else {
        print_line(format!(
            "removed {} events ({} bytes) from {} of {} sealed segments",
            count(done.removed_events),
            count(done.removed_bytes),
            count(done.rewritten),
            count(done.segments)
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn export_to(data: &Path, args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let scan = Scan::open(data)?;
    if scan.scavenged().0 > 0 {
        eprintln!(
            "the store was scavenged: other tools can read its export, but no store takes it in; `terrarium eventstore backup` copies it"
        );
    }
    let Some(output) = &args.output else {
        let mut stdout = BufWriter::new(std::io::stdout().lock());
        export(scan, &mut stdout)?;
        return Ok(ExitCode::SUCCESS);
    };
    let name = output.display();
    anyhow::ensure!(
        !output.exists(),
        "{name} is there already: name another file"
    );
    let mut unfinished = output.clone().into_os_string();
    unfinished.push(".unfinished");
    let file = File::create(&unfinished).with_context(|| format!("can't write {name}"))?;
    let mut writer = BufWriter::new(file);
    let events = export(scan, &mut writer)?;
    let file = writer.into_inner().context("can't write the export")?;
    file.sync_all()
        .and_then(|()| std::fs::rename(&unfinished, output))
        .with_context(|| format!("can't write {name}"))?;
    eprintln!("{} events are in {name}", count(events));
    Ok(ExitCode::SUCCESS)
}

async fn import_from(data: &Path, args: &ImportArgs, format: Format) -> anyhow::Result<ExitCode> {
    let format = format.or_refuse_csv("eventstore import")?;
    let from_stdin = args.file == Path::new("-");
    let open = || -> anyhow::Result<BufReader<File>> {
        let file = File::open(&args.file)
            .with_context(|| format!("can't read {}", args.file.display()))?;
        Ok(BufReader::new(file))
    };
    if !from_stdin {
        check_export(&mut open()?).context("nothing was imported")?;
    }
    std::fs::create_dir_all(data)
        .with_context(|| format!("can't make the data folder {}", data.display()))?;
    let clock = ImportClock::default();
    let (store, _) = EventStore::open_with(&RealDisk, data, clock.clock())?;
    let imported = if from_stdin {
        import(&store, &clock, &mut BufReader::new(std::io::stdin())).await
    } else {
        import(&store, &clock, &mut open()?).await
    };
    store.close();
    let imported =
        imported.context("what was imported before stays; correct it and import again")?;
    if format == Format::Json {
        print_json(&imported)?;
    } else {
        print_line(format!(
            "{} events imported, {} were there already",
            count(imported.imported),
            count(imported.already_there)
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print_contents(contents: &Contents, format: Format) -> anyhow::Result<()> {
    if format != Format::Table {
        print_json(contents)?;
        return Ok(());
    }
    print_line(format!("events         {}", count(contents.events)))?;
    print_line(format!("streams        {}", count(contents.streams)))?;
    print_line(format!("tombstones     {}", count(contents.tombstones)))?;
    print_line(format!("bytes          {}", count(contents.bytes)))?;
    if let Some(position) = contents.last_position {
        print_line(format!("last position  {position}"))?;
    }
    print_line(format!(
        "sealed         {} segments",
        count(contents.sealed_segments)
    ))?;
    if let Some(seal) = &contents.seal {
        print_line(format!("last seal      {seal}"))?;
    }
    if contents.scavenged_segments > 0 {
        print_line(format!(
            "scavenged      {} commits of {} segments",
            count(contents.removed_commits),
            count(contents.scavenged_segments)
        ))?;
    }
    if contents.live {
        print_line("a server has the store open: this is what was durable when the command began")?;
    }
    Ok(())
}

fn print_copied(copied: &Copied, to: &Path, format: Format) -> anyhow::Result<ExitCode> {
    if format == Format::Table {
        print_line(format!(
            "copied {} bytes up to position {} to {}: {} sealed segments, {} were there already",
            count(copied.bytes),
            copied.end,
            to.display(),
            count(copied.segments),
            count(copied.kept)
        ))?;
    } else {
        print_json(&serde_json::json!({
            "bytes": copied.bytes,
            "end": copied.end,
            "segments": copied.segments,
            "kept": copied.kept,
        }))?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_and_port_are_taken_apart_at_the_last_colon() {
        assert_eq!(
            parse_host_port("store-1:2113"),
            Ok(("store-1".into(), 2113))
        );
        assert_eq!(parse_host_port("[::1]:1"), Ok(("[::1]".into(), 1)));
        for wrong in ["store", ":2113", "store:", "store:70000"] {
            assert!(parse_host_port(wrong).is_err(), "{wrong}");
        }
    }
}
