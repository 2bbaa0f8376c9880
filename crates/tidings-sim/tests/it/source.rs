//! Patience with the source, apart from the receiver's 72 hours.

use tidings_core::{
    time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS},
    webhook::{ErrorAction, ErrorRule, PayloadMode, Status},
};
use tidings_sim::{endpoints::Behaviour, source::SourceMode};

use crate::play::{play, play_with};

fn body(seen: &tidings_sim::endpoints::Seen) -> serde_json::Value {
    serde_json::from_slice(&seen.body).unwrap()
}

#[test]
fn a_source_that_is_down_for_six_days_exhausts_nothing() {
    play(
        |_| {},
        |play| async move {
            play.stage.source.set(SourceMode::Down { wait_ms: None });
            let event = play.fire().await;
            play.pass(6 * DAY_MS).await;
            assert_eq!(play.short(event).await, "Pending");
            play.stage.source.set(SourceMode::fine());
            play.pass(6 * MINUTE_MS).await;
            assert_eq!(play.short(event).await, "Delivered");
            assert_eq!((play.times().len(), play.stage.notices().await.len()), (1, 0));
        },
    );
}

#[test]
fn a_source_that_is_down_for_seven_days_ends_the_wait() {
    play(
        |_| {},
        |play| async move {
            play.stage.source.set(SourceMode::Down { wait_ms: Some(20_000) });
            let event = play.fire().await;
            play.pass(7 * DAY_MS - MINUTE_MS).await;
            assert_eq!(play.short(event).await, "Pending");
            play.pass(8 * MINUTE_MS).await;
            assert_eq!(play.short(event).await, "Exhausted SOURCE_DOWN");
            assert_eq!((play.times().len(), play.stage.notices().await.len()), (0, 1));
        },
    );
}

#[test]
fn an_outage_of_the_source_uses_up_none_of_the_receivers_72_hours() {
    play(
        |_| {},
        |play| async move {
            play.stage.source.set(SourceMode::Down { wait_ms: None });
            play.stage.endpoints.set("a.example.com", Behaviour::status(500));
            let event = play.fire().await;
            play.pass(3 * DAY_MS).await;
            play.stage.source.set(SourceMode::fine());
            play.pass(71 * HOUR_MS).await;
            assert_eq!(play.short(event).await, "Pending");
            play.stage.endpoints.mend();
            play.pass(2 * HOUR_MS).await;
            assert_eq!(play.short(event).await, "Delivered");
        },
    );
}

#[test]
fn a_response_without_data_is_waited_for_24_hours_and_then_delivered_as_it_is() {
    play(
        |_| {},
        |play| async move {
            let code = "OTHER".to_owned();
            play.stage.source.set(SourceMode::Errors { code, with_data: false });
            let event = play.fire().await;
            play.pass(24 * HOUR_MS - MINUTE_MS).await;
            assert_eq!((play.short(event).await, play.times().len()), ("Pending".to_owned(), 0));
            play.pass(8 * MINUTE_MS).await;
            assert_eq!(play.short(event).await, "Delivered");
            let body = body(&play.seen()[0]);
            assert_eq!(body["data"], serde_json::Value::Null);
            assert!(body.as_object().unwrap().contains_key("data"));
            assert_eq!(body["errors"][0]["extensions"]["code"], "OTHER");
        },
    );
}

#[test]
fn rules_decide_what_is_done_about_an_error() {
    // The rule, whether there is data beside the error, the state and the requests after an hour
    // and after a day.
    let cases = [
        (None, true, ("Delivered", 1), ("Delivered", 1)),
        (None, false, ("Pending", 0), ("Delivered", 1)),
        (Some(ErrorAction::Deliver), false, ("Delivered", 1), ("Delivered", 1)),
        (Some(ErrorAction::Retry), true, ("Pending", 0), ("Delivered", 1)),
        (Some(ErrorAction::Drop), true, ("Suppressed ERROR_RULE", 0), ("Suppressed ERROR_RULE", 0)),
        (Some(ErrorAction::Hold), true, ("Pending", 0), ("Pending", 0)),
    ];
    for (action, with_data, after_an_hour, after_a_day) in cases {
        play(
            |webhook| {
                let rule = |action| ErrorRule { code: "X".to_owned(), action };
                webhook.error_rules = action.map(rule).into_iter().collect();
            },
            move |play| async move {
                play.stage.source.set(SourceMode::Errors { code: "X".to_owned(), with_data });
                let event = play.fire().await;
                for (ms, expected) in [(HOUR_MS, after_an_hour), (24 * HOUR_MS, after_a_day)] {
                    play.pass(ms).await;
                    let is = (play.short(event).await, play.times().len());
                    assert_eq!(is, (expected.0.to_owned(), expected.1), "{action:?} {with_data}");
                }
                let catalog = play.stage.catalog().await;
                let is_held =
                    matches!(catalog.webhook(play.webhook).unwrap().status, Status::Held { .. });
                assert_eq!(is_held, action == Some(ErrorAction::Hold));
            },
        );
    }
}

#[test]
fn what_was_held_flows_once_it_is_resumed() {
    play(
        |webhook| {
            webhook.error_rules =
                vec![ErrorRule { code: "X".to_owned(), action: ErrorAction::Hold }];
        },
        |play| async move {
            play.stage.source.set(SourceMode::Errors { code: "X".to_owned(), with_data: true });
            let event = play.fire().await;
            play.pass(4 * DAY_MS).await;
            play.stage.source.set(SourceMode::fine());
            play.stage.set_status(play.webhook, Status::Active).await;
            play.process.wake();
            play.pass(SECOND_MS).await;
            assert_eq!(play.short(event).await, "Delivered");
        },
    );
}

#[test]
fn a_fresh_webhook_asks_anew_for_each_attempt_and_a_frozen_one_asks_once() {
    for (mode, runs) in [(PayloadMode::Fresh, 3), (PayloadMode::Frozen, 1)] {
        play(
            |webhook| webhook.payload = mode,
            move |play| async move {
                play.stage.endpoints.set("a.example.com", Behaviour::status(500));
                let event = play.fire().await;
                play.pass(10 * SECOND_MS).await;
                play.stage.endpoints.mend();
                play.pass(MINUTE_MS).await;
                assert_eq!(play.short(event).await, "Delivered");
                let seen = play.seen();
                let bodies: std::collections::BTreeSet<_> =
                    seen.iter().map(|it| &it.body).collect();
                let asked = play.stage.source.runs().len();
                assert_eq!((seen.len(), bodies.len(), asked), (3, runs, runs), "{mode:?}");
                let ids: std::collections::BTreeSet<_> =
                    seen.iter().map(|it| it.delivery).collect();
                assert_eq!(ids.len(), 1);
            },
        );
    }
}

#[test]
fn an_identical_query_of_one_event_runs_once_for_many_webhooks() {
    play_with(
        512,
        |_| {},
        |play| async move {
            let application = play.stage.catalog().await.webhook(play.webhook).unwrap().application;
            for number in 0..49 {
                let webhook =
                    play.stage.webhook(application, &format!("host-{number}.example.com"));
                play.stage.add_webhook(webhook).await;
            }
            let other = play.stage.add_application("other").await;
            let webhook = play.stage.webhook(other, "other.example.com");
            play.stage.add_webhook(webhook).await;
            play.stage.source.set(SourceMode::Answers { after_ms: 500 });
            play.fire().await;
            play.pass(5 * SECOND_MS).await;
            assert_eq!(play.stage.endpoints.seen().len(), 51);
            let runs = play.stage.source.runs();
            let mut of: Vec<_> = runs.iter().map(|run| run.application).collect();
            of.sort();
            assert_eq!(of, [application, other]);
        },
    );
}
