//! Reports of charging sessions, visitors and the fleet.

use terrarium_model::{AssetId, format_rfc3339_utc};
use terrarium_proto::mobility::v1 as mobility;

use super::{Bundle, FleetReport, SessionReport, add_to_last};
use crate::park::{Fact, V2gWish, VehicleDoing, VehicleOwner};

impl Bundle {
    pub(super) fn add_mobility(&mut self, fact: Fact) {
        match fact {
            Fact::SessionStarted {
                charger,
                session,
                owner,
                at,
                v2g,
            } => {
                let request = mobility::ReportSessionStartRequest {
                    park: self.park.clone(),
                    client_request_id: format!("start-{session}"),
                    charger: charger.to_string(),
                    session,
                    vehicle_class: match owner {
                        VehicleOwner::Fleet => mobility::VehicleClass::Fleet,
                        VehicleOwner::Public => mobility::VehicleClass::Public,
                        VehicleOwner::Visitor => mobility::VehicleClass::Visitor,
                    }
                    .into(),
                    time: format_rfc3339_utc(at),
                    allows_discharge: v2g.is_some(),
                    v2g: v2g.map(v2g_terms),
                };
                self.of_charger(&charger)
                    .push(SessionReport::Start(request));
            }
            Fact::SessionMetered {
                charger,
                session,
                at,
                energy_in_wh,
                energy_out_wh,
            } => {
                let meter = mobility::SessionMeter {
                    charger: charger.to_string(),
                    session,
                    time: self.time(at),
                    energy_in_wh,
                    energy_out_wh,
                };
                add_to_last(
                    self.of_charger(&charger),
                    meter,
                    SessionReport::meters,
                    SessionReport::Meters,
                );
            }
            Fact::SessionEnded {
                charger,
                session,
                at,
                energy_in_wh,
                energy_out_wh,
            } => {
                let request = mobility::ReportSessionEndRequest {
                    park: self.park.clone(),
                    client_request_id: format!("end-{session}"),
                    meter: Some(mobility::SessionMeter {
                        charger: charger.to_string(),
                        session,
                        time: format_rfc3339_utc(at),
                        energy_in_wh,
                        energy_out_wh,
                    }),
                };
                self.of_charger(&charger).push(SessionReport::End(request));
            }
            Fact::VisitorsCounted {
                counter,
                interval,
                entered,
                left,
            } => {
                let interval_start = self.start(interval);
                self.visitors.push(mobility::VisitorCount {
                    counter: counter.to_string(),
                    interval_start,
                    interval_seconds: interval.seconds,
                    entered,
                    left,
                });
            }
            _ => unreachable!("only reports of the mobility domain come here"),
        }
    }

    fn of_charger(&mut self, charger: &AssetId) -> &mut Vec<SessionReport> {
        self.sessions.entry(charger.to_string()).or_default()
    }

    fn of_vehicle(&mut self, vehicle: &AssetId) -> &mut Vec<FleetReport> {
        self.fleet.entry(vehicle.to_string()).or_default()
    }

    pub(super) fn add_fleet(&mut self, fact: Fact) {
        match fact {
            Fact::VehicleReported {
                vehicle,
                at,
                doing,
                stored_wh,
                odometer_m,
            } => {
                let time = self.time(at);
                let report = mobility::FleetVehicleReport {
                    vehicle: vehicle.to_string(),
                    time,
                    state: match doing {
                        VehicleDoing::Parked => mobility::VehicleState::Parked,
                        VehicleDoing::Driving => mobility::VehicleState::Driving,
                        VehicleDoing::Charging => mobility::VehicleState::Charging,
                    }
                    .into(),
                    stored_wh,
                    odometer_m,
                };
                add_to_last(
                    self.of_vehicle(&vehicle),
                    report,
                    FleetReport::vehicle,
                    FleetReport::Vehicle,
                );
            }
            Fact::ShuttleTripEnded {
                vehicle,
                trip,
                started,
                ended,
                distance_m,
                energy_wh,
                passengers,
            } => {
                let trip = mobility::ShuttleTrip {
                    vehicle: vehicle.to_string(),
                    trip,
                    line: "round".to_owned(),
                    started: format_rfc3339_utc(started),
                    ended: format_rfc3339_utc(ended),
                    distance_m,
                    energy_wh,
                    passengers,
                };
                add_to_last(
                    self.of_vehicle(&vehicle),
                    trip,
                    FleetReport::trips,
                    FleetReport::Trips,
                );
            }
            _ => unreachable!("only reports of the fleet come here"),
        }
    }
}

fn v2g_terms(wish: V2gWish) -> mobility::V2gTerms {
    mobility::V2gTerms {
        battery_wh: wish.battery_wh,
        stored_wh: wish.stored_wh,
        reserve_wh: wish.reserve_wh,
        departure: format_rfc3339_utc(wish.departure),
    }
}
