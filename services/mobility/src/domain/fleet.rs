//! A vehicle of the park: what it told, and the trips of a shuttle.

use std::collections::BTreeMap;

use terrarium_journal::{Event, ForgottenIds, Rejection, TimeBook, facts, refuse_future};
use terrarium_model::{AssetId, ParkId, UnixSeconds, format_rfc3339_utc};
use terrarium_proto::mobility::v1::{FleetVehicleReportedV1, ShuttleTripEndedV1};

/// Faster than this over a whole trip is a mistake (assumed; a park road allows far less).
const FASTEST_KM_PER_H: i128 = 120;
/// No odometer of a road vehicle shows more: two million kilometres.
const MOST_ODOMETER_M: i64 = 2_000_000_000;
/// A trip lasts a day at most.
const LONGEST_TRIP_S: i64 = 86_400;

facts! {
    /// What happened to a vehicle.
    pub enum VehicleFact in "terrarium.mobility.v1" {
        FleetVehicleReportedV1 at time_s,
        ShuttleTripEndedV1 at ended_s,
    }
}

/// Everything a decision needs beside the vehicle's own past.
#[derive(Clone, Debug)]
pub struct VehicleContext {
    /// Park of the vehicle.
    pub park: ParkId,
    /// The vehicle.
    pub vehicle: AssetId,
    /// Wh that its battery holds when full.
    pub battery_wh: i64,
    /// The park's time.
    pub now: UnixSeconds,
}

/// What can be reported of a vehicle. The messages are as they will be recorded.
#[derive(Clone, Debug)]
pub enum VehicleCommand {
    /// What it told.
    Report(FleetVehicleReportedV1),
    /// A trip that came to its end.
    EndTrip(ShuttleTripEndedV1),
}

/// A vehicle, as its past left it.
#[derive(Default)]
pub struct Vehicle {
    reports: TimeBook<FleetVehicleReportedV1>,
    trips: BTreeMap<String, ShuttleTripEndedV1>,
    /// Trips by their start: when they ended.
    trip_ends: TimeBook<UnixSeconds>,
    forgotten_trips: ForgottenIds,
    sums: TripSums,
}

/// What all trips of a shuttle add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TripSums {
    /// Trips.
    pub trips: u64,
    /// Metres driven.
    pub distance_m: i64,
    /// Wh used.
    pub energy_wh: i64,
}

impl Vehicle {
    /// What it told last.
    pub fn newest(&self) -> Option<&FleetVehicleReportedV1> {
        self.reports.last_key_value().map(|(_, report)| report)
    }

    /// All its trips together.
    pub fn trip_sums(&self) -> TripSums {
        self.sums
    }

    /// Lets go of the far past.
    pub fn forget_old(&mut self) {
        self.reports.forget_old();
        if !self.trip_ends.is_large() {
            return;
        }
        self.trip_ends.forget_old();
        let (trip_ends, forgotten) = (&self.trip_ends, &mut self.forgotten_trips);
        self.trips.retain(|id, trip| {
            let is_forgotten = trip_ends.is_forgotten(UnixSeconds(trip.started_s));
            if is_forgotten {
                forgotten.add(id);
            }
            !is_forgotten
        });
    }

    /// Whether a command is about what was let go of.
    pub fn needs_forgotten(&self, command: &VehicleCommand) -> bool {
        match command {
            VehicleCommand::Report(report) => self.reports.is_forgotten(UnixSeconds(report.time_s)),
            VehicleCommand::EndTrip(trip) => {
                self.forgotten_trips.may_contain(&trip.trip)
                    || self.trip_ends.is_forgotten(UnixSeconds(trip.started_s))
            }
        }
    }

    /// Decides about a command.
    pub fn decide(
        &self,
        context: &VehicleContext,
        command: &VehicleCommand,
    ) -> Result<Vec<Event<VehicleFact>>, Rejection> {
        match command {
            VehicleCommand::Report(report) => self.report(context, report),
            VehicleCommand::EndTrip(trip) => self.end_trip(context, trip),
        }
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &Event<VehicleFact>) {
        match &event.fact {
            VehicleFact::FleetVehicleReportedV1(report) => {
                let time = UnixSeconds(report.time_s);
                self.reports.insert(time, report.clone());
            }
            VehicleFact::ShuttleTripEndedV1(trip) => {
                let (started, ended) = (UnixSeconds(trip.started_s), UnixSeconds(trip.ended_s));
                self.trip_ends.insert(started, ended);
                self.sums.trips += 1;
                self.sums.distance_m += trip.distance_m;
                self.sums.energy_wh += trip.energy_wh;
                self.trips.insert(trip.trip.clone(), trip.clone());
            }
        }
    }

    fn report(
        &self,
        context: &VehicleContext,
        report: &FleetVehicleReportedV1,
    ) -> Result<Vec<Event<VehicleFact>>, Rejection> {
        match self.reports.get(&UnixSeconds(report.time_s)) {
            Some(recorded) if recorded == report => return Ok(Vec::new()),
            Some(_) => {
                return Err(Rejection::already_exists(
                    "time",
                    format!(
                        "vehicle {} told something else at {}; it has one state at a time",
                        context.vehicle,
                        format_rfc3339_utc(UnixSeconds(report.time_s))
                    ),
                ));
            }
            None => {}
        }
        refuse_beyond_battery(context, "stored_wh", report.stored_wh)?;
        self.refuse_odometer(context, report)?;
        refuse_future("time", UnixSeconds(report.time_s), context.now)?;
        Ok(vec![Event::of(&context.park, report.clone())])
    }

    /// An odometer never runs backwards, also when reports arrive late.
    fn refuse_odometer(
        &self,
        context: &VehicleContext,
        report: &FleetVehicleReportedV1,
    ) -> Result<(), Rejection> {
        if !(0..=MOST_ODOMETER_M).contains(&report.odometer_m) {
            return Err(Rejection::invalid(
                "odometer_m",
                format!(
                    "{} m is nothing an odometer shows; send 0 to {MOST_ODOMETER_M} m",
                    report.odometer_m
                ),
            ));
        }
        let time = UnixSeconds(report.time_s);
        let earlier = self.reports.range(..time).next_back();
        let later = self.reports.range(time..).next();
        if let Some((_, earlier)) = earlier {
            let (from_s, driven_m) = (earlier.time_s, report.odometer_m - earlier.odometer_m);
            // Times are cut to whole seconds.
            let seconds = i128::from(report.time_s) - i128::from(from_s) + 1;
            let fastest_m = FASTEST_KM_PER_H * 1_000 * seconds / 3_600;
            if i128::from(driven_m) > fastest_m {
                return Err(Rejection::failed_precondition(
                    "odometer_m",
                    format!(
                        "vehicle {} would have driven {driven_m} m in {seconds} s, faster than {FASTEST_KM_PER_H} km/h; check \
                         the unit",
                        context.vehicle
                    ),
                ));
            }
        }
        let least_m = earlier.map_or(0, |(_, earlier)| earlier.odometer_m);
        let most_m = later.map_or(i64::MAX, |(_, later)| later.odometer_m);
        if (least_m..=most_m).contains(&report.odometer_m) {
            return Ok(());
        }
        Err(Rejection::failed_precondition(
            "odometer_m",
            format!(
                "{} m does not fit between what vehicle {} told before and after ({least_m} m{}); an odometer never runs \
                 backwards",
                report.odometer_m,
                context.vehicle,
                later.map_or_else(String::new, |_| format!(" and {most_m} m"))
            ),
        ))
    }

    fn end_trip(
        &self,
        context: &VehicleContext,
        trip: &ShuttleTripEndedV1,
    ) -> Result<Vec<Event<VehicleFact>>, Rejection> {
        match self.trips.get(&trip.trip) {
            Some(recorded) if recorded == trip => return Ok(Vec::new()),
            Some(recorded) => {
                return Err(Rejection::already_exists(
                    "trip",
                    format!(
                        "trip {} of shuttle {} is recorded from {} with {} m; give each trip an id of its own",
                        trip.trip,
                        context.vehicle,
                        format_rfc3339_utc(UnixSeconds(recorded.started_s)),
                        recorded.distance_m
                    ),
                ));
            }
            None => {}
        }
        let seconds = trip.ended_s.saturating_sub(trip.started_s);
        if !(1..=LONGEST_TRIP_S).contains(&seconds) {
            return Err(Rejection::invalid(
                "ended",
                format!("a trip of {seconds} s; it lasts 1 to {LONGEST_TRIP_S} s"),
            ));
        }
        let fastest_m = FASTEST_KM_PER_H * 1_000 * i128::from(seconds) / 3_600;
        if trip.distance_m < 0 || i128::from(trip.distance_m) > fastest_m {
            return Err(Rejection::invalid(
                "distance_m",
                format!(
                    "{} m in {seconds} s; send 0 to {fastest_m} m, {FASTEST_KM_PER_H} km/h at most",
                    trip.distance_m
                ),
            ));
        }
        refuse_beyond_battery(context, "energy_wh", trip.energy_wh)?;
        self.refuse_overlap(context, trip)?;
        refuse_future("ended", UnixSeconds(trip.ended_s), context.now)?;
        Ok(vec![Event::of(&context.park, trip.clone())])
    }

    fn refuse_overlap(
        &self,
        context: &VehicleContext,
        trip: &ShuttleTripEndedV1,
    ) -> Result<(), Rejection> {
        let before_end = ..UnixSeconds(trip.ended_s);
        match self.trip_ends.range(before_end).next_back() {
            Some((started, ended)) if ended.0 > trip.started_s => {
                Err(Rejection::failed_precondition(
                    "started",
                    format!(
                        "shuttle {} was on another trip from {} to {}; it makes one at a time",
                        context.vehicle,
                        format_rfc3339_utc(*started),
                        format_rfc3339_utc(*ended)
                    ),
                ))
            }
            _ => Ok(()),
        }
    }
}

fn refuse_beyond_battery(
    context: &VehicleContext,
    field: &'static str,
    energy_wh: i64,
) -> Result<(), Rejection> {
    if (0..=context.battery_wh).contains(&energy_wh) {
        return Ok(());
    }
    Err(Rejection::invalid(
        field,
        format!(
            "{energy_wh} Wh is beyond what the battery of {} holds; send 0 to {} Wh, or correct the park definition",
            context.vehicle, context.battery_wh
        ),
    ))
}

#[cfg(test)]
mod tests {
    use terrarium_journal::{ForgetfulPair, RejectionCode};
    use terrarium_proto::mobility::v1::VehicleState;

    use super::*;

    fn context() -> VehicleContext {
        VehicleContext {
            park: ParkId::new("haotian").expect("valid"),
            vehicle: AssetId::new("shuttle-1").expect("valid"),
            battery_wh: 20_000,
            now: UnixSeconds(100_000),
        }
    }

    fn report(time_s: i64, stored_wh: i64, odometer_m: i64) -> VehicleCommand {
        VehicleCommand::Report(FleetVehicleReportedV1 {
            vehicle: "shuttle-1".into(),
            time_s,
            state: VehicleState::Parked.into(),
            stored_wh,
            odometer_m,
        })
    }

    fn trip(id: &str, started_s: i64, ended_s: i64, distance_m: i64) -> VehicleCommand {
        VehicleCommand::EndTrip(ShuttleTripEndedV1 {
            vehicle: "shuttle-1".into(),
            trip: id.into(),
            started_s,
            ended_s,
            distance_m,
            energy_wh: 300,
            passengers: 7,
            ..ShuttleTripEndedV1::default()
        })
    }

    fn carry_out(vehicle: &mut Vehicle, command: &VehicleCommand) -> usize {
        let events = vehicle.decide(&context(), command).expect("a good command");
        for event in &events {
            vehicle.evolve(event);
        }
        events.len()
    }

    fn refused(vehicle: &Vehicle, command: &VehicleCommand) -> (RejectionCode, &'static str) {
        let refusal = vehicle.decide(&context(), command).expect_err("refused");
        (refusal.code, refusal.field)
    }

    #[test]
    fn an_odometer_never_runs_backwards_also_when_reports_arrive_late() {
        let mut vehicle = Vehicle::default();
        assert_eq!(carry_out(&mut vehicle, &report(100, 15_000, 5_000)), 1);
        assert_eq!(carry_out(&mut vehicle, &report(300, 14_000, 7_000)), 1);
        assert_eq!(carry_out(&mut vehicle, &report(200, 14_500, 6_000)), 1);
        assert_eq!(carry_out(&mut vehicle, &report(200, 14_500, 6_000)), 0);
        assert_eq!(vehicle.newest().map(|newest| newest.time_s), Some(300));
        for (command, expected) in [
            (
                report(250, 14_000, 7_001),
                (RejectionCode::FailedPrecondition, "odometer_m"),
            ),
            (
                report(400, 14_000, 6_999),
                (RejectionCode::FailedPrecondition, "odometer_m"),
            ),
            (
                report(400, 20_001, 8_000),
                (RejectionCode::InvalidArgument, "stored_wh"),
            ),
            (
                report(400, 14_000, 7_000_000),
                (RejectionCode::FailedPrecondition, "odometer_m"),
            ),
            (
                report(50, 14_000, MOST_ODOMETER_M + 1),
                (RejectionCode::InvalidArgument, "odometer_m"),
            ),
            (
                report(200, 14_500, 6_001),
                (RejectionCode::AlreadyExists, "time"),
            ),
            (
                report(100_061, 1, 8_000),
                (RejectionCode::FailedPrecondition, "time"),
            ),
        ] {
            assert_eq!(refused(&vehicle, &command), expected, "{command:?}");
        }
    }

    #[test]
    fn a_shuttle_makes_one_trip_at_a_time() {
        let mut vehicle = Vehicle::default();
        assert_eq!(
            carry_out(&mut vehicle, &trip("t-1", 1_000, 1_600, 2_400)),
            1
        );
        assert_eq!(
            carry_out(&mut vehicle, &trip("t-1", 1_000, 1_600, 2_400)),
            0
        );
        assert_eq!(
            carry_out(&mut vehicle, &trip("t-2", 1_600, 2_200, 2_400)),
            1
        );
        for (command, expected) in [
            (
                trip("t-3", 1_500, 1_700, 100),
                (RejectionCode::FailedPrecondition, "started"),
            ),
            (
                trip("t-1", 1_000, 1_600, 2_401),
                (RejectionCode::AlreadyExists, "trip"),
            ),
            (
                trip("t-3", 3_000, 3_000, 100),
                (RejectionCode::InvalidArgument, "ended"),
            ),
            (
                trip("t-3", 3_000, 3_060, 2_001),
                (RejectionCode::InvalidArgument, "distance_m"),
            ),
        ] {
            assert_eq!(refused(&vehicle, &command), expected, "{command:?}");
        }
        assert_eq!(vehicle.trip_sums().distance_m, 4_800);
    }

    #[test]
    fn a_vehicle_that_lets_go_decides_as_one_that_remembers() {
        const QUARTERS: i64 = 7_000;
        let context = VehicleContext {
            now: UnixSeconds(QUARTERS * 1_000),
            ..context()
        };
        let in_order = |quarter: i64| report(quarter * 900, 15_000, quarter * 100);
        let usual_trip = |quarter: i64| {
            let started = quarter * 900 + 60;
            trip(&format!("t-{quarter}"), started, started + 600, 2_400)
        };
        let mut pair = ForgetfulPair::<Vehicle>::default();
        for quarter in 0..QUARTERS {
            assert!(pair.carry_out(&context, &in_order(quarter)));
            assert!(pair.carry_out(&context, &usual_trip(quarter)));
        }
        let mut undecided = 0;
        for quarter in (0..QUARTERS + 3).step_by(7) {
            let time = quarter * 900;
            for late in [
                in_order(quarter),
                report(time, 14_000, quarter * 100),
                report(time + 450, 15_000, quarter * 100 + 50),
                report(time + 450, 15_000, quarter * 100 - 1),
                usual_trip(quarter),
                trip(&format!("t-{quarter}"), time + 60, time + 500, 2_000),
                trip("other", time + 700, time + 800, 300),
                trip("other", time + 600, time + 1_000, 300),
            ] {
                undecided += i64::from(!pair.decide_alike(&context, &late));
            }
        }
        assert!(undecided > 0, "nothing was let go of");
    }
}
