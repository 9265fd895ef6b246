//! Sends what the crew and gardeners say, and what is asked for.

use std::time::Duration;

use terrarium_proto::waste::v1 as waste;

use super::{Answer, MOST_REPORTS, ask};
use crate::driver::DriveError;
use crate::driver::bundle::{Bundle, Command, TreeReport, WasteReport};
use crate::driver::clients::Clients;
use crate::driver::tally::Tally;

pub async fn send_waste(
    clients: &Clients,
    bundle: &Bundle,
    retry_for: Duration,
) -> Result<Tally, DriveError> {
    use waste::{ReportBinsRequest, ReportCompostRequest};
    let mut tally = Tally::default();
    let park = &bundle.park;
    for report in &bundle.waste {
        match report {
            WasteReport::Bins(measurements) => {
                report_many!(
                    tally,
                    clients.waste,
                    retry_for,
                    "WasteService.ReportBins",
                    report_bins,
                    ReportBinsRequest {
                        park,
                        measurements: measurements
                    }
                );
            }
            WasteReport::Collected(request) => {
                report_one!(
                    tally,
                    clients.waste,
                    retry_for,
                    "WasteService.ReportCollection",
                    report_collection,
                    request
                );
            }
        }
    }
    report_many!(
        tally,
        clients.waste,
        retry_for,
        "WasteService.ReportCompost",
        report_compost,
        ReportCompostRequest {
            park,
            reports: bundle.compost
        }
    );
    Ok(tally)
}

pub async fn send_trees(
    clients: &Clients,
    bundle: &Bundle,
    retry_for: Duration,
) -> Result<Tally, DriveError> {
    let mut tally = Tally::default();
    for report in &bundle.trees {
        match report {
            TreeReport::Planted(request) => {
                report_one!(
                    tally,
                    clients.carbon,
                    retry_for,
                    "CarbonService.PlantTrees",
                    plant_trees,
                    request
                );
            }
            TreeReport::Died(request) => {
                report_one!(
                    tally,
                    clients.carbon,
                    retry_for,
                    "CarbonService.ReportTreesDied",
                    report_trees_died,
                    request
                );
            }
            TreeReport::Surveyed(request) => {
                report_one!(
                    tally,
                    clients.carbon,
                    retry_for,
                    "CarbonService.MonitorTrees",
                    monitor_trees,
                    request
                );
            }
        }
    }
    Ok(tally)
}

/// Sends what is asked for now that all before it is decided.
pub async fn send_commands(
    clients: &Clients,
    bundle: &Bundle,
    retry_for: Duration,
) -> Result<Tally, DriveError> {
    let mut tally = Tally::default();
    for command in &bundle.commands {
        match command {
            Command::Irrigate { started, request } => {
                let answer = report_one!(
                    tally,
                    clients.water,
                    retry_for,
                    "WaterService.StartIrrigation",
                    start_irrigation,
                    request
                );
                if let Some(answer) = answer {
                    clients.remember_irrigation(&request.zone, *started, answer.irrigation_id);
                }
            }
            Command::Order(request) => {
                report_one!(
                    tally,
                    clients.waste,
                    retry_for,
                    "WasteService.OrderCollection",
                    order_collection,
                    request
                );
            }
            Command::Acknowledge(request) => {
                report_one!(
                    tally,
                    clients.waste,
                    retry_for,
                    "WasteService.AcknowledgeCollection",
                    acknowledge_collection,
                    request
                );
            }
        }
    }
    Ok(tally)
}
