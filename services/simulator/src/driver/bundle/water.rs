//! Reports of tanks, water meters, samples and irrigation.

use terrarium_proto::water::v1 as water;

use super::{Bundle, Command, IrrigationEnd};
use crate::park::{Fact, TankFlowKind, WaterSource, own_irrigation_id};

impl Bundle {
    pub(super) fn add_water(&mut self, fact: Fact) {
        match fact {
            Fact::TankLevel { tank, at, level_l } => {
                let time = self.time(at);
                self.levels.push(water::TankLevel {
                    tank: tank.to_string(),
                    time,
                    level_l,
                });
            }
            Fact::TankFlow {
                tank,
                flow,
                interval,
                litres,
            } => {
                let interval_start = self.start(interval);
                self.flows.push(water::TankFlowReading {
                    tank: tank.to_string(),
                    flow: match flow {
                        TankFlowKind::RainIn => water::TankFlow::RainIn,
                        TankFlowKind::ReclaimedIn => water::TankFlow::ReclaimedIn,
                        TankFlowKind::SupplyIn => water::TankFlow::SupplyIn,
                        TankFlowKind::SpillOut => water::TankFlow::SpillOut,
                    }
                    .into(),
                    interval_start,
                    interval_seconds: interval.seconds,
                    litres,
                });
            }
            Fact::WaterMetered {
                asset,
                source,
                interval,
                litres,
            } => {
                let interval_start = self.start(interval);
                self.water.push(water::WaterReading {
                    asset: asset.to_string(),
                    network: match source {
                        WaterSource::Supply => water::WaterNetwork::Supply,
                        WaterSource::Reclaimed => water::WaterNetwork::Reclaimed,
                        WaterSource::Rain => water::WaterNetwork::Rain,
                    }
                    .into(),
                    interval_start,
                    interval_seconds: interval.seconds,
                    litres,
                });
            }
            Fact::IrrigationStarted { zone, at, litres } => self.commands.push(Command::Irrigate {
                started: at,
                request: water::StartIrrigationRequest {
                    park: self.park.clone(),
                    client_request_id: own_irrigation_id(at),
                    zone: zone.to_string(),
                    litres,
                },
            }),
            Fact::IrrigationEnded {
                zone,
                started,
                at,
                litres,
            } => {
                let time = self.time(at);
                self.irrigation_ends.push(IrrigationEnd {
                    zone: zone.to_string(),
                    started,
                    time,
                    litres,
                });
            }
            Fact::WaterSampled {
                tank,
                sample,
                at,
                quality,
            } => {
                let time = self.time(at);
                self.samples.push(water::QualitySample {
                    tank: tank.to_string(),
                    sample,
                    time,
                    ph_milli: Some(quality.ph_milli),
                    turbidity_mntu: Some(quality.turbidity_mntu),
                    cod_ug_per_l: Some(quality.cod_ug_per_l),
                    ammonia_n_ug_per_l: Some(quality.ammonia_n_ug_per_l),
                    evidence_sha256: Default::default(),
                });
            }
            _ => unreachable!("only reports of the water domain come here"),
        }
    }
}
