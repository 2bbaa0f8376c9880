//! Many deliveries at once: behind a breaker, at their deadline, beside an endpoint that hangs.

use tidings_core::{
    ids::{ApplicationId, WebhookId},
    time::{Elapsed, HOUR_MS, MINUTE_MS, SECOND_MS},
};
use tidings_sim::endpoints::{Behaviour, Seen};

use crate::play::{Play, play_with};

async fn fire_many(play: &Play, count: usize, trigger: &str) {
    for number in 0..count {
        play.stage.fire(&play.process, trigger, &format!("thing-{number}")).await;
    }
}

async fn waiting(play: &Play) -> u64 {
    play.stage.store.backlog(play.stage.now(), play.webhook).await.unwrap().waiting
}

/// How many requests were on their way at the same moment, at most.
fn together(seen: &[Seen], lasts_ms: u64) -> usize {
    let at_once = |one: &Seen| {
        let is_under_way =
            |other: &&Seen| other.at <= one.at && other.at.plus_ms(lasts_ms) > one.at;
        seen.iter().filter(is_under_way).count()
    };
    seen.iter().map(at_once).max().unwrap_or(0)
}

#[test]
fn behind_an_open_breaker_one_probe_goes_at_a_time_and_uses_up_no_attempt_of_the_others() {
    play_with(
        512,
        |_| {},
        |play| async move {
            play.stage.endpoints.set(
                "a.example.com",
                Behaviour::Answers { status: 500, retry_after: None, after_ms: 1_000 },
            );
            fire_many(&play, 1_000, "ThingAdded").await;
            play.pass(10 * MINUTE_MS).await;
            let health =
                play.stage.store.backlog(play.stage.now(), play.webhook).await.unwrap().health;
            // What was given out before it opened may still be on its way to the wire.
            let opened = health.breaker.unwrap().open_since.plus_ms(100);
            let probes: Vec<Seen> =
                play.seen().into_iter().filter(|seen| seen.at > opened).collect();
            assert!((5..=12).contains(&probes.len()), "{} probes in ten minutes", probes.len());
            assert_eq!(together(&probes, 1_000), 1);
            let mut wait_ms = 5 * SECOND_MS;
            for pair in probes.windows(2) {
                let waited_ms = pair[1].at.since_ms(pair[0].at);
                assert!(waited_ms >= wait_ms, "{waited_ms} ms, not {wait_ms}");
                wait_ms = (wait_ms * 2).min(5 * MINUTE_MS);
            }
            assert_eq!(waiting(&play).await, 1_000);
        },
    );
}

#[test]
fn after_a_success_the_rest_drain_at_a_growing_pace() {
    play_with(
        512,
        |_| {},
        |play| async move {
            play.stage.endpoints.set("a.example.com", Behaviour::status(500));
            fire_many(&play, 1_000, "ThingAdded").await;
            play.pass(MINUTE_MS).await;
            let slow = Behaviour::Answers { status: 200, retry_after: None, after_ms: 2_000 };
            play.stage.endpoints.set("a.example.com", slow);
            let mended_at = play.stage.clock.elapsed();
            play.pass(HOUR_MS).await;
            let seen: Vec<Seen> =
                play.seen().into_iter().filter(|seen| seen.at >= mended_at).collect();
            let first = seen[0].at;
            let begun_in = |round: u64| {
                let from = first.plus_ms(round * 2_000);
                let until = Elapsed(from.0 + 2_000);
                seen.iter().filter(|seen| seen.at >= from && seen.at < until).count()
            };
            assert_eq!(begun_in(0), 1);
            assert!((1..=4).contains(&begun_in(1)), "{}", begun_in(1));
            assert!((1..=16).contains(&begun_in(2)), "{}", begun_in(2));
            assert!(together(&seen, 2_000) <= 64);
            assert_eq!(waiting(&play).await, 0);
        },
    );
}

#[test]
fn at_their_deadline_one_a_second_goes_by_the_breaker_and_the_others_are_exhausted() {
    play_with(
        512,
        |webhook| webhook.retry.horizon_ms = HOUR_MS,
        |play| async move {
            play.stage.endpoints.set("a.example.com", Behaviour::status(500));
            fire_many(&play, 300, "ThingAdded").await;
            play.pass(2 * HOUR_MS).await;
            let mut codes = std::collections::BTreeMap::<String, usize>::new();
            for view in play.stage.deliveries().await {
                let why = view.delivery.state.reason().unwrap().code.as_str().to_owned();
                *codes.entry(why).or_default() += 1;
            }
            assert_eq!(codes.values().sum::<usize>(), 300, "{codes:?}");
            assert!(codes["ENDPOINT_DOWN"] > 100, "{codes:?}");
            let deadline = play.times()[0].plus_ms(HOUR_MS);
            let late: Vec<Seen> =
                play.seen().into_iter().filter(|seen| seen.at >= deadline).collect();
            assert!(!late.is_empty());
            for pair in late.windows(2) {
                assert!(pair[1].at.since_ms(pair[0].at) >= 900, "{:?}", (pair[0].at, pair[1].at));
            }
        },
    );
}

#[test]
fn an_endpoint_that_hangs_with_ten_thousand_deliveries_delays_no_other() {
    play_with(
        512,
        |webhook| webhook.triggers = vec!["UserAdded".parse().unwrap()],
        |play| async move {
            let other = play.stage.webhook(ApplicationId(1), "b.example.com");
            let other: WebhookId = play.stage.add_webhook(other).await;
            play.stage.endpoints.set("a.example.com", Behaviour::Hangs);
            fire_many(&play, 10_000, "UserAdded").await;
            for number in 0..20 {
                play.pass(5 * SECOND_MS).await;
                let fired_at = play.stage.clock.elapsed();
                let entity = format!("other-{number}");
                let event = play.stage.fire(&play.process, "ThingAdded", &entity).await;
                play.pass(2 * SECOND_MS).await;
                let state = play.stage.delivery(event, other).await.delivery.state;
                let seen = play.stage.endpoints.seen_by("b.example.com");
                let waited_ms = seen.last().unwrap().at.since_ms(fired_at);
                assert!(waited_ms <= 1_200, "{waited_ms} ms, {state:?}");
                assert_eq!(state, tidings_core::delivery::State::Delivered);
            }
            assert_eq!(waiting(&play).await, 10_000);
        },
    );
}
