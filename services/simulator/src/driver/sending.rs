//! Sends a bundle, patient while the server is away.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::try_join_all;
use terrarium_proto::energy::v1::{
    ReportHeatRequest, ReportReadingsRequest, ReportStorageRequest, ReportWeatherRequest,
};
use terrarium_proto::mobility::v1::{
    ReportFleetVehiclesRequest, ReportSessionMetersRequest, ReportVisitorsRequest,
};
use terrarium_proto::waste::v1::ReportCompostRequest;
use terrarium_proto::water::v1::{ReportQualitySamplesRequest, ReportWaterMetersRequest};
use tonic::{Code, Response, Status};

use super::bundle::{Bundle, FleetReport, SessionReport};
use super::clients::Clients;
use super::tally::Tally;
use super::{DriveError, is_about_the_report};

/// Reports of one call.
const MOST_REPORTS: usize = 2_000;
const FIRST_RETRY_DELAY: Duration = Duration::from_millis(50);
const LONGEST_RETRY_DELAY: Duration = Duration::from_secs(2);

/// How long a server may be away, tried again and again at longer and longer pauses.
pub struct Patience {
    call: &'static str,
    retry_for: Duration,
    since: Instant,
    delay: Duration,
}

impl Patience {
    pub fn new(call: &'static str, retry_for: Duration) -> Patience {
        Patience {
            call,
            retry_for,
            since: Instant::now(),
            delay: FIRST_RETRY_DELAY,
        }
    }

    /// The server answered in between.
    pub fn renew(&mut self) {
        *self = Patience::new(self.call, self.retry_for);
    }

    /// Waits until it may be tried again; an error if that does not help, or took too long.
    pub async fn wait(&mut self, status: Status) -> Result<(), DriveError> {
        let call = self.call;
        if !may_pass(&status) {
            return Err(DriveError::refused(call, status));
        }
        if self.since.elapsed() + self.delay > self.retry_for {
            return Err(DriveError::Unavailable {
                call,
                seconds: self.since.elapsed().as_secs(),
                status: Box::new(status),
            });
        }
        tracing::debug!(call, %status, "the server is away; trying again");
        tokio::time::sleep(self.delay).await;
        self.delay = (self.delay * 2).min(LONGEST_RETRY_DELAY);
        Ok(())
    }
}

/// Calls until the server answers something else than that it is away.
pub async fn patiently<T, F>(
    call: &'static str,
    retry_for: Duration,
    mut attempt: impl FnMut() -> F,
) -> Result<T, DriveError>
where
    F: Future<Output = Result<Response<T>, Status>>,
{
    let mut patience = Patience::new(call, retry_for);
    loop {
        match attempt().await {
            Ok(response) => return Ok(response.into_inner()),
            Err(status) => patience.wait(status).await?,
        }
    }
}

/// Nobody answers, the server said so, another decision was quicker, or the connection broke.
fn may_pass(status: &Status) -> bool {
    use std::error::Error;
    match status.code() {
        Code::Unavailable | Code::Cancelled | Code::Aborted => true,
        // Statuses that a server sent have no source; those of a broken connection have.
        Code::Unknown | Code::Internal => status.source().is_some(),
        _ => false,
    }
}

/// What a call came to, where refusing the report is an answer too.
enum Answer<T> {
    Taken(T),
    Refused(Status),
    NotThere,
}

/// Calls, where refusing what is said is an answer too.
async fn ask<T, F>(
    call: &'static str,
    retry_for: Duration,
    attempt: impl FnMut() -> F,
) -> Result<Answer<T>, DriveError>
where
    F: Future<Output = Result<Response<T>, Status>>,
{
    match patiently(call, retry_for, attempt).await {
        Ok(answer) => Ok(Answer::Taken(answer)),
        Err(DriveError::Refused { status, .. }) if status.code() == Code::Unimplemented => {
            Ok(Answer::NotThere)
        }
        Err(DriveError::Refused { status, .. }) if is_about_the_report(&status) => {
            Ok(Answer::Refused(*status))
        }
        Err(error) => Err(error),
    }
}

/// What is sent in one order, and what became of it.
struct Sending<'a> {
    clients: &'a Clients,
    park: &'a str,
    retry_for: Duration,
    tally: Tally,
}

impl<'a> Sending<'a> {
    fn of(clients: &'a Clients, park: &'a str, retry_for: Duration) -> Sending<'a> {
        Sending {
            clients,
            park,
            retry_for,
            tally: Tally::default(),
        }
    }
}

/// Sends many reports of one sort in calls of bounded size: `report_many!(sending, CALL, client.method, Request, field: reports)`.
macro_rules! report_many {
    ($sending:ident, $call:literal, $client:ident.$method:ident, $request:ident, $field:ident: $reports:expr) => {
        for reports in $reports.chunks(MOST_REPORTS) {
            let answer = ask($call, $sending.retry_for, || {
                let mut client = $sending.clients.$client.clone();
                let request = $request {
                    park: $sending.park.to_owned(),
                    $field: reports.to_vec(),
                    client_request_id: String::new(),
                };
                async move { client.$method(request).await }
            })
            .await?;
            match answer {
                Answer::Taken(answer) => $sending.tally.note_counts(
                    $call,
                    answer.counts,
                    answer.rejections,
                    answer.recorded_position,
                ),
                Answer::Refused(status) => $sending.tally.note_refused($call, &status),
                Answer::NotThere => $sending.tally.note_not_taken($call, reports.len() as u64),
            }
        }
    };
}

/// Sends one report or command; answers with `recorded` and its position: `report_one!(sending, CALL, client.method, request)`.
macro_rules! report_one {
    ($sending:ident, $call:literal, $client:ident.$method:ident, $request:expr) => {{
        let answer = ask($call, $sending.retry_for, || {
            let mut client = $sending.clients.$client.clone();
            let request = $request.clone();
            async move { client.$method(request).await }
        })
        .await?;
        match answer {
            Answer::Taken(answer) => {
                let is_new = u64::from(answer.recorded);
                let position = answer.recorded_position;
                $sending
                    .tally
                    .note_recorded($call, is_new, 1 - is_new, position);
                Some(answer)
            }
            Answer::Refused(status) => {
                $sending.tally.note_refused($call, &status);
                None
            }
            Answer::NotThere => {
                $sending.tally.note_not_taken($call, 1);
                None
            }
        }
    }};
}

// After the macros, which they use.
mod in_order;
mod water;

pub use in_order::{send_answers, send_commands};

/// Sends what happened and waits until all of it is recorded, or refused. What does not need an order goes side by side: each
/// answer takes a sync of the disk and the way through the bus, and many of them take hardly longer than one.
pub async fn send_reports(
    clients: &Clients,
    bundle: &Bundle,
    retry_for: Duration,
) -> Result<Tally, DriveError> {
    let sending = || Sending::of(clients, &bundle.park, retry_for);
    macro_rules! many {
        ($($words:tt)*) => {
            async {
                let mut sending = sending();
                report_many!(sending, $($words)*);
                Ok(sending.tally)
            }
            .boxed()
        };
    }
    let (meters, chargers) = apart(&bundle.sessions, |report| match report {
        SessionReport::Meters(meters) => Some(meters),
        SessionReport::Start(_) | SessionReport::End(_) => None,
    });
    let (told, shuttles) = apart(&bundle.fleet, |report| match report {
        FleetReport::Vehicle(reports) => Some(reports),
        FleetReport::Trips(_) => None,
    });
    let mut parts = vec![
        send_readings(sending(), bundle).boxed(),
        many!(
            "EnergyDeviceService.ReportStorage",
            devices.report_storage,
            ReportStorageRequest,
            states: bundle.storages
        ),
        many!(
            "EnergyDeviceService.ReportWeather",
            devices.report_weather,
            ReportWeatherRequest,
            observations: bundle.observations
        ),
        many!(
            "EnergyDeviceService.ReportHeat",
            devices.report_heat,
            ReportHeatRequest,
            amounts: bundle.heat
        ),
        water::send_tanks(sending(), bundle).boxed(),
        many!(
            "WaterService.ReportWaterMeters",
            water.report_water_meters,
            ReportWaterMetersRequest,
            readings: bundle.water
        ),
        many!(
            "WaterService.ReportQualitySamples",
            water.report_quality_samples,
            ReportQualitySamplesRequest,
            samples: bundle.samples
        ),
        water::send_irrigation_ends(sending(), bundle).boxed(),
        in_order::send_waste(sending(), bundle).boxed(),
        many!(
            "WasteService.ReportCompost",
            waste.report_compost,
            ReportCompostRequest,
            reports: bundle.compost
        ),
        many!(
            "MobilityService.ReportVisitors",
            mobility.report_visitors,
            ReportVisitorsRequest,
            counts: bundle.visitors
        ),
        many!(
            "MobilityService.ReportSessionMeters",
            mobility.report_session_meters,
            ReportSessionMetersRequest,
            meters: meters
        ),
        many!(
            "MobilityService.ReportFleetVehicles",
            mobility.report_fleet_vehicles,
            ReportFleetVehiclesRequest,
            reports: told
        ),
        in_order::send_trees(sending(), bundle).boxed(),
    ];
    let chargers = chargers.into_iter();
    parts.extend(chargers.map(|reports| in_order::send_sessions(sending(), reports).boxed()));
    let shuttles = shuttles.into_iter();
    parts.extend(shuttles.map(|reports| in_order::send_vehicle(sending(), reports).boxed()));
    let mut tally = Tally::default();
    for part in try_join_all(parts).await? {
        tally.add(part);
    }
    Ok(tally)
}

/// Devices that said one sort of thing, which goes into one call together; and the others, each with an order of its own.
fn apart<'a, Report, One: Clone + 'a>(
    by_device: &'a BTreeMap<String, Vec<Report>>,
    of_one_sort: impl Fn(&'a Report) -> Option<&'a Vec<One>>,
) -> (Vec<One>, Vec<&'a [Report]>) {
    let (mut together, mut in_order) = (Vec::new(), Vec::new());
    for reports in by_device.values() {
        let only = match &reports[..] {
            [only] => of_one_sort(only),
            _ => None,
        };
        match only {
            Some(ones) => together.extend_from_slice(ones),
            None => in_order.push(&reports[..]),
        }
    }
    (together, in_order)
}

async fn send_readings(mut sending: Sending<'_>, bundle: &Bundle) -> Result<Tally, DriveError> {
    const CALL: &str = "EnergyService.ReportReadings";
    for readings in bundle.readings.chunks(MOST_REPORTS) {
        let answer = ask(CALL, sending.retry_for, || {
            let mut energy = sending.clients.energy.clone();
            let request = ReportReadingsRequest {
                park: bundle.park.clone(),
                readings: readings.to_vec(),
                client_request_id: String::new(),
            };
            async move { energy.report_readings(request).await }
        })
        .await?;
        let tally = &mut sending.tally;
        match answer {
            Answer::Taken(answer) => {
                let counts = answer.counts.unwrap_or_default();
                let recorded = counts.recorded + counts.quarantined;
                let (before, position) = (counts.already_recorded, answer.recorded_position);
                tally.note_recorded(CALL, recorded, before, position);
                tally.quarantined += counts.quarantined;
                tally.rejected += counts.rejected;
                for rejection in answer.rejections {
                    tally.keep(CALL, format!("{}: {}", rejection.field, rejection.message));
                }
            }
            Answer::Refused(status) => tally.note_refused(CALL, &status),
            Answer::NotThere => tally.note_not_taken(CALL, readings.len() as u64),
        }
    }
    Ok(sending.tally)
}
