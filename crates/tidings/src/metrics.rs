//! `/metrics`: the counts of the engine, of the collector and of the store in the Prometheus text
//! format. Labels are words of a fixed list, never a url or a name.

use std::fmt::{Display, Write};

use tidings_core::time::Elapsed;
use tidings_deliver::DeliverMetrics;
use tidings_platform::collect::running::CollectionCounts;
use tidings_store::Stats;

/// The text. `collections` is absent without the platform, `stats` while the database does not
/// answer.
pub fn text(
    metrics: &DeliverMetrics,
    collections: Option<&CollectionCounts>,
    stats: Option<&Stats>,
    now: Elapsed,
) -> String {
    let mut page = Page::default();
    page.head("tidings_build_info", "gauge", "Which version runs.");
    page.line("tidings_build_info", Some(("version", env!("CARGO_PKG_VERSION"))), 1);
    page.head("tidings_attempts_total", "counter", "Attempts by their outcome.");
    for (outcome, count) in &metrics.attempts {
        page.line("tidings_attempts_total", Some(("outcome", outcome)), count);
    }
    page.head("tidings_delivery_steps_total", "counter", "What was recorded for deliveries.");
    for (step, count) in &metrics.steps {
        page.line("tidings_delivery_steps_total", Some(("step", step)), count);
    }
    page.head("tidings_attempt_duration_seconds", "histogram", "How long attempts took.");
    for (bound_ms, count) in metrics.durations.cumulative() {
        let bound = seconds(bound_ms);
        page.line("tidings_attempt_duration_seconds_bucket", Some(("le", &bound)), count);
    }
    let (count, sum_ms) = (metrics.durations.count, metrics.durations.sum_ms);
    page.line("tidings_attempt_duration_seconds_bucket", Some(("le", "+Inf")), count);
    page.line("tidings_attempt_duration_seconds_sum", None, seconds(sum_ms));
    page.line("tidings_attempt_duration_seconds_count", None, count);
    page.one("tidings_attempts_in_flight", "gauge", "Attempts under way.", metrics.in_flight);
    let help = "Leases that another worker took over.";
    page.one("tidings_leases_lost_total", "counter", help, metrics.leases_lost);
    if let Some(collections) = collections {
        put_collections(&mut page, collections);
    }
    let help = "Whether the database answers.";
    page.one("tidings_database_up", "gauge", help, u8::from(stats.is_some()));
    if let Some(stats) = stats {
        put_stats(&mut page, stats, now);
    }
    page.text
}

fn put_collections(page: &mut Page, collections: &CollectionCounts) {
    page.head("tidings_collections_total", "counter", "Runs of collections by their outcome.");
    for (outcome, count) in &collections.ended {
        page.line("tidings_collections_total", Some(("outcome", outcome)), count);
    }
    let help = "Accounts that are being collected.";
    page.one("tidings_collections_in_flight", "gauge", help, collections.in_flight);
}

fn put_stats(page: &mut Page, stats: &Stats, now: Elapsed) {
    let help = "Deliveries that are not final, up to 100,001.";
    page.one("tidings_deliveries_waiting", "gauge", help, stats.waiting);
    let overdue_ms = stats.oldest_due_at.map_or(0, |due_at| now.since_ms(due_at));
    let help = "How long the oldest delivery that nothing blocks has been due.";
    page.one("tidings_oldest_due_seconds", "gauge", help, seconds(overdue_ms));
    page.one("tidings_webhooks", "gauge", "Webhooks.", stats.webhooks);
    if let Some(bytes) = stats.bytes {
        page.one("tidings_database_bytes", "gauge", "Bytes of the database.", bytes);
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _infallible = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn line(&mut self, name: &str, label: Option<(&str, &str)>, value: impl Display) {
        let _infallible = match label {
            Some((key, text)) => writeln!(self.text, "{name}{{{key}=\"{text}\"}} {value}"),
            None => writeln!(self.text, "{name} {value}"),
        };
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.head(name, kind, help);
        self.line(name, None, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_belongs_to_a_metric_that_was_announced() {
        let mut metrics = DeliverMetrics { in_flight: 3, ..DeliverMetrics::default() };
        metrics.attempts.insert("accepted", 2);
        let stats =
            Stats { oldest_due_at: Some(Elapsed(500)), waiting: 7, webhooks: 1, bytes: None };
        let mut collections = CollectionCounts { in_flight: 5, ..CollectionCounts::default() };
        collections.ended.insert("done", 4);
        let text = text(&metrics, Some(&collections), Some(&stats), Elapsed(2_000));
        for wanted in [
            "tidings_attempts_total{outcome=\"accepted\"} 2\n",
            "tidings_attempts_in_flight 3\n",
            "tidings_collections_total{outcome=\"done\"} 4\n",
            "tidings_collections_in_flight 5\n",
            "tidings_oldest_due_seconds 1.500\n",
            "tidings_attempt_duration_seconds_bucket{le=\"+Inf\"} 0\n",
            "tidings_deliveries_waiting 7\n",
        ] {
            assert!(text.contains(wanted), "{wanted} is not in\n{text}");
        }
        let mut announced = String::new();
        for line in text.lines() {
            match line.strip_prefix("# TYPE ") {
                Some(rest) => announced = rest.split(' ').next().unwrap().to_owned(),
                None if line.starts_with('#') => {}
                None => assert!(line.starts_with(&announced), "{line} after {announced}"),
            }
        }
    }
}
