//! What does a least-squares fit cost? `fit/sigmoid-k3-n100000`: scalar inputs, two true sigmoid experts fitted by three, one thread; `fit/pass` and `fit/value` are one evaluation of value, gradient and Hessian, and of the value alone.
//!
//! With `FIT_DATA=FILE.csv` the data, and from `FILE.csv.json` the start, the box and the objective to reach, are those that `benches/peers/fit_scipy.py --write FILE.csv` made; the objective must then agree to a relative 1e-9. Without it a sample of the same law is drawn, and the point reached is compared with differences of the plain sum of squares.

mod multiply_add;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use faer::Par;
use moe_kernels::{Activation, InstructionSet};
use moe_theory::softmax::{
    Architecture, Atom, Bounds, Coordinates, Estimator, Gate, Inputs, Law, MixingMeasure, Noise, Sample, Source,
};
use multiply_add::fraction_of_peak;
use std::hint::black_box;

/// Additions, multiplications, fused or not, and divisions of a row, counted in the source: six exponentials of 17, the rest of the softmax 16, of the sigmoids 18, linear forms 5, first derivatives 22, the weights of 15 pairs, 5 gradients and the square 44, products with the inputs 57.
const OPERATIONS: f64 = 264.0;

struct Task {
    data: Sample,
    start: Vec<f64>,
    bounds: Bounds,
    objective: Option<f64>,
}

fn measure(rows: &[[f64; 4]]) -> MixingMeasure {
    let atom = |r: &[f64; 4]| Atom { omega: vec![r[0]], beta: r[1], a: vec![r[2]], b: r[3], lambda: 1.0 };
    MixingMeasure::flat(rows.iter().map(atom).collect(), 1.0)
}

/// The peer's task, from its files.
fn written(coordinates: &Coordinates, path: &str) -> Task {
    let mut reader = csv::Reader::from_path(path).expect("the data that the peer wrote");
    let mut builder = Sample::builder(1);
    for row in reader.deserialize() {
        let (x, y): (f64, f64) = row.expect("two numbers");
        builder.push(&[x], y);
    }
    let text = std::fs::read_to_string(format!("{path}.json")).expect("what the peer wrote beside the data");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let theta = |value: &serde_json::Value| {
        let rows: Vec<[f64; 4]> = serde_json::from_value(value.clone()).expect("rows of four numbers");
        coordinates.parameters(&measure(&rows)).expect("a linear router")
    };
    let objectives = json["objective"].as_object().expect("objectives by method").values();
    Task {
        data: builder.finish(),
        start: theta(&json["start"]),
        bounds: Bounds { lower: theta(&json["box"][0]), upper: theta(&json["box"][1]) },
        objective: objectives.filter_map(serde_json::Value::as_f64).min_by(f64::total_cmp),
    }
}

/// A sample of the same law, and a start as far from the split truth.
fn drawn(coordinates: &Coordinates, class: &Architecture) -> Task {
    let truth = measure(&[[2.0, 0.3, 3.0, -0.5], [0.0, 0.0, -2.0, 1.0]]);
    let true_class = Architecture { sizes: vec![2], ..class.clone() };
    let inputs = Inputs::Uniform { low: vec![-3.0], high: vec![3.0] };
    let law = Law::mixture(&true_class, &truth, inputs, Noise::Gaussian { deviation: 0.05 });
    let data = Sample::collect(&law.sample(100_000, 0, 0).expect("a valid law")).expect("no file is read");
    let half = 0.3 - 2.0_f64.ln();
    let split = [[2.0, half, 3.0, -0.5], [2.0, half, 3.0, -0.5], [0.0, 0.0, -2.0, 1.0]];
    let centre = coordinates.parameters(&measure(&split)).expect("a linear router");
    let start = centre.iter().enumerate().map(|(i, c)| c + 0.1 * (1.0 + i as f64).sin()).collect();
    Task { data, start, bounds: Bounds::around(&centre, 4.0), objective: None }
}

fn fit(criterion: &mut Criterion) {
    faer::set_global_parallelism(Par::Seq);
    let class = Architecture {
        dimension: 1,
        gate: Gate::Softmax,
        sizes: vec![3],
        activation: Activation::Sigmoid,
        outer_weight: false,
    };
    let coordinates = Coordinates::new(&class, false);
    let kernel = coordinates.kernel();
    let task = match std::env::var("FIT_DATA") {
        Ok(path) => written(&coordinates, &path),
        Err(_) => drawn(&coordinates, &class),
    };
    let rows = task.data.rows();
    let chunks = task.data.chunks();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let estimator = Estimator::new(&coordinates, &task.data, task.bounds.clone());
    let run = |start: &[f64]| pool.install(|| estimator.fit(start)).expect("no file is read");
    let squares = |theta: &[f64]| {
        let (mut scratch, mut work) = (Vec::new(), kernel.workspace());
        let sum = |index| {
            let chunk = task.data.chunk(index, &mut scratch).expect("no file is read");
            kernel.sum_of_squares(theta, chunk.columns, chunk.y, &mut work)
        };
        (0..chunks).map(sum).sum::<f64>()
    };

    let found = run(&task.start);
    assert!(found.reason.is_converged(), "{found:?}");
    assert!((squares(&found.theta) / rows as f64 - found.objective).abs() < 1e-12 * found.objective);
    match task.objective {
        Some(objective) => assert!((found.objective / objective - 1.0).abs() < 1e-9, "{found:?}, the peer {objective}"),
        None => {
            for i in 0..found.theta.len() {
                for by in [-1e-3, 1e-3] {
                    let mut near = found.theta.clone();
                    near[i] += by;
                    assert!(squares(&task.bounds.clamp(&near)) >= squares(&found.theta) * (1.0 - 1e-12));
                }
            }
        }
    }
    println!("fit: {} evaluations, objective {}", found.evaluations, found.objective);

    let mut group = criterion.benchmark_group("fit");
    group.bench_function("sigmoid-k3-n100000", |b| b.iter(|| run(black_box(&task.start))));
    group.throughput(Throughput::Elements(rows as u64));
    let (mut scratch, mut work, mut moments) = (Vec::new(), kernel.workspace(), kernel.moments());
    group.bench_function("pass", |b| {
        b.iter(|| {
            moments.clear();
            for index in 0..chunks {
                let chunk = task.data.chunk(index, &mut scratch).expect("no file is read");
                kernel.accumulate(black_box(&task.start), chunk.columns, chunk.y, true, &mut moments, &mut work);
            }
        })
    });
    group.bench_function("value", |b| b.iter(|| squares(black_box(&task.start))));
    group.finish();
    let chunk = task.data.chunk(0, &mut scratch).expect("no file is read");
    let (set, operations) = (InstructionSet::best(), OPERATIONS * chunk.y.len() as f64);
    let share = fraction_of_peak(set, operations, || {
        kernel.accumulate(black_box(&task.start), chunk.columns, chunk.y, true, &mut moments, &mut work);
    });
    println!(
        "fit: {OPERATIONS} operations a row of a pass, each a slot of the multiply-add unit; {:.0} % of peak on {set}",
        100.0 * share.expect("the kernel runs on it")
    );
}

criterion_group!(benches, fit);
criterion_main!(benches);
