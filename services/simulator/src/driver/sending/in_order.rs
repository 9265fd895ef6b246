//! Sends what has an order: each report waits for the one before it.

use std::time::Duration;

use terrarium_proto::mobility::v1::{
    ReportFleetVehiclesRequest, ReportSessionMetersRequest, ReportShuttleTripsRequest,
};
use terrarium_proto::waste::v1::ReportBinsRequest;

use super::{Answer, MOST_REPORTS, Sending, ask};
use crate::driver::DriveError;
use crate::driver::asks::DeviceAnswer;
use crate::driver::bundle::{Bundle, Command, FleetReport, SessionReport, TreeReport, WasteReport};
use crate::driver::clients::Clients;
use crate::driver::tally::Tally;

/// What bins and the crew say.
pub(super) async fn send_waste(
    mut sending: Sending<'_>,
    bundle: &Bundle,
) -> Result<Tally, DriveError> {
    for report in &bundle.waste {
        match report {
            WasteReport::Bins(measurements) => {
                report_many!(
                    sending,
                    "WasteService.ReportBins",
                    waste.report_bins,
                    ReportBinsRequest,
                    measurements: measurements
                );
            }
            WasteReport::Collected(request) => {
                report_one!(
                    sending,
                    "WasteService.ReportCollection",
                    waste.report_collection,
                    request
                );
            }
        }
    }
    Ok(sending.tally)
}

/// What gardeners say.
pub(super) async fn send_trees(
    mut sending: Sending<'_>,
    bundle: &Bundle,
) -> Result<Tally, DriveError> {
    for report in &bundle.trees {
        match report {
            TreeReport::Planted(request) => {
                report_one!(
                    sending,
                    "CarbonService.PlantTrees",
                    carbon.plant_trees,
                    request
                );
            }
            TreeReport::Died(request) => {
                report_one!(
                    sending,
                    "CarbonService.ReportTreesDied",
                    carbon.report_trees_died,
                    request
                );
            }
            TreeReport::Surveyed(request) => {
                report_one!(
                    sending,
                    "CarbonService.MonitorTrees",
                    carbon.monitor_trees,
                    request
                );
            }
        }
    }
    Ok(sending.tally)
}

/// What a charger says of its sessions.
pub(super) async fn send_sessions(
    mut sending: Sending<'_>,
    reports: &[SessionReport],
) -> Result<Tally, DriveError> {
    for report in reports {
        match report {
            SessionReport::Start(request) => {
                report_one!(
                    sending,
                    "MobilityService.ReportSessionStart",
                    mobility.report_session_start,
                    request
                );
            }
            SessionReport::Meters(meters) => {
                report_many!(
                    sending,
                    "MobilityService.ReportSessionMeters",
                    mobility.report_session_meters,
                    ReportSessionMetersRequest,
                    meters: meters
                );
            }
            SessionReport::End(request) => {
                report_one!(
                    sending,
                    "MobilityService.ReportSessionEnd",
                    mobility.report_session_end,
                    request
                );
            }
        }
    }
    Ok(sending.tally)
}

/// What a vehicle of the park says.
pub(super) async fn send_vehicle(
    mut sending: Sending<'_>,
    reports: &[FleetReport],
) -> Result<Tally, DriveError> {
    for report in reports {
        match report {
            FleetReport::Vehicle(reports) => {
                report_many!(
                    sending,
                    "MobilityService.ReportFleetVehicles",
                    mobility.report_fleet_vehicles,
                    ReportFleetVehiclesRequest,
                    reports: reports
                );
            }
            FleetReport::Trips(trips) => {
                report_many!(
                    sending,
                    "MobilityService.ReportShuttleTrips",
                    mobility.report_shuttle_trips,
                    ReportShuttleTripsRequest,
                    trips: trips
                );
            }
        }
    }
    Ok(sending.tally)
}

/// Sends what devices answer to whoever asked them.
pub async fn send_answers(
    clients: &Clients,
    answers: &[DeviceAnswer],
    retry_for: Duration,
) -> Result<Tally, DriveError> {
    // Each answer names its park.
    let mut sending = Sending::of(clients, "", retry_for);
    for answer in answers {
        match answer {
            DeviceAnswer::Setpoint(request) => {
                report_one!(
                    sending,
                    "EnergyDeviceService.ReportSetpoint",
                    devices.report_setpoint,
                    request
                );
            }
            DeviceAnswer::ChargePower(request) => {
                report_one!(
                    sending,
                    "MobilityService.ReportChargePower",
                    mobility.report_charge_power,
                    request
                );
            }
        }
    }
    Ok(sending.tally)
}

/// Sends what is asked for now that all before it is decided.
pub async fn send_commands(
    clients: &Clients,
    bundle: &Bundle,
    retry_for: Duration,
) -> Result<Tally, DriveError> {
    let mut sending = Sending::of(clients, &bundle.park, retry_for);
    for command in &bundle.commands {
        match command {
            Command::Irrigate { started, request } => {
                let answer = report_one!(
                    sending,
                    "WaterService.StartIrrigation",
                    water.start_irrigation,
                    request
                );
                if let Some(answer) = answer {
                    clients.remember_irrigation(&request.zone, *started, answer.irrigation_id);
                }
            }
            Command::Order(request) => {
                report_one!(
                    sending,
                    "WasteService.OrderCollection",
                    waste.order_collection,
                    request
                );
            }
            Command::Acknowledge(request) => {
                report_one!(
                    sending,
                    "WasteService.AcknowledgeCollection",
                    waste.acknowledge_collection,
                    request
                );
            }
        }
    }
    Ok(sending.tally)
}
