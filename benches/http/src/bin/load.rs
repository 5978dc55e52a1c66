//! Two load generators over plain keep-alive sockets.
//!
//! `load probe PORT HEADER RATE SECONDS`: GET /protected at a fixed rate. The
//! clock starts when a request was due, not when it could be sent, so a stalled
//! server cannot hide its stall. Prints p50, p99 and the maximum in milliseconds.
//!
//! `load flood PORT CLIENTS SECONDS`: POST /login in a loop from each client.
//! Prints logins per second and their p50.
//!
//! `load cleanup PORT HEADER RATE`: POST /cleanup, and until it has answered GET
//! /protected at that rate and GET /visit, which writes, at a tenth of it. Prints
//! the seconds it took, p50, p99 and maximum of the first in milliseconds, the
//! same of the second, and how many of the second failed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

const CONNECTIONS: u32 = 16;

struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends one request and reads its answer to the end.
    fn call(&mut self, request: &[u8]) -> Result<()> {
        self.0.get_mut().write_all(request)?;
        let (mut line, mut length) = (String::new(), 0);
        self.0.read_line(&mut line)?;
        ensure!(line.starts_with("HTTP/1.1 2"), "answer: {line}");
        loop {
            line.clear();
            self.0.read_line(&mut line)?;
            let header = line.trim_end().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(n) = header.strip_prefix("content-length:") {
                length = n.trim().parse()?;
            }
        }
        std::io::copy(&mut self.0.by_ref().take(length), &mut std::io::sink())?;
        Ok(())
    }
}

/// GET requests at a fixed rate, as long as this says. Their milliseconds, sorted, and how many of them failed.
fn paced(
    port: u16,
    request: &str,
    rate: u32,
    connections: u32,
    goes_on: impl Fn(Instant) -> bool + Sync,
) -> Result<(Vec<f64>, usize)> {
    let start = Instant::now() + Duration::from_millis(50);
    let gap = Duration::from_secs(1) * connections / rate;
    let failed = AtomicUsize::new(0);
    let work = |i| -> Result<Vec<f64>> {
        let mut client = Client::connect(port)?;
        let mut due = start + gap * i / connections;
        let mut took = Vec::new();
        loop {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if client.call(request.as_bytes()).is_err() {
                failed.fetch_add(1, Ordering::Relaxed);
                client = Client::connect(port)?;
            }
            took.push(due.elapsed().as_secs_f64() * 1e3);
            due += gap;
            if !goes_on(due) {
                return Ok(took);
            }
        }
    };
    let mut took = gather((0..connections).collect(), work)?;
    took.sort_by(f64::total_cmp);
    Ok((took, failed.into_inner()))
}

fn get(path: &str, header: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\n{header}\r\n\r\n")
}

fn probe(port: u16, header: &str, rate: u32, time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    let (took, failed) = paced(port, &get("/protected", header), rate, CONNECTIONS, |due| due < end)?;
    ensure!(failed == 0, "{failed} requests failed");
    println!("{} {} {}", at(&took, 0.5), at(&took, 0.99), at(&took, 1.0));
    Ok(())
}

fn cleanup(port: u16, header: &str, rate: u32) -> Result<()> {
    let done = AtomicBool::new(false);
    let goes_on = |_| !done.load(Ordering::Relaxed);
    let (read, visit) = (get("/protected", header), get("/visit", header));
    thread::scope(|scope| {
        let reads = scope.spawn(|| paced(port, &read, rate, CONNECTIONS, goes_on));
        let writes = scope.spawn(|| paced(port, &visit, rate / 10, 4, goes_on));
        let start = Instant::now();
        let request = "POST /cleanup HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\n\r\n";
        let cleaned = Client::connect(port).and_then(|mut client| client.call(request.as_bytes()));
        let took = start.elapsed().as_secs_f64();
        done.store(true, Ordering::Relaxed);
        let (reads, failed) = reads.join().expect("a client panicked")?;
        let (writes, unwritten) = writes.join().expect("a client panicked")?;
        cleaned?;
        ensure!(failed == 0, "{failed} requests failed");
        let [r50, r99, r100] = [0.5, 0.99, 1.0].map(|q| at(&reads, q));
        let [w50, w99, w100] = [0.5, 0.99, 1.0].map(|q| at(&writes, q));
        println!("{took} {r50} {r99} {r100} {w50} {w99} {w100} {unwritten}");
        Ok(())
    })
}

fn flood(port: u16, clients: u32, time: Duration) -> Result<()> {
    let body = "username=alice&password=secret";
    let request = format!(
        "POST /login HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let start = Instant::now();
    let work = |_| -> Result<Vec<f64>> {
        let mut client = Client::connect(port)?;
        let mut took = Vec::new();
        while start.elapsed() < time {
            let sent = Instant::now();
            client.call(request.as_bytes())?;
            took.push(sent.elapsed().as_secs_f64() * 1e3);
        }
        Ok(took)
    };
    let mut took = gather((0..clients).collect(), work)?;
    took.sort_by(f64::total_cmp);
    println!("{} {}", took.len() as f64 / start.elapsed().as_secs_f64(), at(&took, 0.5));
    Ok(())
}

/// Runs one thread for each item and joins what they measured.
fn gather(items: Vec<u32>, work: impl Fn(u32) -> Result<Vec<f64>> + Sync) -> Result<Vec<f64>> {
    thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = items.into_iter().map(|i| scope.spawn(move || work(i))).collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(thread.join().expect("a client panicked")?);
        }
        Ok(all)
    })
}

fn at(sorted: &[f64], q: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * q).round() as usize]
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["probe", port, header, rate, secs] => {
            probe(port.parse()?, header, rate.parse()?, Duration::from_secs(secs.parse()?)).context("probe")
        }
        ["flood", port, clients, secs] => {
            flood(port.parse()?, clients.parse()?, Duration::from_secs(secs.parse()?)).context("flood")
        }
        ["cleanup", port, header, rate] => cleanup(port.parse()?, header, rate.parse()?).context("cleanup"),
        _ => bail!(
            "usage: load probe PORT HEADER RATE SECONDS | load flood PORT CLIENTS SECONDS | load cleanup PORT HEADER RATE"
        ),
    }
}
