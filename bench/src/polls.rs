//! Requests a second, and CPU time for each, of a query in full and of a poll that finds nothing
//! new.

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use http::StatusCode;
use serde_json::json;
use url::form_urlencoded;

use crate::{
    bare::CONNECTIONS,
    client::{Client, Failure},
    measure::{cpu_seconds, quantile},
    product::{self, ENTITY, Product, QUERY},
};

/// Requests that are made before anything is measured.
const WARM_UP: usize = 2_000;
/// Requests over one connection, one after the other, for the latency.
const ALONE: usize = 2_000;

/// The other server; stopped when it is dropped.
struct Static(Child);

impl Drop for Static {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One kind of request.
#[derive(Clone)]
struct Kind {
    name: &'static str,
    address: SocketAddr,
    pid: u32,
    path: String,
    headers: Vec<(&'static str, String)>,
    expected: StatusCode,
}

struct Figures {
    name: &'static str,
    per_s: f64,
    cpu_us: f64,
    p50_us: u128,
}

/// Measures and prints a table.
pub async fn run(requests: usize, tidings: Option<PathBuf>) -> Result<(), Failure> {
    let program = match tidings {
        Some(program) => program,
        None => product::beside()?,
    };
    let product = Product::start(&program, &[]).await?;
    let mut child = Command::new(std::env::current_exe()?)
        .arg("static-graphql")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let address = product::listening_address(&mut child)?;
    let other = Static(child);
    let mut figures = Vec::new();
    for kind in kinds(&product, &other, address).await? {
        load(&kind, WARM_UP).await?;
        figures.push(measure(&kind, requests).await?);
    }
    print(&figures);
    Ok(())
}

async fn kinds(
    product: &Product,
    other: &Static,
    address: SocketAddr,
) -> Result<Vec<Kind>, Failure> {
    let variables = json!({ "id": ENTITY }).to_string();
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("query", QUERY)
        .append_pair("variables", &variables)
        .finish();
    let authorization = ("authorization", format!("Bearer {}", product.token));
    let path = format!("/v1/graphql?{query}");
    let mut client = Client::connect(product.address).await?;
    let full = client.get(&path, &[("authorization", authorization.1.as_str())]).await?;
    let tag = full.headers().get("etag").ok_or("the answer has no tag")?.to_str()?.to_owned();
    let bare = Kind {
        name: "bare async-graphql, static data",
        address,
        pid: other.0.id(),
        path: format!("/graphql?{query}"),
        headers: vec![authorization.clone()],
        expected: StatusCode::OK,
    };
    let full = Kind {
        name: "Tidings, getEnergySwitch in full",
        address: product.address,
        pid: product.pid(),
        path,
        ..bare.clone()
    };
    let poll = Kind {
        name: "Tidings, 304",
        headers: vec![authorization, ("if-none-match", tag)],
        expected: StatusCode::NOT_MODIFIED,
        ..full.clone()
    };
    Ok(vec![bare, full, poll])
}

async fn measure(kind: &Kind, requests: usize) -> Result<Figures, Failure> {
    let mut client = Client::connect(kind.address).await?;
    let mut durations = Vec::with_capacity(ALONE);
    for _ in 0..ALONE {
        let started = Instant::now();
        ask(&mut client, kind).await?;
        durations.push(started.elapsed());
    }
    durations.sort_unstable();
    let (cpu, started) = (cpu_seconds(kind.pid), Instant::now());
    load(kind, requests).await?;
    let (seconds, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds(kind.pid) - cpu);
    Ok(Figures {
        name: kind.name,
        per_s: requests as f64 / seconds,
        cpu_us: cpu * 1e6 / requests as f64,
        p50_us: quantile(&durations, 0.5).as_micros(),
    })
}

async fn load(kind: &Kind, count: usize) -> Result<(), Failure> {
    let left = Arc::new(AtomicUsize::new(count));
    let mut tasks = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let (left, kind) = (Arc::clone(&left), kind.clone());
        tasks.push(tokio::spawn(async move {
            let mut client = Client::connect(kind.address).await?;
            let one_less = |left: usize| left.checked_sub(1);
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
                ask(&mut client, &kind).await?;
            }
            Ok::<(), Failure>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(())
}

async fn ask(client: &mut Client, kind: &Kind) -> Result<(), Failure> {
    let headers: Vec<(&str, &str)> =
        kind.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = client.get(&kind.path, &headers).await?;
    let body = answer.body();
    let is_right = match kind.expected {
        StatusCode::NOT_MODIFIED => body.is_empty(),
        _ => body.starts_with(b"{\"data\":{\"getEnergySwitch\":{\"__typename\":\"EnergySwitch\""),
    };
    if answer.status() == kind.expected && is_right {
        return Ok(());
    }
    Err(format!("{}: {} {:?}", kind.name, answer.status(), answer.body()).into())
}

fn print(figures: &[Figures]) {
    let Some(bare) = figures.first() else { return };
    println!("| | requests/s | ratio to bare | CPU µs each | ratio to bare | p50 alone, µs |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for it in figures {
        println!(
            "| {} | {:.0} | {:.2} | {:.0} | {:.2} | {} |",
            it.name,
            it.per_s,
            it.per_s / bare.per_s,
            it.cpu_us,
            it.cpu_us / bare.cpu_us,
            it.p50_us
        );
    }
}
