//! The disk runs full at random points of an import and has space again later: callers are told `UNAVAILABLE`, nothing is
//! lost, and the import ends as if nothing had been.
//!
//! The data folder lies on a small tmpfs of its own. Mounting one needs root; without it the test runs itself again in a
//! user namespace of its own (`unshare --map-root-user --mount`).

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use terrarium_proto::energy::v1::Reading;
use terrarium_tests::{AckModel, Ingest, Park, Seed, feed, is_long, readings, run, wait};
use tokio::sync::watch;

const PARK: &str = "zne-homes";
const DISK_MIB: u64 = 128;
const HOURS: u32 = 1_000;
const IMPORT_WITHIN: Duration = Duration::from_secs(180);
/// The disk stays full until the import has stood still for so long, or a stream has ended.
const FULL_FOR: Duration = Duration::from_millis(1_500);
const CHUNK_BYTES: usize = 64 << 10;
const IN_NAMESPACE: &str = "TERRARIUM_TEST_IN_NAMESPACE";

/// A mounted tmpfs; unmounted when dropped.
struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    fn mount(folder: PathBuf) -> Result<SmallDisk, String> {
        fs::create_dir_all(&folder).expect("the scratch folder is writable");
        let size = format!("size={DISK_MIB}m");
        let mounted = run(Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "terrarium-test"])
            .arg(&folder));
        match mounted.code {
            0 => Ok(SmallDisk { folder }),
            _ => Err(mounted.stderr),
        }
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }

    /// Takes all space but so many bytes.
    fn fill_but(&self, bytes_left: u64) {
        let mut ballast = File::options()
            .create(true)
            .append(true)
            .open(self.ballast())
            .expect("ballast opens");
        let chunk = vec![0; CHUNK_BYTES];
        while self.free_bytes() > bytes_left {
            let bytes = (self.free_bytes() - bytes_left).min(CHUNK_BYTES as u64) as usize;
            if ballast.write_all(&chunk[..bytes]).is_err() {
                break;
            }
        }
    }

    fn free(&self) {
        fs::remove_file(self.ballast()).expect("the ballast is there");
    }

    fn free_bytes(&self) -> u64 {
        let disk = rustix::fs::statvfs(&self.folder).expect("a mounted disk tells its size");
        disk.f_bavail * disk.f_bsize
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        run(Command::new("umount").arg("--lazy").arg(&self.folder));
    }
}

/// Runs this test again where it may mount, unless that is what we are in. True: it was run there and passed.
fn passed_in_a_namespace(test: &str, why: &str) -> bool {
    let help =
        "run it as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1)";
    assert!(
        std::env::var_os(IN_NAMESPACE).is_none(),
        "can't mount a small disk for this test: {why}; {help}"
    );
    let own = std::env::current_exe().expect("a running program has a path");
    let mut again = Command::new("unshare");
    again
        .args(["--map-root-user", "--mount"])
        .arg(own)
        .args(["--exact", test, "--nocapture"])
        .env(IN_NAMESPACE, "1");
    let outcome = run(&mut again);
    print!("{}", outcome.stdout);
    assert_eq!(
        outcome.code, 0,
        "in a namespace of its own ({why}); if it can't be made, {help}: {}",
        outcome.stderr
    );
    true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_goes_on_after_the_disk_was_full_and_nothing_is_lost() {
    let scratch = tempfile::Builder::new()
        .prefix("terrarium-test-")
        .tempdir()
        .expect("a temporary folder");
    let name = "an_import_goes_on_after_the_disk_was_full_and_nothing_is_lost";
    let disk = match SmallDisk::mount(scratch.path().join("disk")) {
        Ok(disk) => disk,
        Err(why) => {
            assert!(passed_in_a_namespace(name, &why));
            return;
        }
    };
    let mut seed = Seed::from_environment("disk_full");
    let readings = readings::made_for_ten_homes(&mut Seed::of(3), HOURS);
    let undisturbed = content_hash_on(&disk.folder.join("undisturbed"), &readings).await;
    fs::remove_dir_all(disk.folder.join("undisturbed"))
        .expect("the first run's data can be deleted");
    let rounds = if is_long() { 30 } else { 3 };
    let mut ended_streams = 0;
    for round in 0..rounds {
        let data = disk.folder.join(format!("round-{round}"));
        let (content_hash, ended) = round_with_full_disk(&disk, &data, &readings, &mut seed).await;
        assert_eq!(content_hash, undisturbed, "content hash of round {round}");
        ended_streams += ended;
        fs::remove_dir_all(&data).expect("a stopped server's data can be deleted");
    }
    println!("{rounds} rounds; full disks ended {ended_streams} streams with UNAVAILABLE");
    assert!(
        ended_streams > 0,
        "the disk was full, and no caller was told"
    );
}

async fn content_hash_on(data: &Path, readings: &[Reading]) -> String {
    let mut park = Park::of_ten_homes().with_data_in(data);
    park.start();
    let (progress, _) = watch::channel(0);
    let model = Ingest::new(PARK, data)
        .run(AckModel::new(readings.to_vec()), &progress)
        .await;
    let state = park.state_at(model.recorded_position);
    park.stop();
    state.content_hash
}

/// Content hash at the end, and how many streams ended meanwhile.
async fn round_with_full_disk(
    disk: &SmallDisk,
    data: &Path,
    readings: &[Reading],
    seed: &mut Seed,
) -> (String, u64) {
    let mut park = Park::of_ten_homes().with_data_in(data);
    park.start();
    let mut ingest = Ingest::new(PARK, data);
    ingest.batch_readings = seed.between(50, 500) as usize;
    let model = AckModel::new(readings.to_vec());
    let (progress, acknowledged) = watch::channel(0);
    let import = tokio::spawn(async move { ingest.run(model, &progress).await });

    let mut moments = [
        seed.below(readings.len() as u64 / 2),
        seed.below(readings.len() as u64),
    ];
    moments.sort_unstable();
    for moment in moments {
        wait::until(
            IMPORT_WITHIN,
            "the import gets to the next full disk",
            || (*acknowledged.borrow() as u64 >= moment || import.is_finished()).then_some(()),
        );
        disk.fill_but(seed.below(300 << 10));
        stands_still(&acknowledged, || import.is_finished());
        disk.free();
    }
    let model = tokio::time::timeout(IMPORT_WITHIN, import)
        .await
        .expect("the import ends in time")
        .expect("the import succeeds");
    if !park.is_running() {
        panic!(
            "`terrarium up` ended because its disk was full\n{}",
            park.log_tail()
        );
    }
    let events = feed::read_all(&mut park.clients().await, PARK).await;
    let stored = feed::expect_agrees_with(&model, &events);
    assert_eq!(stored, readings.len(), "sent against stored");
    let state = park.state_at(events.last().expect("there are events").position);
    assert_eq!(
        state.readings as usize,
        readings.len(),
        "sent against projected"
    );
    park.stop();
    park.cli(&["verify", "--format", "json"]).expect_code(0);
    println!(
        "disk full after {moments:?} readings: {} streams, ended by {:?}, {} readings recognised when sent again",
        model.streams, model.ended_by, model.counts.already_recorded
    );
    (state.content_hash, model.ended_by.values().sum())
}

/// Waits until no ack has come for [`FULL_FOR`], or the import has ended.
fn stands_still(acknowledged: &watch::Receiver<usize>, is_finished: impl Fn() -> bool) {
    let mut last = (*acknowledged.borrow(), std::time::Instant::now());
    wait::until(
        IMPORT_WITHIN,
        "the import stands still on a full disk",
        || {
            let now = *acknowledged.borrow();
            if now != last.0 {
                last = (now, std::time::Instant::now());
            }
            (is_finished() || last.1.elapsed() > FULL_FOR).then_some(())
        },
    );
}
