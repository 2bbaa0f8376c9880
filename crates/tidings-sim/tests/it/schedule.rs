//! The 72 hours of a receiver, in virtual time, held against the published schedule written down
//! here a second time.

use tidings_core::{
    health::EndpointHealth,
    time::{Elapsed, HOUR_MS, MINUTE_MS, SECOND_MS},
    webhook::Status,
};
use tidings_sim::{
    endpoints::Behaviour,
    schedule::{PUBLISHED_MS, due_window},
};
use tidings_store::NoticeKind;

use crate::play::{Play, play};

/// What a due delivery may wait for the loop that looks for it, and for the store.
const SLACK_MS: u64 = 1_100;
/// The 72 hours begin when the body is made durable, a moment before the first request.
const BEFORE_MS: u64 = 10;
/// How long the receiver and the way to it take.
const ANSWER_MS: u64 = 20;

/// Each request lies in its window after the one before; the last one is at the deadline.
fn check_windows(times: &[Elapsed], begun_at: Elapsed) {
    let deadline = begun_at.plus_ms(72 * HOUR_MS);
    for (index, pair) in times.windows(2).enumerate() {
        let number = u32::try_from(index).unwrap() + 1;
        let ended_at = pair[0].plus_ms(ANSWER_MS);
        let (from, until) = due_window(&PUBLISHED_MS, number, ended_at);
        let from = Elapsed(from.min(deadline).0 - BEFORE_MS);
        let until = until.min(deadline).plus_ms(SLACK_MS);
        assert!(
            (from..=until).contains(&pair[1]),
            "attempt {} at {}: planned {} to {}",
            number + 1,
            pair[1].0,
            from.0,
            until.0
        );
    }
}

async fn health(play: &Play) -> EndpointHealth {
    play.stage.store.backlog(play.stage.now(), play.webhook).await.unwrap().health
}

#[test]
fn a_dead_receiver_is_tried_for_72_hours_and_its_delivery_is_then_exhausted_once() {
    play(
        |_| {},
        |play| async move {
            play.stage.endpoints.set("a.example.com", Behaviour::status(500));
            let event = play.fire().await;
            play.pass(80 * HOUR_MS).await;
            let times = play.times();
            check_windows(&times, times[0]);
            // 8 delays make 7 h 42 min 35 s; ten or eleven times 6 h, give or take a tenth, are
            // left.
            assert!((19..=22).contains(&times.len()), "{} attempts", times.len());
            let deadline = times[0].plus_ms(72 * HOUR_MS);
            let last = *times.last().unwrap();
            assert!(
                last.plus_ms(BEFORE_MS) >= deadline && last <= deadline.plus_ms(SLACK_MS),
                "{last:?}"
            );
            assert_eq!(play.short(event).await, "Exhausted ATTEMPT_FAILED");
            assert!(health(&play).await.breaker.is_some());
            let delivery = play.stage.delivery(event, play.webhook).await.delivery;
            let attempts = play.stage.attempts(delivery.id).await;
            let numbers: Vec<u32> = attempts.iter().map(|attempt| attempt.number).collect();
            assert_eq!(numbers, (1..=u32::try_from(times.len()).unwrap()).collect::<Vec<_>>());
            let notices = play.stage.notices().await;
            let told: Vec<_> = notices.iter().map(|it| (it.kind, it.count)).collect();
            assert_eq!(told, [(NoticeKind::DeliveryExhausted, 1)]);
        },
    );
}

#[test]
fn a_receiver_that_comes_back_a_minute_before_the_end_gets_its_delivery() {
    play(
        |_| {},
        |play| async move {
            play.stage.endpoints.set("a.example.com", Behaviour::Refuses);
            let event = play.fire().await;
            play.pass(72 * HOUR_MS - MINUTE_MS).await;
            assert_eq!((play.short(event).await, play.times().len()), ("Pending".to_owned(), 0));
            play.stage.endpoints.mend();
            play.pass(2 * MINUTE_MS).await;
            assert_eq!((play.short(event).await, play.times().len()), ("Delivered".to_owned(), 1));
            assert_eq!(play.stage.notices().await, []);
        },
    );
}

#[test]
fn a_wall_clock_that_jumps_three_days_expires_nothing_and_hastens_nothing() {
    for hours in [73, -73] {
        play(
            |_| {},
            move |play| async move {
                play.stage.endpoints.set("a.example.com", Behaviour::status(500));
                let event = play.fire().await;
                play.pass(10 * MINUTE_MS).await;
                play.stage.clock.jump_wall(hours * 3_600_000);
                play.pass(50 * HOUR_MS).await;
                check_windows(&play.times(), play.times()[0]);
                assert_eq!(play.short(event).await, "Pending");
                play.stage.endpoints.mend();
                play.pass(7 * HOUR_MS).await;
                assert_eq!(play.short(event).await, "Delivered");
            },
        );
    }
}

#[test]
fn a_pause_stops_the_clock() {
    play(
        |_| {},
        |play| async move {
            play.stage.endpoints.set("a.example.com", Behaviour::status(500));
            let event = play.fire().await;
            play.pass(71 * HOUR_MS).await;
            let before = play.times();
            play.stage.set_status(play.webhook, Status::Paused).await;
            play.pass(100 * HOUR_MS).await;
            assert_eq!(
                (play.times().len(), play.short(event).await),
                (before.len(), "Pending".to_owned())
            );
            play.stage.set_status(play.webhook, Status::Active).await;
            play.process.wake();
            play.pass(58 * MINUTE_MS).await;
            assert_eq!(play.short(event).await, "Pending");
            play.pass(3 * MINUTE_MS).await;
            assert_eq!(play.short(event).await, "Exhausted ATTEMPT_FAILED");
            let deadline = before[0].plus_ms(172 * HOUR_MS);
            let last = *play.times().last().unwrap();
            assert!(
                last.plus_ms(100) >= deadline && last <= deadline.plus_ms(SLACK_MS),
                "{last:?}"
            );
        },
    );
}

#[test]
fn retry_after_is_honoured_between_the_planned_delay_and_the_deadline() {
    // What is asked for, and from when to when the second request may come, in seconds after the
    // first.
    let cases = [
        ("120", 120.0, 122.0),
        ("0", 4.5, 7.0),
        ("soon", 4.5, 7.0),
        ("-5", 4.5, 7.0),
        ("1.5", 4.5, 7.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 4.5, 7.0),
        ("Wed, 17 Feb 2021 09:48:47 GMT", 3_597.0, 3_602.0),
        ("99999999999", 259_199.0, 259_202.0),
        ("Thu, 01 Jan 2099 00:00:00 GMT", 259_199.0, 259_202.0),
    ];
    for status in [429, 503] {
        // Three days once are enough.
        for (asked, from, until) in cases.into_iter().filter(|it| status == 503 || it.1 < 200.0) {
            play(
                |_| {},
                move |play| async move {
                    let asks = Behaviour::asks_to_wait(status, asked);
                    play.stage.endpoints.set("a.example.com", asks);
                    play.fire().await;
                    play.pass(SECOND_MS).await;
                    play.stage.endpoints.mend();
                    let until_ms = (until * 1_000.0) as u64;
                    play.pass(until_ms + MINUTE_MS).await;
                    let times = play.times();
                    let waited = times[1].since_ms(times[0]) as f64 / 1_000.0;
                    assert!((from..=until).contains(&waited), "{status} {asked}: {waited} s");
                    assert_eq!(times.len(), 2);
                },
            );
        }
    }
}

#[test]
fn a_delivery_that_is_found_past_its_deadline_after_a_standstill_gets_one_attempt() {
    play(
        |_| {},
        |play| async move {
            play.stage.endpoints.set("a.example.com", Behaviour::status(500));
            let event = play.fire().await;
            play.pass(MINUTE_MS).await;
            let before = play.times().len();
            let Play { stage, process, webhook } = play;
            process.crash();
            stage.clock.pass(200 * HOUR_MS).await;
            let process = tidings_sim::process::Process::start(&stage, 64, None);
            let play = Play { stage, process, webhook };
            play.pass(HOUR_MS).await;
            assert_eq!(play.times().len(), before + 1);
            assert_eq!(play.short(event).await, "Exhausted ATTEMPT_FAILED");
        },
    );
}
