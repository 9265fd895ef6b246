//! A register that was taken out, and another one put in its place.

use terrarium_journal::{Provenance, Submission};
use terrarium_proto::energy::v1 as wire;
use tonic::Status;

use crate::domain::MeterCommand;
use crate::intake::take_in_swap;
use crate::quarantine::{meter_stream, rejection_status};
use crate::service::EnergyApi;

impl EnergyApi {
    pub(crate) async fn swap(
        &self,
        request: &wire::SwapMeterRequest,
        provenance: Provenance,
    ) -> Result<wire::SwapMeterResponse, Status> {
        let park = self.park(&request.park).await?;
        let (meter, swap) = take_in_swap(&park, request).map_err(rejection_status)?;
        let now = self.now(&park).await?;
        let context = self
            .context(&park, &meter, now)
            .expect("take_in_swap found the meter in this park");
        let submission = Submission {
            stream: meter_stream(&park, &meter),
            commands: vec![MeterCommand::Swap(swap)],
            context,
            recorded_time: now.into(),
            provenance,
        };
        let (mut results, position) = self.desk.submit(submission).await?.recorded().await?;
        let events = results
            .pop()
            .expect("one command, one result")
            .map_err(rejection_status)?;
        Ok(wire::SwapMeterResponse {
            recorded_position: position.map_or(0, |position| position.0),
            recorded: !events.is_empty(),
        })
    }
}
