//! Reports of electricity, heat and weather.

use terrarium_proto::energy::v1 as energy;

use super::Bundle;
use crate::park::Fact;

impl Bundle {
    pub(super) fn add_energy(&mut self, fact: Fact) {
        match fact {
            Fact::EnergyMetered {
                meter,
                interval,
                energy_wh,
            } => {
                let interval_start = self.start(interval);
                self.readings.push(energy::Reading {
                    meter: meter.to_string(),
                    quantity: "active_energy".to_owned(),
                    interval_start,
                    interval_seconds: interval.seconds,
                    value: energy_wh.to_string(),
                    unit: "Wh".to_owned(),
                    correction: None,
                });
            }
            Fact::RegisterRead {
                meter,
                at,
                total_wh,
            } => {
                let interval_start = self.time(at);
                self.readings.push(energy::Reading {
                    meter: meter.to_string(),
                    quantity: "active_energy_register".to_owned(),
                    interval_start,
                    interval_seconds: 0,
                    value: total_wh.to_string(),
                    unit: "Wh".to_owned(),
                    correction: None,
                });
            }
            Fact::StorageReported {
                storage,
                at,
                stored_wh,
                power_w,
                charged_wh,
                discharged_wh,
            } => {
                let time = self.time(at);
                self.storages.push(energy::StorageState {
                    storage: storage.to_string(),
                    time,
                    stored_wh,
                    power_w,
                    charged_wh,
                    discharged_wh,
                });
            }
            Fact::WeatherObserved {
                station,
                interval,
                air_mc,
                irradiance_w_per_m2,
                wind_mm_per_s,
                rain_um_per_h,
                cloud_permille,
            } => {
                let interval_start = self.start(interval);
                self.observations.push(energy::WeatherObservation {
                    station: station.to_string(),
                    interval_start,
                    interval_seconds: interval.seconds,
                    air_temperature_mc: Some(air_mc),
                    irradiance_w_per_m2: Some(irradiance_w_per_m2),
                    wind_mm_per_s: Some(wind_mm_per_s),
                    rain_um_per_h: Some(rain_um_per_h),
                    cloud_permille: Some(cloud_permille),
                });
            }
            Fact::HeatMetered {
                source,
                interval,
                heat_wh,
            } => {
                let interval_start = self.start(interval);
                self.heat.push(energy::HeatAmount {
                    source: source.to_string(),
                    interval_start,
                    interval_seconds: interval.seconds,
                    heat_wh,
                });
            }
            _ => unreachable!("only reports of the energy domain come here"),
        }
    }
}
