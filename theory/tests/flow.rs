//! What a flow promises: its error bound, its events, and its ends; one integrator against the other.

use moe_kernels::Router;
use moe_theory::soft_routed::{
    Event, EventKind, Flow, FlowError, InitialLaw, Method, OrderParameters, Start, Stop, StudentTeacher, Watch, Weights,
};
use std::cell::Cell;

/// Largest difference of an overlap between two states.
fn difference(a: &OrderParameters, b: &OrderParameters) -> f64 {
    let (m, teachers) = (a.students(), a.teachers());
    let mut largest = 0.0_f64;
    for i in 0..m {
        for j in 0..teachers {
            largest = largest.max((a.expert(i, j) - b.expert(i, j)).abs()).max((a.router(i, j) - b.router(i, j)).abs());
        }
        for k in 0..m {
            for of in [OrderParameters::student, OrderParameters::student_router, OrderParameters::router_expert] {
                largest = largest.max((of(a, i, k) - of(b, i, k)).abs());
            }
        }
    }
    largest
}

fn grid(until: f64, count: usize) -> Vec<f64> {
    (0..count).map(|k| until * k as f64 / (count - 1) as f64).collect()
}

fn never(_: f64) -> bool {
    false
}

/// The overlap that an event is about.
fn watched(watch: Watch, event: &Event, state: &OrderParameters) -> (f64, f64) {
    let (i, j) = (event.student, event.other);
    match watch {
        Watch::Expert(level) => (state.expert(i, j), level),
        Watch::ExpertMagnitude(level) => (state.expert(i, j).abs(), level),
        Watch::Router(level) => (state.router(i, j), level),
        Watch::RouterMagnitude(level) => (state.router(i, j).abs(), level),
        Watch::StudentFalls(level) => (state.student(i, j), level),
    }
}

/// Two methods that share only the vector field, through one alignment in `d = 10⁶`. Local errors of `1e-12` made early grow by `√d` until the overlap escapes
/// and by the number of steps (thousands): `2e-6` at most.
#[test]
fn explicit_and_implicit_integration_agree() {
    let start = InitialLaw::new(3, 3, 2, 1_000_000).sample(5, 0).unwrap();
    let until = 1.5 * start.predicted_alignment().unwrap();
    let times = grid(until, 50);
    let run = |method| {
        let mut states = Vec::new();
        let flow = Flow::new(&start).method(method).tolerance(1e-12);
        flow.run(until, &[], &times, |_, state| states.push(state), |_, _| Stop::No).unwrap();
        states
    };
    let (explicit, implicit) = (run(Method::Explicit), run(Method::Implicit));
    assert_eq!((explicit.len(), implicit.len()), (50, 50));
    assert!(explicit[49].pairs().any(|(_, _, kappa)| kappa > 0.9), "nothing aligned");
    for (k, (a, b)) in explicit.iter().zip(&implicit).enumerate() {
        assert!(difference(a, b) < 2e-6, "t = {}: {:e}", times[k], difference(a, b));
    }
}

/// A trajectory at tolerance `1e-6` lies within `1e-6` of one at `1e-10`, and within the error that it reports itself; the explicit and the implicit method,
/// random and orthogonal students, Gaussian raw norms, other orders, through alignments and anti-alignments.
#[test]
fn the_error_bound_of_a_trajectory_is_honest() {
    let law = InitialLaw::new;
    let orthogonal = |law| InitialLaw { student_overlap: 0.0, ..law };
    for (law, until) in [
        (law(3, 6, 3, 100), 40.0),
        (law(3, 4, 2, 10_000), 90.0),
        (orthogonal(law(3, 4, 2, 10_000)), 90.0),
        (InitialLaw { gaussian_norms: true, orthogonal: false, ..law(3, 3, 2, 30) }, 30.0),
        (InitialLaw { router: Router::Tanh, ..law(3, 3, 2, 50) }, 10.0),
        (InitialLaw { router: Router::GaussianCdf, ..law(2, 3, 2, 1000) }, 10.0),
        (law(4, 2, 1, 100), 4.0),
        (orthogonal(law(3, 2, 1, 1_000_000_000_000)), 1e6),
    ] {
        let start = law.sample(3, 0).unwrap();
        let times = grid(until, 60);
        let run = |tolerance| Flow::trajectory(&start, until, &times, tolerance, &never).unwrap();
        let (coarse, fine) = (run(1e-6), run(1e-10));
        assert!(fine.error <= 1e-10 && coarse.error <= 1e-6);
        let worst = coarse.states.iter().zip(&fine.states).map(|(a, b)| difference(a, b)).fold(0.0, f64::max);
        assert!(worst <= coarse.error + fine.error, "{law:?}: {worst:e}, said {:e}", coarse.error);
        let moved = difference(&fine.states[0], &fine.states[59]);
        assert!(moved > 0.5, "{law:?}: moved by {moved} only");
        assert_eq!(coarse.events.len(), fine.events.len(), "{law:?}");
        for ((kind, event), (fine_kind, fine)) in coarse.events.iter().zip(&fine.events) {
            assert_eq!((kind, event.student, event.other), (fine_kind, fine.student, fine.other), "{law:?}");
        }
    }
}

/// A start with all four kinds of crossing: a pair that learns its teacher, an expert of the wrong sign (order 4), students that repel.
fn eventful(order: usize) -> (Start, f64) {
    if order == 4 {
        (InitialLaw::new(4, 3, 2, 60).sample(1, 0).unwrap(), 20.0)
    } else {
        (InitialLaw::new(3, 6, 3, 60).sample(1, 0).unwrap(), 60.0)
    }
}

/// At the time of each event the watched overlap is at its level, as seen by the event itself and by a second flow asked for that time; it crosses in the
/// right direction, and events come in the order of time.
#[test]
fn events_are_where_overlaps_cross() {
    for method in [Method::Explicit, Method::Implicit] {
        for (order, watches) in [
            (3, vec![Watch::Expert(0.5), Watch::Router(0.5), Watch::StudentFalls(-0.5), Watch::Expert(0.2)]),
            (4, vec![Watch::ExpertMagnitude(0.5), Watch::Expert(0.5), Watch::Router(0.5)]),
        ] {
            let (start, until) = eventful(order);
            let flow = Flow::new(&start).method(method).tolerance(1e-9);
            let mut events: Vec<Event> = Vec::new();
            let on_event = |event: Event, state: &OrderParameters| {
                let (overlap, level) = watched(watches[event.watch], &event, state);
                assert!((overlap - level).abs() < 1e-9, "{event:?}: {overlap}");
                events.push(event);
                Stop::No
            };
            flow.run(until, &watches, &[], |_, _| {}, on_event).unwrap();
            assert!(events.is_sorted_by(|a, b| a.time <= b.time));
            for (index, watch) in watches.iter().enumerate() {
                assert!(events.iter().any(|event| event.watch == index), "no event of {watch:?} at order {order}");
            }
            let around: Vec<f64> = events.iter().flat_map(|e| [e.time - 1e-4, e.time, e.time + 1e-4]).collect();
            let mut order_of_time: Vec<usize> = (0..around.len()).collect();
            order_of_time.sort_by(|a, b| around[*a].total_cmp(&around[*b]));
            let times: Vec<f64> = order_of_time.iter().map(|k| around[*k]).collect();
            let mut states = vec![None; times.len()];
            flow.run(until, &[], &times, |k, state| states[order_of_time[k]] = Some(state), |_, _| Stop::No).unwrap();
            for (event, states) in events.iter().zip(states.chunks(3)) {
                let watch = watches[event.watch];
                let sign = if matches!(watch, Watch::StudentFalls(_)) { -1.0 } else { 1.0 };
                let [before, at, after] = [0, 1, 2].map(|k| {
                    let (overlap, level) = watched(watch, event, states[k].as_ref().unwrap());
                    sign * (overlap - level)
                });
                assert!(at.abs() < 1e-9, "{event:?}: {at:e}");
                assert!(before < 0.0 && after > 0.0, "{watch:?} {event:?}: {before:e} {after:e}");
            }
        }
    }
}

/// `|κ|` sees the experts of the wrong sign that `κ` does not.
#[test]
fn magnitudes_count_both_signs() {
    let (start, until) = eventful(4);
    let mut hits = [Vec::new(), Vec::new()];
    let mut negative = false;
    let on_event = |event: Event, state: &OrderParameters| {
        negative |= state.expert(event.student, event.other) < 0.0;
        hits[event.watch].push((event.student, event.other));
        Stop::No
    };
    Flow::new(&start).run(until, &[Watch::ExpertMagnitude(0.5), Watch::Expert(0.5)], &[], |_, _| {}, on_event).unwrap();
    assert!(negative && hits[0].len() > hits[1].len() && hits[1].iter().all(|hit| hits[0].contains(hit)), "{hits:?}");
}

/// `Stop::Yes` ends the flow at the event: no later event, no later time, and the summary says when.
#[test]
fn a_flow_stops_at_the_event_that_asks_for_it() {
    let (start, until) = eventful(3);
    let times = grid(until, 500);
    let mut seen = Vec::new();
    let mut hit = f64::NAN;
    let on_event = |event: Event, _: &OrderParameters| {
        assert!(hit.is_nan(), "an event after the stop");
        hit = event.time;
        Stop::Yes
    };
    let summary =
        Flow::new(&start).run(until, &[Watch::Expert(0.5)], &times, |k, _| seen.push(times[k]), on_event).unwrap();
    assert_eq!(summary.time, hit);
    assert!(hit < 0.9 * until && summary.steps > 0 && summary.evaluations > summary.steps);
    assert_eq!(seen, times.iter().copied().filter(|t| *t <= hit).collect::<Vec<_>>());
}

/// An overlap that starts beyond the level makes no event until it has been below; nothing but a crossing does.
#[test]
fn an_overlap_beyond_its_level_at_the_start_is_no_event() {
    let student = [[vec![1.0, 0.0, 0.0, 0.0]], [vec![0.0, 0.6, 0.0, 0.8]]];
    let teacher = [[vec![1.0, 0.0, 0.0, 0.0]], [vec![0.0, 1.0, 0.0, 0.0]]];
    let model = StudentTeacher::from_rows(Router::Sigmoid, 3, [&student[0], &student[1]], [&teacher[0], &teacher[1]]);
    let trajectory = Flow::trajectory(&Start::reduce(&model.unwrap()), 20.0, &[0.0, 20.0], 1e-9, &never).unwrap();
    assert!(trajectory.states[1].expert(0, 0) > 0.999);
    assert_eq!(trajectory.events, []);
}

/// The three kinds of a trajectory's events, in the order of time and with the overlap at its level in the states around.
#[test]
fn a_trajectory_names_its_events() {
    let (start, until) = eventful(3);
    let trajectory = Flow::trajectory(&start, until, &[until], 1e-9, &never).unwrap();
    for kind in [EventKind::ExpertAligned, EventKind::RouterAligned, EventKind::AntiAligned] {
        assert!(trajectory.events.iter().any(|event| event.0 == kind), "{kind:?}");
    }
    assert!(trajectory.events.is_sorted_by(|a, b| a.1.time <= b.1.time));
    let times: Vec<f64> = trajectory.events.iter().map(|event| event.1.time).collect();
    let states = Flow::trajectory(&start, until, &times, 1e-9, &never).unwrap().states;
    for ((kind, event), state) in trajectory.events.iter().zip(&states) {
        let overlap = match kind {
            EventKind::ExpertAligned => state.expert(event.student, event.other),
            EventKind::RouterAligned => state.router(event.student, event.other),
            EventKind::AntiAligned => -state.student(event.student, event.other),
        };
        assert!((overlap - 0.5).abs() < 1e-7, "{kind:?} {event:?}: {overlap}");
    }
}

/// Times before and after `until`: the first state is the start itself, and a later time prolongs the flow.
#[test]
fn times_decide_what_is_seen() {
    let start = InitialLaw::new(3, 3, 2, 50).sample(2, 0).unwrap();
    let short = Flow::trajectory(&start, 1.0, &[0.0, 0.0, 2.0, 5.0], 1e-9, &never).unwrap();
    assert_eq!(short.times, [0.0, 0.0, 2.0, 5.0]);
    assert_eq!(short.states.len(), 4);
    assert_eq!(difference(&short.states[0], &start.order_parameters()), 0.0);
    let long = Flow::trajectory(&start, 5.0, &[5.0], 1e-9, &never).unwrap();
    assert!(difference(&short.states[3], &long.states[0]) < 2e-9);
    assert!(difference(&short.states[0], &short.states[3]) > 1e-3);
}

/// A monitor that says stop ends the flow with the time reached.
#[test]
fn a_monitor_stops_a_flow() {
    let start = InitialLaw::new(3, 3, 2, 50).sample(2, 0).unwrap();
    let calls = Cell::new(0);
    let monitor = |time: f64| {
        calls.set(calls.get() + 1);
        time > 1.0
    };
    let outcome = Flow::trajectory(&start, 100.0, &[100.0], 1e-9, &monitor);
    assert!(matches!(outcome, Err(FlowError::Stopped { time }) if time > 1.0 && time < 2.0), "{outcome:?}");
    assert!(calls.get() > 3);
    let outcome = Flow::new(&start).monitor(&|_| true).run(100.0, &[], &[], |_, _| {}, |_, _| Stop::No);
    assert!(matches!(outcome, Err(FlowError::Stopped { time }) if time < 1.0), "{outcome:?}");
}

/// An error bound below what rounding allows (`√d = 10³` times the unit roundoff) is refused, with the error that was reached, not reported as met: two
/// integrations at one and the same tolerance would agree perfectly and say nothing.
#[test]
fn a_tolerance_below_rounding_is_refused() {
    let start = InitialLaw::new(3, 2, 1, 1_000_000).sample(1, 0).unwrap();
    let until = 1.2 * start.predicted_alignment().unwrap();
    let outcome = Flow::trajectory(&start, until, &grid(until, 300), 1e-14, &never);
    let Err(FlowError::Tolerance { reached, tolerance }) = outcome else { panic!("{outcome:?}") };
    assert!(reached > tolerance && tolerance == 1e-14 && reached < 1e-6, "{reached:e}");
    // One within reach is met, by a positive bound.
    let met = Flow::trajectory(&start, until, &grid(until, 300), 1e-9, &never).unwrap();
    assert!(met.error > 0.0 && met.error <= 1e-9, "{:e}", met.error);
}

/// Two students that start identical stay so in the exact flow, but the way apart is unstable and roundings take it. So what their overlaps differ by is error: never more than twice the bound of a flow
/// that is printed. Some of these flows are printed and some are refused, at every tolerance.
#[test]
fn amplified_roundings_are_never_within_the_bound() {
    for tolerance in [1e-6, 1e-8, 1e-9] {
        let (mut printed, mut refused) = (0, 0);
        for seed in 0..6 {
            let model = InitialLaw::new(3, 2, 2, 10).sample(seed, 0).unwrap().model();
            let rows = |weights: &Weights, of: fn(&Weights, usize) -> &[f64], twice: bool| -> Vec<Vec<f64>> {
                let first = if twice { vec![of(weights, 0).to_vec()] } else { vec![] };
                first.into_iter().chain((0..weights.count()).map(|i| of(weights, i).to_vec())).collect()
            };
            let (student, teacher) = (&model.student, &model.teacher);
            let twins = StudentTeacher::from_rows(
                model.router,
                model.order,
                [&rows(student, Weights::router, true), &rows(student, Weights::expert, true)],
                [&rows(teacher, Weights::router, false), &rows(teacher, Weights::expert, false)],
            );
            let start = Start::reduce(&twins.unwrap());
            for until in [1.0, 3.0, 6.0, 10.0, 20.0, 30.0, 45.0] {
                let Ok(found) = Flow::trajectory(&start, until, &grid(until, 20), tolerance, &never) else {
                    refused += 1;
                    continue;
                };
                printed += 1;
                for state in &found.states {
                    for j in 0..2 {
                        let apart = (state.expert(0, j) - state.expert(1, j)).abs();
                        let apart = apart.max((state.router(0, j) - state.router(1, j)).abs());
                        assert!(apart <= 2.0 * found.error, "{seed}, {until}: {apart:e}, said {:e}", found.error);
                    }
                }
            }
        }
        assert!(printed > 0 && refused > 0, "{tolerance:e}: {printed} printed, {refused} refused");
    }
}

/// Relaxation rates grow like `p·p!`: sixth Hermite experts over `10⁵` time units would take an explicit method some `10⁸` evaluations.
#[test]
fn the_method_suits_the_order_of_the_experts() {
    let start = InitialLaw::new(6, 2, 1, 1000).sample(1, 0).unwrap();
    let trajectory = Flow::trajectory(&start, 1e5, &[1e5], 1e-6, &never).unwrap();
    assert!(trajectory.evaluations < 100_000, "{}", trajectory.evaluations);
}
