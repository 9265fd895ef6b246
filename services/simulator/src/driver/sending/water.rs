//! Sends what tanks and valves say.

use terrarium_proto::water::v1::{
    ReportIrrigationEndRequest, ReportTankFlowsRequest, ReportTankLevelsRequest,
};

use super::{Answer, MOST_REPORTS, Sending, ask};
use crate::driver::DriveError;
use crate::driver::bundle::{Bundle, IrrigationEnd};
use crate::driver::tally::Tally;

/// Levels of tanks before what flowed, as bundles of any size have it.
pub(super) async fn send_tanks(
    mut sending: Sending<'_>,
    bundle: &Bundle,
) -> Result<Tally, DriveError> {
    report_many!(
        sending,
        "WaterService.ReportTankLevels",
        water.report_tank_levels,
        ReportTankLevelsRequest,
        levels: bundle.levels
    );
    report_many!(
        sending,
        "WaterService.ReportTankFlows",
        water.report_tank_flows,
        ReportTankFlowsRequest,
        readings: bundle.flows
    );
    Ok(sending.tally)
}

pub(super) async fn send_irrigation_ends(
    mut sending: Sending<'_>,
    bundle: &Bundle,
) -> Result<Tally, DriveError> {
    for end in &bundle.irrigation_ends {
        send_irrigation_end(&mut sending, end).await?;
    }
    Ok(sending.tally)
}

/// The end of an irrigation names the id that its start was answered with.
async fn send_irrigation_end(
    sending: &mut Sending<'_>,
    end: &IrrigationEnd,
) -> Result<(), DriveError> {
    let Some(irrigation_id) = sending.clients.irrigation_id(&end.zone, end.started) else {
        sending.tally.keep(
            "WaterService.ReportIrrigationEnd",
            format!(
                "the start of the irrigation of {} was refused, so it has no end",
                end.zone
            ),
        );
        return Ok(());
    };
    let request = ReportIrrigationEndRequest {
        park: sending.park.to_owned(),
        zone: end.zone.clone(),
        irrigation_id,
        time: end.time.clone(),
        litres: end.litres,
        client_request_id: format!("valve-end-{}", end.started.0),
    };
    report_one!(
        sending,
        "WaterService.ReportIrrigationEnd",
        water.report_irrigation_end,
        request
    );
    Ok(())
}
