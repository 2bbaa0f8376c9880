//! Answers that mean more than yes or no.

use tidings_core::{
    time::{DAY_MS, MINUTE_MS, SECOND_MS},
    webhook::{Status, Success},
};
use tidings_sim::endpoints::Behaviour;
use tidings_store::NoticeKind;

use crate::play::play;

#[test]
fn gone_disables_the_webhook_and_what_waited_flows_once_it_is_resumed() {
    play(
        |_| {},
        |play| async move {
            play.stage.endpoints.set("a.example.com", Behaviour::status(410));
            let first = play.fire().await;
            play.pass(MINUTE_MS).await;
            let second = play.fire().await;
            play.pass(4 * DAY_MS).await;
            assert_eq!(play.times().len(), 1);
            let catalog = play.stage.catalog().await;
            let status = catalog.webhook(play.webhook).unwrap().status.clone();
            assert!(matches!(status, Status::Disabled { .. }), "{status:?}");
            let notices = play.stage.notices().await;
            let told: Vec<_> = notices.iter().map(|it| (it.kind, it.count)).collect();
            assert_eq!(told, [(NoticeKind::WebhookDisabled, 1)]);
            for event in [first, second] {
                let shown = play.stage.delivery(event, play.webhook).await.shown;
                assert_eq!(shown, tidings_store::ShownState::Held);
            }
            play.stage.endpoints.mend();
            play.stage.set_status(play.webhook, Status::Active).await;
            play.process.wake();
            play.pass(10 * SECOND_MS).await;
            for event in [first, second] {
                assert_eq!(play.short(event).await, "Delivered");
            }
        },
    );
}

#[test]
fn only_200_is_a_success_unless_the_webhook_takes_any_2xx() {
    for (success, status, delivered) in [
        (Success::Only200, 200, true),
        (Success::Only200, 201, false),
        (Success::Only200, 302, false),
        (Success::Any2xx, 204, true),
        (Success::Any2xx, 302, false),
    ] {
        play(
            |webhook| webhook.success = success,
            move |play| async move {
                play.stage.endpoints.set("a.example.com", Behaviour::status(status));
                let event = play.fire().await;
                play.pass(SECOND_MS).await;
                let is = play.short(event).await == "Delivered";
                assert_eq!(is, delivered, "{success:?} {status}");
            },
        );
    }
}

#[test]
fn a_test_is_tried_once_also_where_its_webhook_is_paused() {
    for (status, behaviour, expected) in [
        (Status::Active, Behaviour::status(500), "Exhausted ATTEMPT_FAILED"),
        (Status::Paused, Behaviour::fine(), "Delivered"),
        (Status::Active, Behaviour::status(410), "Exhausted ATTEMPT_FAILED"),
    ] {
        play(
            |_| {},
            move |play| async move {
                play.stage.set_status(play.webhook, status.clone()).await;
                play.stage.endpoints.set("a.example.com", behaviour);
                let mut event = play.stage.event("ThingAdded", "thing-1");
                event.test = true;
                let event = play.stage.append(&play.process, event, None).await.unwrap().id;
                play.pass(DAY_MS).await;
                assert_eq!((play.short(event).await.as_str(), play.times().len()), (expected, 1));
                let catalog = play.stage.catalog().await;
                assert_eq!(catalog.webhook(play.webhook).unwrap().status, status);
            },
        );
    }
}

#[test]
fn an_answer_that_comes_after_the_timeout_is_a_failure_and_the_receiver_sees_it_again() {
    play(
        |webhook| webhook.timeout_ms = 2_000,
        |play| async move {
            let late = Behaviour::Answers { status: 200, retry_after: None, after_ms: 3_000 };
            play.stage.endpoints.set("a.example.com", late);
            let event = play.fire().await;
            play.pass(3 * SECOND_MS).await;
            play.stage.endpoints.mend();
            play.pass(MINUTE_MS).await;
            assert_eq!(play.short(event).await, "Delivered");
            let seen = play.seen();
            assert_eq!(seen.len(), 2);
            assert_eq!((seen[0].delivery, &seen[0].body), (seen[1].delivery, &seen[1].body));
        },
    );
}
