//! A small timing loop for side-by-side figures.
//!
//! A figure is one question ("verify a JWT, HS256"); its contestants answer it.
//! Contestants run in alternating batches, so that a noisy neighbour slows all
//! of them alike and the ratios hold.

use std::hint::black_box;
use std::time::{Duration, Instant};

type Batch = Box<dyn FnMut(u64)>;

pub struct Figure {
    name: String,
    contestants: Vec<(String, Batch)>,
}

impl Figure {
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), contestants: Vec::new() }
    }

    /// Adds a contestant. The loop is compiled per closure, so one call costs
    /// no dynamic dispatch.
    pub fn add<T>(mut self, name: impl Into<String>, mut op: impl FnMut() -> T + 'static) -> Self {
        let batch = move |n| {
            for _ in 0..n {
                black_box(op());
            }
        };
        self.contestants.push((name.into(), Box::new(batch)));
        self
    }
}

pub struct Bench {
    filter: Option<String>,
    rounds: usize,
    batch: Duration,
}

impl Bench {
    /// `micro [FILTER] [--quick]`: figures whose name contains FILTER.
    pub fn from_args() -> Self {
        let (flags, words): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|a| a.starts_with("--"));
        let quick = flags.iter().any(|f| f == "--quick");
        Self {
            filter: words.into_iter().next(),
            rounds: if quick { 11 } else { 41 },
            batch: Duration::from_millis(if quick { 1 } else { 4 }),
        }
    }

    pub fn wants(&self, name: &str) -> bool {
        self.filter.as_deref().is_none_or(|f| name.contains(f))
    }

    /// Prints the figure as a table, if it is wanted.
    pub fn run(&self, mut figure: Figure) {
        if !self.wants(&figure.name) || figure.contestants.is_empty() {
            return;
        }
        let stats = self.measure(&mut figure);
        let best = stats.iter().map(|s| s[1]).fold(f64::INFINITY, f64::min);

        println!("\n### {}\n", figure.name);
        println!("| contestant | median ns/op | p10..p90 | vs best |");
        println!("| --- | ---: | ---: | ---: |");
        for ((name, _), [low, mid, high]) in figure.contestants.iter().zip(stats) {
            println!("| {name} | {} | {}..{} | {:.2}x |", show(mid), show(low), show(high), mid / best);
        }
    }

    /// The contestants' nanoseconds, in the middle of all rounds.
    pub fn medians(&self, mut figure: Figure) -> Vec<f64> {
        self.measure(&mut figure).iter().map(|stats| stats[1]).collect()
    }

    /// Nanoseconds of each contestant: few, middle, many.
    fn measure(&self, figure: &mut Figure) -> Vec<[f64; 3]> {
        let iters: Vec<u64> = figure.contestants.iter_mut().map(|(_, op)| calibrate(op, self.batch)).collect();
        let mut samples = vec![Vec::with_capacity(self.rounds); iters.len()];
        for _ in 0..self.rounds {
            for (i, (_, op)) in figure.contestants.iter_mut().enumerate() {
                let start = Instant::now();
                op(iters[i]);
                samples[i].push(start.elapsed().as_nanos() as f64 / iters[i] as f64);
            }
        }
        samples.into_iter().map(percentiles).collect()
    }
}

/// Warms up and finds how many calls fill one batch.
fn calibrate(op: &mut Batch, batch: Duration) -> u64 {
    let mut n = 1;
    loop {
        let start = Instant::now();
        op(n);
        let took = start.elapsed();
        if took >= batch {
            return n;
        }
        let scale = batch.as_nanos() as f64 / took.as_nanos().max(1) as f64;
        n = (n as f64 * scale.clamp(1.2, 100.0)).ceil() as u64;
    }
}

fn percentiles(mut v: Vec<f64>) -> [f64; 3] {
    v.sort_by(f64::total_cmp);
    [0.1, 0.5, 0.9].map(|q| v[((v.len() - 1) as f64 * q).round() as usize])
}

fn show(ns: f64) -> String {
    match ns {
        n if n < 100.0 => format!("{n:.1}"),
        n => format!("{n:.0}"),
    }
}
