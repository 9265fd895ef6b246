//! Sends what chargers, entrances and vehicles say.

use std::time::Duration;

use terrarium_proto::mobility::v1 as mobility;

use super::{Answer, MOST_REPORTS, ask};
use crate::driver::DriveError;
use crate::driver::bundle::{Bundle, FleetReport, SessionReport};
use crate::driver::clients::Clients;
use crate::driver::tally::Tally;

pub async fn send_sessions(
    clients: &Clients,
    bundle: &Bundle,
    retry_for: Duration,
) -> Result<Tally, DriveError> {
    use mobility::{ReportSessionMetersRequest, ReportVisitorsRequest};
    let mut tally = Tally::default();
    let park = &bundle.park;
    for report in &bundle.sessions {
        match report {
            SessionReport::Start(request) => {
                report_one!(
                    tally,
                    clients.mobility,
                    retry_for,
                    "MobilityService.ReportSessionStart",
                    report_session_start,
                    request
                );
            }
            SessionReport::Meters(meters) => {
                report_many!(
                    tally,
                    clients.mobility,
                    retry_for,
                    "MobilityService.ReportSessionMeters",
                    report_session_meters,
                    ReportSessionMetersRequest {
                        park,
                        meters: meters
                    }
                );
            }
            SessionReport::End(request) => {
                report_one!(
                    tally,
                    clients.mobility,
                    retry_for,
                    "MobilityService.ReportSessionEnd",
                    report_session_end,
                    request
                );
            }
        }
    }
    report_many!(
        tally,
        clients.mobility,
        retry_for,
        "MobilityService.ReportVisitors",
        report_visitors,
        ReportVisitorsRequest {
            park,
            counts: bundle.visitors
        }
    );
    Ok(tally)
}

pub async fn send_fleet(
    clients: &Clients,
    bundle: &Bundle,
    retry_for: Duration,
) -> Result<Tally, DriveError> {
    use mobility::{ReportFleetVehiclesRequest, ReportShuttleTripsRequest};
    let mut tally = Tally::default();
    let park = &bundle.park;
    for report in &bundle.fleet {
        match report {
            FleetReport::Vehicles(vehicles) => {
                report_many!(
                    tally,
                    clients.mobility,
                    retry_for,
                    "MobilityService.ReportFleetVehicles",
                    report_fleet_vehicles,
                    ReportFleetVehiclesRequest {
                        park,
                        reports: vehicles
                    }
                );
            }
            FleetReport::Trips(trips) => {
                report_many!(
                    tally,
                    clients.mobility,
                    retry_for,
                    "MobilityService.ReportShuttleTrips",
                    report_shuttle_trips,
                    ReportShuttleTripsRequest { park, trips: trips }
                );
            }
        }
    }
    Ok(tally)
}
