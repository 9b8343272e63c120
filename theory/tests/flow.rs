//! Flows against the closed-form laws of theory A4, and one integrator against the other.

use moe_kernels::Router;
use moe_theory::soft_routed::{Flow, InitialLaw, Method, Stop, Watch, alignment_time};
use std::time::Instant;

#[test]
fn scratch() {
    for (d, p) in [(100u64, 3), (10_000, 3), (1_000_000, 3), (100_000_000, 3), (10_000_000_000, 3), (100_000_000, 4), (10_000_000_000, 4), (10_000_000_000, 2)] {
        let law = InitialLaw { student_overlap: 0.0, ..InitialLaw::new(p, 4, 2, d) };
        let start = law.sample(0, 0).unwrap();
        let (i, j, k0) = start.order_parameters().best_pair();
        let predicted = start.predicted_alignment().unwrap();
        for (method, tol) in [(Method::Explicit, 1e-8), (Method::Implicit, 1e-6), (Method::Implicit, 1e-8), (Method::Implicit, 1e-10)] {
            if method == Method::Explicit && (d > 100_000_000 || p == 4) { continue; }
            let t = Instant::now();
            let mut hit = 0.0;
            let w = if p % 2 == 0 { Watch::ExpertMagnitude(0.5) } else { Watch::Expert(0.5) };
            let s = Flow::new(&start).method(method).tolerance(tol).run(10.0 * predicted, &[w], &[], |_, _| {}, |e, _| { hit = e.time; Stop::Yes });
            println!("d={d:e} p={p} {method:?} {tol:e}: T={hit:.9e} T/pred={:.6} k0 {k0:.3e} ({i},{j}) {s:?} {:?}", hit / predicted, t.elapsed());
        }
    }
    let _ = alignment_time(Router::Sigmoid, 3, 0.1, 0.5);
}

#[test]
fn scratch2() {
    for (m, t, d, until, tol) in [(25, 5, 1000u64, 60.0, 1e-8), (25, 5, 1000, 60.0, 1e-9), (4, 2, 10_000, 40.0, 1e-9), (4,2,100_000_000, 4000.0, 1e-9), (4,2,10_000_000_000, 40000.0, 1e-9), (4,2,10_000_000_000, 40000.0, 1e-7), (4,2,1_000_000_000_000_000, 1.3e7, 1e-6)] {
        for seed in 0..2 {
        let start = InitialLaw::new(3, m, t, d).sample(seed, 0).unwrap();
        let times: Vec<f64> = (0..200).map(|k| until * k as f64 / 199.0).collect();
        let clock = Instant::now();
        match Flow::trajectory(&start, until, &times, tol, &|_| false) {
            Ok(r) => println!("m={m} d={d:e} {tol:e}: events {} evaluations {} error {:.1e} loss {:.3e} {:?}", r.events.len(), r.evaluations, r.error, r.states[199].loss, clock.elapsed()),
            Err(e) => println!("m={m} d={d:e} {tol:e}: {e} {:?}", clock.elapsed()),
        }
        }
    }
}
