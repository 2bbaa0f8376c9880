//! Processes that end, stand still, or fail in the middle of an attempt.

use tidings_core::time::{MINUTE_MS, SECOND_MS};
use tidings_sim::{endpoints::Behaviour, faults::Trouble, stage::Stage};

use crate::play::{Play, play};

fn slow() -> Behaviour {
    Behaviour::Answers { status: 200, retry_after: None, after_ms: 20_000 }
}

#[test]
fn a_drain_lets_attempts_finish_and_hands_the_others_back_at_once() {
    for (grace_ms, requests) in [(25 * SECOND_MS, 1), (5 * SECOND_MS, 2)] {
        play(
            |_| {},
            move |play| async move {
                play.stage.endpoints.set("a.example.com", slow());
                let event = play.fire().await;
                play.pass(SECOND_MS).await;
                let other = play.another();
                let Play { stage, process, webhook } = play;
                let until = stage.clock.elapsed().plus_ms(grace_ms);
                process.drain(until).await;
                let ended_at = stage.clock.elapsed();
                stage.endpoints.mend();
                other.wake();
                stage.clock.pass(3 * SECOND_MS).await;
                let play = Play { stage, process: other, webhook };
                assert_eq!(play.short(event).await, "Delivered");
                assert_eq!(play.times().len(), requests);
                assert!(ended_at <= until.plus_ms(10), "{ended_at:?} and {until:?}");
            },
        );
    }
}

#[test]
fn what_a_crash_interrupts_is_sent_again_when_its_lease_has_run_out() {
    play(
        |_| {},
        |play| async move {
            play.stage.endpoints.set("a.example.com", slow());
            let event = play.fire().await;
            play.pass(SECOND_MS).await;
            let other = play.another();
            let Play { stage, process, webhook } = play;
            process.crash();
            stage.endpoints.mend();
            let play = Play { stage, process: other, webhook };
            play.pass(58 * SECOND_MS).await;
            assert_eq!(play.times().len(), 1);
            play.pass(4 * SECOND_MS).await;
            assert_eq!(play.short(event).await, "Delivered");
            let seen = play.seen();
            assert_eq!((seen.len(), &seen[0].body), (2, &seen[1].body));
        },
    );
}

#[test]
fn a_process_that_stood_still_does_not_write_over_what_another_did() {
    play(
        |_| {},
        |play| async move {
            play.stage.endpoints.set("a.example.com", Behaviour::status(500));
            let event = play.fire().await;
            play.pass(SECOND_MS).await;
            play.stage.endpoints.set("a.example.com", slow());
            play.pass(7 * SECOND_MS).await;
            let other = play.another();
            play.process.stand_still(3 * MINUTE_MS);
            play.stage.endpoints.mend();
            play.pass(5 * MINUTE_MS).await;
            assert_eq!(play.short(event).await, "Delivered");
            let attempts = play.stage.delivery(event, play.webhook).await.delivery.attempts_count;
            assert_eq!((attempts, play.times().len()), (2, 3));
            drop(other);
        },
    );
}

#[test]
fn a_delivery_whose_attempts_always_panic_is_set_aside_and_the_others_flow() {
    let clock = tidings_sim::executor::VirtualClock::new(1);
    let store = std::sync::Arc::new(tidings_store::MemoryStore::new());
    let stage = Stage::new(&clock, 1, store);
    let witness = std::sync::Arc::clone(&stage.witness);
    let (codes, panics) = tidings_sim::executor::run(&clock, async move {
        let application = stage.add_application("acme").await;
        let process = tidings_sim::process::Process::start(&stage, 64, None);
        for host in ["bad.example.com", "good.example.com"] {
            stage.add_webhook(stage.webhook(application, host)).await;
        }
        stage.endpoints.set("bad.example.com", Behaviour::Panics);
        stage.fire(&process, "ThingAdded", "thing-1").await;
        stage.clock.pass(30 * MINUTE_MS).await;
        let states = stage.deliveries().await.into_iter().map(|view| view.delivery.state);
        states.map(|it| it.reason().map(|why| why.code.as_str())).collect::<Vec<_>>()
    });
    assert_eq!((codes, panics), (vec![Some("QUARANTINED"), None], 10));
    assert_eq!(witness.violations(), []);
}

#[test]
fn while_the_database_is_away_nothing_is_begun_and_what_was_sent_is_recorded_later() {
    play(
        |_| {},
        |play| async move {
            let ten_seconds =
                Behaviour::Answers { status: 200, retry_after: None, after_ms: 10_000 };
            play.stage.endpoints.set("a.example.com", ten_seconds);
            let event = play.fire().await;
            play.pass(SECOND_MS).await;
            play.stage.faults.set(Trouble::AWAY);
            play.pass(40 * SECOND_MS).await;
            play.stage.faults.set(Trouble::NONE);
            play.pass(10 * SECOND_MS).await;
            assert_eq!((play.short(event).await, play.times().len()), ("Delivered".to_owned(), 1));
        },
    );
}
