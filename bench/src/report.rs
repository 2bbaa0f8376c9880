//! Everything in one go, and the figures.

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use serde::Serialize;
use tidings_verify::Key;

use crate::{
    bare,
    client::Failure,
    firehose::{self, Acknowledged, Load},
    measure::{cpu_seconds, peak_memory_mib, quantile},
    product::{self, Product},
    sink::{Arrival, Sink},
};

/// Acknowledged events that may be on their way: enough to keep every lane full, and no queue that
/// hides what it costs.
const OUTSTANDING_MAX: usize = 2_000;

/// What is to be measured.
pub struct Options {
    /// Deliveries in each measured run.
    pub deliveries: usize,
    /// Seconds of the run at a tenth of the maximum load.
    pub latency_s: u64,
    /// The program.
    pub tidings: Option<PathBuf>,
    /// Whether one JSON object is printed.
    pub json: bool,
}

#[derive(Serialize)]
struct Report {
    deliveries: usize,
    body_bytes: usize,
    bare_per_s: f64,
    batches: Vec<Batch>,
    latency: Latency,
    peak_memory_mib: f64,
    database_bytes: u64,
}

#[derive(Serialize)]
struct Batch {
    events_per_request: usize,
    per_s: f64,
    ratio: f64,
    cpu_s_per_1000: f64,
    lost: usize,
    duplicated: usize,
    unverified: usize,
}

#[derive(Serialize)]
struct Latency {
    per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
    lost: usize,
    duplicated: usize,
}

struct Bench {
    sink: Arc<Sink>,
    sink_address: SocketAddr,
    product: Product,
}

/// Measures and prints. Fails when anything was lost, duplicated or wrongly signed.
pub async fn run(options: &Options) -> Result<(), Failure> {
    let program = match &options.tidings {
        Some(program) => program.clone(),
        None => product::beside()?,
    };
    let (sink, sink_address) = Sink::start().await?;
    let key = Key::parse(product::KEY)?;
    sink.expect_key(key.clone());
    let bench = Bench {
        product: Product::start(&program, &[format!("http://{sink_address}/")]).await?,
        sink,
        sink_address,
    };
    // One delivery first: its body is what the bare client sends.
    bench.drive(100, 1, None).await?;
    let body = bench.sink.last_body();
    let bare_time = bare::send(bench.sink_address, &key, &body, options.deliveries).await?;
    bench.sink.take_arrivals();
    let bare_per_s = options.deliveries as f64 / bare_time.as_secs_f64();
    let mut batches = Vec::new();
    for events_per_request in [100, 1] {
        batches.push(bench.batch(options.deliveries, events_per_request, bare_per_s).await?);
    }
    let slow = batches.iter().map(|batch| batch.per_s).fold(0.0, f64::max) / 10.0;
    let report = Report {
        deliveries: options.deliveries,
        body_bytes: body.len(),
        bare_per_s,
        batches,
        latency: bench.latency(slow, options.latency_s).await?,
        peak_memory_mib: peak_memory_mib(bench.product.pid()),
        database_bytes: bench.product.database_bytes(),
    };
    if options.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print(&report);
    }
    verdict(&report)
}

impl Bench {
    async fn drive(
        &self,
        events: usize,
        batch: usize,
        per_second: Option<f64>,
    ) -> Result<(Acknowledged, HashMap<String, Arrival>), Failure> {
        let load = Load {
            server: self.product.address,
            token: self.product.token.clone(),
            events,
            batch,
            id: product::ENTITY.to_owned(),
            per_second,
            outstanding_max: OUTSTANDING_MAX,
        };
        let sink = Arc::clone(&self.sink);
        let acknowledged = firehose::fire(&load, move || sink.different()).await?;
        let patience = Instant::now() + Duration::from_secs(120);
        while self.sink.different() < acknowledged.len() && Instant::now() < patience {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // What comes twice comes a moment later.
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok((acknowledged, self.sink.take_arrivals()))
    }

    async fn batch(
        &self,
        deliveries: usize,
        events_per_request: usize,
        bare_per_s: f64,
    ) -> Result<Batch, Failure> {
        let cpu_before = cpu_seconds(self.product.pid());
        let started = Instant::now();
        let (acknowledged, arrivals) = self.drive(deliveries, events_per_request, None).await?;
        let last = arrivals.values().map(|arrival| arrival.first).max().unwrap_or(started);
        let per_s = arrivals.len() as f64 / (last - started).as_secs_f64();
        let cpu_s = cpu_seconds(self.product.pid()) - cpu_before;
        let (lost, duplicated) = compare(&acknowledged, &arrivals);
        Ok(Batch {
            events_per_request,
            per_s,
            ratio: per_s / bare_per_s,
            cpu_s_per_1000: cpu_s * 1_000.0 / deliveries as f64,
            lost,
            duplicated,
            unverified: self.sink.unverified(),
        })
    }

    async fn latency(&self, per_s: f64, seconds: u64) -> Result<Latency, Failure> {
        let events = (per_s * seconds as f64) as usize;
        let (acknowledged, arrivals) = self.drive(events, 1, Some(per_s)).await?;
        let (lost, duplicated) = compare(&acknowledged, &arrivals);
        let mut ages: Vec<Duration> = by_event(&arrivals)
            .filter_map(|(event, arrival)| {
                Some(arrival.first.saturating_duration_since(*acknowledged.get(&event)?))
            })
            .collect();
        ages.sort_unstable();
        let ms = |share| quantile(&ages, share).as_secs_f64() * 1_000.0;
        Ok(Latency { per_s, p50_ms: ms(0.5), p99_ms: ms(0.99), lost, duplicated })
    }
}

/// Arrivals by their event: the first 16 of a delivery id's bytes.
fn by_event(arrivals: &HashMap<String, Arrival>) -> impl Iterator<Item = (String, &Arrival)> {
    arrivals.iter().map(|(id, arrival)| (event_of(id), arrival))
}

fn event_of(delivery: &str) -> String {
    delivery
        .parse::<tidings_core::ids::DeliveryId>()
        .map_or_else(|_| delivery.to_owned(), |id| id.event().to_string())
}

fn compare(acknowledged: &Acknowledged, arrivals: &HashMap<String, Arrival>) -> (usize, usize) {
    let arrived: HashMap<String, &Arrival> = by_event(arrivals).collect();
    let lost = acknowledged.keys().filter(|id| !arrived.contains_key(*id)).count();
    let duplicated = arrivals.values().map(|arrival| arrival.times - 1).sum();
    (lost, duplicated)
}

fn print(report: &Report) {
    println!("{} deliveries of {} bytes in each run\n", report.deliveries, report.body_bytes);
    println!("bare client, {} connections      {:>8.0} /s", bare::CONNECTIONS, report.bare_per_s);
    for batch in &report.batches {
        println!(
            "tidings, requests of {:<3}          {:>8.0} /s   ratio {:.3}   \
             {:.3} CPU s per 1,000   \
             lost {}   duplicated {}   wrongly signed {}",
            batch.events_per_request,
            batch.per_s,
            batch.ratio,
            batch.cpu_s_per_1000,
            batch.lost,
            batch.duplicated,
            batch.unverified,
        );
    }
    let Latency { per_s, p50_ms, p99_ms, lost, duplicated } = &report.latency;
    println!(
        "202 to arrival at {per_s:.0} /s       p50 {p50_ms:.1} ms   p99 {p99_ms:.1} ms   \
         lost {lost}   duplicated {duplicated}"
    );
    println!(
        "peak memory {:.0} MiB, database {:.0} MiB",
        report.peak_memory_mib,
        report.database_bytes as f64 / 1_048_576.0
    );
}

fn verdict(report: &Report) -> Result<(), Failure> {
    let in_batches: usize =
        report.batches.iter().map(|batch| batch.lost + batch.duplicated + batch.unverified).sum();
    let wrong = in_batches + report.latency.lost + report.latency.duplicated;
    if wrong == 0 {
        Ok(())
    } else {
        Err(format!("{wrong} deliveries were wrong, see above").into())
    }
}
