//! Sends a bundle: domain beside domain, each in order, patient while the server is away.

use std::time::{Duration, Instant};

use terrarium_proto::energy::v1 as energy;
use terrarium_proto::water::v1 as water;
use tonic::{Code, Response, Status};

use super::bundle::{Bundle, IrrigationEnd};
use super::clients::Clients;
use super::tally::Tally;
use super::{DriveError, is_about_the_report};

/// Reports of one call.
const MOST_REPORTS: usize = 2_000;
const FIRST_RETRY_DELAY: Duration = Duration::from_millis(50);
const LONGEST_RETRY_DELAY: Duration = Duration::from_secs(2);

/// Calls until the server answers something else than that it is away.
pub async fn patiently<T, F>(
    call: &'static str,
    retry_for: Duration,
    mut attempt: impl FnMut() -> F,
) -> Result<T, DriveError>
where
    F: Future<Output = Result<Response<T>, Status>>,
{
    let started = Instant::now();
    let mut delay = FIRST_RETRY_DELAY;
    loop {
        let status = match attempt().await {
            Ok(response) => return Ok(response.into_inner()),
            Err(status) => status,
        };
        if !may_pass(&status) {
            return Err(DriveError::refused(call, status));
        }
        if started.elapsed() + delay > retry_for {
            return Err(DriveError::Unavailable {
                call,
                seconds: started.elapsed().as_secs(),
                status: Box::new(status),
            });
        }
        tracing::debug!(call, %status, "the server is away; trying again");
        tokio::time::sleep(delay).await;
        delay = (delay * 2).min(LONGEST_RETRY_DELAY);
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
pub enum Answer<T> {
    Taken(T),
    Refused(Status),
    NotThere,
}

/// Calls, where refusing what is said is an answer too.
pub async fn ask<T, F>(
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

/// Sends many reports of one sort in calls of bounded size.
macro_rules! report_many {
    ($tally:ident, $client:expr, $retry_for:expr, $call:literal, $method:ident, $request:ident { $park:expr, $field:ident: $reports:expr }) => {
        for reports in $reports.chunks(MOST_REPORTS) {
            let answer = ask($call, $retry_for, || {
                let mut client = $client.clone();
                let request = $request {
                    park: $park.clone(),
                    $field: reports.to_vec(),
                    client_request_id: String::new(),
                };
                async move { client.$method(request).await }
            })
            .await?;
            match answer {
                Answer::Taken(answer) => $tally.note_counts(
                    $call,
                    answer.counts,
                    answer.rejections,
                    answer.recorded_position,
                ),
                Answer::Refused(status) => $tally.note_refused($call, &status),
                Answer::NotThere => $tally.note_not_taken($call, reports.len() as u64),
            }
        }
    };
}

/// Sends one report or command; answers with `recorded` and its position.
macro_rules! report_one {
    ($tally:ident, $client:expr, $retry_for:expr, $call:literal, $method:ident, $request:expr) => {{
        let answer = ask($call, $retry_for, || {
            let mut client = $client.clone();
            let request = $request.clone();
            async move { client.$method(request).await }
        })
        .await?;
        match answer {
            Answer::Taken(answer) => {
                let is_new = u64::from(answer.recorded);
                $tally.note_recorded($call, is_new, 1 - is_new, answer.recorded_position);
                Some(answer)
            }
            Answer::Refused(status) => {
                $tally.note_refused($call, &status);
                None
            }
            Answer::NotThere => {
                $tally.note_not_taken($call, 1);
                None
            }
        }
    }};
}

// After the macros, which they use.
mod mobility;
mod people;

use mobility::{send_fleet, send_sessions};
pub use people::send_commands;
use people::{send_trees, send_waste};

/// Sends what happened and waits until all of it is recorded, or refused.
pub async fn send_reports(
    clients: &Clients,
    bundle: &Bundle,
    retry_for: Duration,
) -> Result<Tally, DriveError> {
    let mut tally = Tally::default();
    let parts = futures::try_join!(
        send_readings(clients, bundle, retry_for),
        send_devices(clients, bundle, retry_for),
        send_water(clients, bundle, retry_for),
        send_waste(clients, bundle, retry_for),
        send_sessions(clients, bundle, retry_for),
        send_fleet(clients, bundle, retry_for),
        send_trees(clients, bundle, retry_for),
    )?;
    for part in [
        parts.0, parts.1, parts.2, parts.3, parts.4, parts.5, parts.6,
    ] {
        tally.add(part);
    }
    Ok(tally)
}

async fn send_readings(
    clients: &Clients,
    bundle: &Bundle,
    retry_for: Duration,
) -> Result<Tally, DriveError> {
    const CALL: &str = "EnergyService.ReportReadings";
    let mut tally = Tally::default();
    for readings in bundle.readings.chunks(MOST_REPORTS) {
        let answer = ask(CALL, retry_for, || {
            let mut energy = clients.energy.clone();
            let request = energy::ReportReadingsRequest {
                park: bundle.park.clone(),
                readings: readings.to_vec(),
                client_request_id: String::new(),
            };
            async move { energy.report_readings(request).await }
        })
        .await?;
        match answer {
            Answer::Taken(answer) => {
                let counts = answer.counts.unwrap_or_default();
                let recorded = counts.recorded + counts.quarantined;
                tally.note_recorded(
                    CALL,
                    recorded,
                    counts.already_recorded,
                    answer.recorded_position,
                );
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
    Ok(tally)
}

async fn send_devices(
    clients: &Clients,
    bundle: &Bundle,
    retry_for: Duration,
) -> Result<Tally, DriveError> {
    use energy::{ReportHeatRequest, ReportStorageRequest, ReportWeatherRequest};
    let mut tally = Tally::default();
    let park = &bundle.park;
    report_many!(
        tally,
        clients.devices,
        retry_for,
        "EnergyDeviceService.ReportStorage",
        report_storage,
        ReportStorageRequest {
            park,
            states: bundle.storages
        }
    );
    report_many!(
        tally,
        clients.devices,
        retry_for,
        "EnergyDeviceService.ReportWeather",
        report_weather,
        ReportWeatherRequest {
            park,
            observations: bundle.observations
        }
    );
    report_many!(
        tally,
        clients.devices,
        retry_for,
        "EnergyDeviceService.ReportHeat",
        report_heat,
        ReportHeatRequest {
            park,
            amounts: bundle.heat
        }
    );
    Ok(tally)
}

async fn send_water(
    clients: &Clients,
    bundle: &Bundle,
    retry_for: Duration,
) -> Result<Tally, DriveError> {
    use water::{
        ReportQualitySamplesRequest, ReportTankFlowsRequest, ReportTankLevelsRequest,
        ReportWaterMetersRequest,
    };
    let mut tally = Tally::default();
    let park = &bundle.park;
    report_many!(
        tally,
        clients.water,
        retry_for,
        "WaterService.ReportTankLevels",
        report_tank_levels,
        ReportTankLevelsRequest {
            park,
            levels: bundle.levels
        }
    );
    report_many!(
        tally,
        clients.water,
        retry_for,
        "WaterService.ReportTankFlows",
        report_tank_flows,
        ReportTankFlowsRequest {
            park,
            readings: bundle.flows
        }
    );
    report_many!(
        tally,
        clients.water,
        retry_for,
        "WaterService.ReportWaterMeters",
        report_water_meters,
        ReportWaterMetersRequest {
            park,
            readings: bundle.water
        }
    );
    report_many!(
        tally,
        clients.water,
        retry_for,
        "WaterService.ReportQualitySamples",
        report_quality_samples,
        ReportQualitySamplesRequest {
            park,
            samples: bundle.samples
        }
    );
    for end in &bundle.irrigation_ends {
        send_irrigation_end(clients, park, end, retry_for, &mut tally).await?;
    }
    Ok(tally)
}

/// The end of an irrigation names the id that its start was answered with.
async fn send_irrigation_end(
    clients: &Clients,
    park: &str,
    end: &IrrigationEnd,
    retry_for: Duration,
    tally: &mut Tally,
) -> Result<(), DriveError> {
    let Some(irrigation_id) = clients.irrigation_id(&end.zone, end.started) else {
        tally.keep(
            "WaterService.ReportIrrigationEnd",
            format!(
                "the start of the irrigation of {} was refused, so it has no end",
                end.zone
            ),
        );
        return Ok(());
    };
    let request = water::ReportIrrigationEndRequest {
        park: park.to_owned(),
        zone: end.zone.clone(),
        irrigation_id,
        time: end.time.clone(),
        litres: end.litres,
        client_request_id: format!("valve-end-{}", end.started.0),
    };
    report_one!(
        tally,
        clients.water,
        retry_for,
        "WaterService.ReportIrrigationEnd",
        report_irrigation_end,
        request
    );
    Ok(())
}
