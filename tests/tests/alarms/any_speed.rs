//! The same day at any speed, and a watch that resumes anywhere.

use super::*;

/// Things that lead to raised, cleared, delayed, suppressed and silent alarms, with time in steps.
async fn a_bad_day(channel: &Channel, step_ms: i64) {
    let mut now_ms = MORNING_MS;
    advance(channel, now_ms).await;
    let reading = |meter: &str, value: &str| energy::Reading {
        meter: meter.into(),
        interval_start: rfc3339(MORNING_MS - HOUR_MS),
        interval_seconds: 3_600,
        quantity: "active_energy".into(),
        value: value.into(),
        unit: "kWh".into(),
        ..energy::Reading::default()
    };
    energy::energy_service_client::EnergyServiceClient::new(channel.clone())
        .report_readings(energy::ReportReadingsRequest {
            park: PARK.into(),
            readings: vec![
                reading("centre.load", "1.5"),
                reading("centre.import", "2.1"),
            ],
            client_request_id: String::new(),
        })
        .await
        .expect("readings");
    report_level(channel, now_ms, 1_500).await;
    let mut chargers = MobilityServiceClient::new(channel.clone());
    let fault = |time_ms: i64, present: mobility::FaultState| mobility::ReportChargerFaultRequest {
        park: PARK.into(),
        charger: "charger-1".into(),
        fault: "ground-failure".into(),
        state: present as i32,
        time: rfc3339(time_ms),
        client_request_id: String::new(),
    };
    for minutes in [5, 20, 40, 60, 90] {
        let to_ms = MORNING_MS + minutes * MINUTE_MS;
        while now_ms < to_ms {
            now_ms = to_ms.min(now_ms + step_ms);
            advance(channel, now_ms).await;
        }
        match minutes {
            5 => report_bin(channel, "bin-2", now_ms, 240).await,
            20 => {
                chargers
                    .report_charger_fault(fault(now_ms, mobility::FaultState::Present))
                    .await
                    .expect("a fault");
                report_level(channel, now_ms, 100).await;
            }
            40 => {
                chargers
                    .report_charger_fault(fault(now_ms, mobility::FaultState::Gone))
                    .await
                    .expect("none");
                report_level(channel, now_ms, 1_000).await;
            }
            _ => report_level(channel, now_ms, 9_000).await,
        }
    }
    advance(channel, now_ms + HOUR_MS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_day_gives_the_same_alarms_at_any_speed_and_a_watch_resumes_anywhere() {
    let mut days = Vec::new();
    for step_ms in [MINUTE_MS, 24 * HOUR_MS] {
        let (_folder, mut park) = park_of("simulated");
        park.start();
        let channel = park.clients().await.channel;
        a_bad_day(&channel, step_ms).await;
        let events = feed::read_all(&mut park.clients().await, PARK).await;
        let mut day: Vec<(String, String, String)> = of_alarms(&events)
            .iter()
            .map(|event| {
                (
                    event.subject.clone(),
                    event.r#type.clone(),
                    event.id.clone(),
                )
            })
            .collect();
        day.sort();
        days.push(day);

        let all = told_so_far(&channel, None).await;
        let brief: Vec<String> = all
            .iter()
            .map(|told| {
                let minute = (told.time_ms - MORNING_MS) / MINUTE_MS;
                let event = told.r#type.rsplit('.').next().unwrap_or_default();
                format!("{minute} {} {event}", id_of(told))
            })
            .collect();
        for expected in [
            "10 tank-low/rain-tank AlarmRaisedV1",
            "5 bin-overflow/bin-2 AlarmRaisedV1",
            "20 charger-fault/charger-1 AlarmRaisedV1",
            "20 tank-empty/rain-tank AlarmRaisedV1",
            "20 tank-low/rain-tank AlarmSuppressedV1",
            "40 charger-fault/charger-1 AlarmClearedV1",
            "40 tank-empty/rain-tank AlarmClearedV1",
            "40 tank-low/rain-tank AlarmReleasedV1",
            "0 balance-open/centre AlarmRaisedV1",
            "60 meter-silent/centre.load AlarmRaisedV1",
            "60 meter-silent/centre.import AlarmRaisedV1",
            "60 tank-low/rain-tank AlarmClearedV1",
        ] {
            assert!(
                brief.contains(&expected.to_owned()),
                "{expected}: {brief:#?}"
            );
        }
        assert_eq!(brief.len(), 12, "{brief:#?}");
        for (place, transition) in all.iter().enumerate() {
            let rest = told_so_far(&channel, Some(transition.position)).await;
            assert_eq!(
                rest,
                all[place + 1..],
                "resumed after {}",
                transition.position
            );
        }
        let balance = alarm(&channel, "balance-open/centre").await;
        assert_eq!((balance.value, balance.limit), (Some(600), Some(500)));
        let tank = alarm(&channel, TANK).await;
        assert_eq!(tank.state(), AlarmState::ReturnedUnacknowledged);
        assert_eq!(tank.limit, Some(2_000));
        drop(channel);
        park.stop();
    }
    assert_eq!(days[0], days[1]);
}
