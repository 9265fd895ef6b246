//! Heat, from meters' events to points, balances and alarms.

use terrarium_alarms::{Observed, Observer};
use terrarium_journal::RecordedEvent;
use terrarium_ledger::natural::{DayPeriod, NaturalMedium, OpenBalance, Thermal};
use terrarium_model::{Balanced, Carrier, ParkId, UnixSeconds};
use terrarium_proto::energy::v1 as energy;
use terrarium_proto::ledger::v1::NaturalMedium as HeatMedium;
use terrarium_proto::ledger::v1::{GetNaturalBalanceRequest, GetNaturalBalanceResponse, Period};
use terrarium_twin::{PointName, Quantity};

use super::{DEFINITION, Feeder, PARK, asset_id};
use crate::AlarmObserver;
use crate::natural_api::answer;

const HEATING: &str = "\n[[assets]]\nid = 'pump'\nkind = 'heat_pump'\nzone = 'all'\nname = { en = 'P', zh = '泵' }\n\
    rated_kw = 4\nheat_w = 12000\nheat_source = 'air'\n\
    [[connections]]\nkind = 'heat'\nfrom = 'pump'\nto = 'centre'\nloss_w = 50\n\
    [[meters]]\nid = 'pump.heat'\nasset = 'pump'\nmeasures = 'heat_supply'\nreports = 'interval'\nrated_kw = 12\n\
    [[meters]]\nid = 'centre.heat'\nasset = 'centre'\nmeasures = 'heat_use'\nreports = 'interval'\nrated_kw = 12\n";

/// The heating in the park's first zone.
fn heating() -> String {
    let zone = DEFINITION
        .lines()
        .skip_while(|line| *line != "[[zones]]")
        .find_map(|line| line.strip_prefix("id = "))
        .expect("the park has a zone");
    HEATING.replace("'all'", zone)
}

fn heat(feeder: &mut Feeder, meter: &str, quarter: i64, wh: i64) {
    let metered = energy::IntervalMeteredV1 {
        reading: Some(energy::MeteredReading {
            meter: meter.into(),
            interval_start_s: quarter * 900,
            interval_seconds: 900,
            value: wh.to_string(),
            unit: "Wh".into(),
            energy_wh: Some(wh),
            revision: 0,
        }),
    };
    let event_type = "terrarium.energy.v1.IntervalMeteredV1";
    feeder.feed("energy.meter", meter, &metered, event_type);
}

fn newest(feeder: &Feeder, asset: &str, quantity: Quantity, meter: &str) -> Option<i64> {
    let name = PointName {
        asset: asset_id(asset),
        quantity,
        source: meter.into(),
    };
    Some(feeder.twin().newest(&name)?.value)
}

#[test]
fn heat_is_metered_shown_and_balanced_and_what_is_open_reaches_the_alarms() {
    let definition = format!("{DEFINITION}{}", heating());
    let mut feeder = Feeder::with_definition(&definition);
    for quarter in 0..4 {
        heat(&mut feeder, "pump.heat", quarter, 1_000);
        heat(&mut feeder, "centre.heat", quarter, 900);
    }
    assert_eq!(
        newest(&feeder, "pump", Quantity::HeatW, "pump.heat"),
        Some(4_000)
    );
    assert_eq!(
        newest(&feeder, "centre", Quantity::HeatUseW, "centre.heat"),
        Some(3_600)
    );
    let open = OpenBalance {
        medium: NaturalMedium::HeatWh,
        asset: asset_id("centre"),
        hour_start: UnixSeconds(0),
        unexplained: 4_000 - 3_600 - 50,
    };
    assert_eq!(feeder.projection.balanced(), [open]);

    let park = ParkId::new(PARK).expect("valid");
    let ledger = feeder.projection.park(&park).expect("it is defined");
    let day = DayPeriod {
        from: UnixSeconds(0),
        to: UnixSeconds(86_400),
    };
    let balances = Thermal::of(ledger).balances(day);
    let (_, node, sums) = &balances[0];
    assert_eq!(node.as_str(), "centre");
    assert_eq!((sums.closed, sums.open, sums.unexplained), (1, 1, 350));

    let mut observer = AlarmObserver::default();
    let mut observed = Vec::new();
    for event in &feeder.events {
        let event: &RecordedEvent = event;
        observed.clear();
        observer.observe(event, &mut observed).expect("it folds");
    }
    let told = observed.iter().find_map(|observed| match observed {
        Observed::Balance {
            of, unexplained, ..
        } => Some((*of, *unexplained)),
        Observed::Point { .. } => None,
    });
    assert_eq!(told, Some((Balanced::Thermal(Carrier::Heat), 350)));
}

/// From the first day of the epoch to the last day that can be written: only what was metered is looked at.
#[test]
fn a_balance_of_all_time_is_that_of_the_metered_days() {
    let definition = format!("{DEFINITION}{}", heating());
    let mut feeder = Feeder::with_definition(&definition);
    for quarter in 100_000..100_008 {
        heat(&mut feeder, "pump.heat", quarter, 1_000);
        heat(&mut feeder, "centre.heat", quarter, 900);
    }
    let ask = |period: Option<Period>| {
        let request = GetNaturalBalanceRequest {
            park: PARK.into(),
            period,
        };
        answer(&feeder.projection, &request).expect("answered")
    };
    let midnight = |day: &str| format!("{day}T00:00:00+08:00");
    let metered = ask(None);
    let heat_in = |answer: &GetNaturalBalanceResponse| {
        let of_heat = answer.balances.iter();
        let heat = of_heat.filter(|balance| balance.medium() == HeatMedium::HeatWh);
        heat.map(|balance| (balance.closed, balance.r#in))
            .collect::<Vec<_>>()
    };
    assert_eq!(heat_in(&metered), [(2, 8_000)]);
    let of_all_time = ask(Some(Period {
        from: midnight("1970-01-02"),
        to: midnight("9999-12-30"),
    }));
    assert_eq!(of_all_time.balances, metered.balances);
    assert_eq!(of_all_time.totals, metered.totals);
    let asked = of_all_time.period.expect("it is told");
    assert!(asked.to.starts_with("9999-12-30"), "{asked:?}");
    let before = ask(Some(Period {
        from: midnight("1970-01-02"),
        to: midnight("1970-01-03"),
    }));
    assert_eq!(heat_in(&before), [(0, 0)]);
}
