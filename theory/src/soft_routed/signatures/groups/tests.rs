use super::*;
use crate::soft_routed::{Flow, OrderParameters, Start, Stop, StudentTeacher, Thresholds};
use moe_kernels::Router;
use std::f64::consts::TAU;

/// A vector with the given entries, zero elsewhere. Teachers: routers on axes 0 and 1, experts on 2 and 3.
fn sparse(entries: &[(usize, f64)]) -> Vec<f64> {
    let mut vector = vec![0.0; 16];
    entries.iter().for_each(|&(i, x)| vector[i] = x);
    vector
}

fn axis(k: usize) -> Vec<f64> {
    sparse(&[(k, 1.0)])
}

/// Unit vector at these overlaps with the teachers' experts, the rest along an axis of its own.
fn aiming(at: [f64; 2], aside: usize) -> Vec<f64> {
    let rest = (1.0 - at[0] * at[0] - at[1] * at[1]).sqrt();
    sparse(&[(2, at[0]), (3, at[1]), (aside, rest)])
}

/// Unit vector at an angle to the first teacher's expert, towards axis `aside`.
fn turned(degrees: f64, aside: usize) -> Vec<f64> {
    let (sin, cos) = degrees.to_radians().sin_cos();
    sparse(&[(2, cos), (aside, sin)])
}

/// Students (router, expert) beside this many teachers.
fn start(students: &[(Vec<f64>, Vec<f64>)], teachers: usize) -> Start {
    let (routers, experts): (Vec<_>, Vec<_>) = students.iter().cloned().unzip();
    let teacher = [[axis(0), axis(1)], [axis(2), axis(3)]];
    let teacher = [&teacher[0][..teachers], &teacher[1][..teachers]];
    Start::reduce(&StudentTeacher::from_rows(Router::Sigmoid, 3, [&routers, &experts], teacher).unwrap())
}

fn at(start: &Start, time: f64) -> OrderParameters {
    let mut end = None;
    Flow::new(start).tolerance(1e-8).run(time, &[], &[time], |_, s| end = Some(s), |_, _| Stop::No).unwrap();
    end.unwrap()
}

fn named(start: &Start) -> Vec<Signature> {
    Symptoms::of(start, &start.order_parameters()).signatures()
}

fn with(start: &Start, state: &OrderParameters, change: impl Fn(&mut Thresholds)) -> Vec<Signature> {
    let mut thresholds = Thresholds::default();
    change(&mut thresholds);
    Symptoms::of(start, state).with_thresholds(thresholds).signatures()
}

const LEARNED: [(usize, usize); 2] = [(0, 2), (1, 3)];

fn learned(teacher: usize) -> (Vec<f64>, Vec<f64>) {
    let (router, expert) = LEARNED[teacher];
    (axis(router), axis(expert))
}

/// A learned pair beside a redundant student at overlap ±0.02 with it: the flow leaves `L = 0.880`, wakes the redundant one after `1/(15.34·0.02²) = 163`, and
/// settles at overlaps 0.9156 and `L = 0.4835` (theory X6, four digits each), on either side. Before it wakes there is nothing to name, nor on the way.
#[test]
fn a_redundant_student_that_wakes_ends_in_a_straddling_pair() {
    for kappa in [0.02, -0.02] {
        let start = start(&[learned(0), (axis(6), aiming([kappa, 0.0], 7))], 1);
        let (mut states, mut on_the_way) = (Vec::new(), 0);
        let times: Vec<f64> = (0..=120).map(|k| 5.0 * f64::from(k)).collect();
        let flow = Flow::new(&start).tolerance(1e-9);
        flow.run(600.0, &[], &times, |_, state| states.push(state), |_, _| Stop::No).unwrap();
        for state in &states {
            let found = Symptoms::of(&start, state).signatures();
            let pair = matches!(found[..], [Signature::StraddlingPair { student: 0, other: 1, teacher: 0, .. }]);
            assert!(pair == (state.loss < 0.485) || state.loss > 0.4836, "{} {found:?}", state.loss);
            assert!(pair || found.is_empty());
            if !pair && state.loss < 0.8 {
                on_the_way += 1;
                assert!(!with(&start, state, |t| t.rest = 1.0).is_empty());
            }
        }
        assert!(on_the_way > 0);
        let (first, end) = (&states[20], &states[120]);
        assert!((first.loss - 0.8801).abs() < 1e-4, "{}", first.loss);
        let [learned, redundant, between] = [end.expert(0, 0), end.expert(1, 0), end.student(0, 1)];
        let partner = if kappa > 0.0 { redundant } else { -between };
        assert!((end.loss - 0.4835).abs() < 5e-5, "{}", end.loss);
        assert!((learned - 0.9156).abs() < 5e-5 && (partner - 0.9156).abs() < 5e-5, "{learned} {redundant} {between}");
        let found = Symptoms::of(&start, end).signatures();
        assert!(matches!(found[..], [Signature::StraddlingPair { loss, .. }] if (loss - end.loss).abs() < 1e-12));
    }
}

/// A redundant student beside two learned ones, at these overlaps with them; it wakes at `1/(15.34·0.01) = 6.5`.
#[test]
fn a_redundant_student_between_two_learned_ones_shares_their_teachers() {
    let settled = |overlaps: [f64; 2]| {
        let start = start(&[learned(0), learned(1), (axis(6), aiming(overlaps, 7))], 2);
        let end = at(&start, 400.0);
        (end.loss, Symptoms::of(&start, &end).signatures())
    };
    for (overlaps, loss) in [([0.1, 0.09], 0.2274), ([0.1, -0.09], 0.2274), ([-0.1, -0.09], 0.333)] {
        let (end, found) = settled(overlaps);
        assert!((end - loss).abs() < 1e-4, "{end}");
        let [Signature::SharedTeachers { students, teachers, loss }] = &found[..] else { panic!("{found:?}") };
        assert_eq!((&students[..], &teachers[..]), (&[0, 1, 2][..], &[0, 1][..]));
        assert!((loss - end).abs() < 1e-3);
    }
    // Much closer to one than to the other it straddles that one's teacher alone.
    let (_, found) = settled([0.1, 0.02]);
    assert!(matches!(found[..], [Signature::StraddlingPair { student: 0, other: 2, teacher: 0, .. }]), "{found:?}");
}

/// Three and four students on their way to one teacher, and two beside one that has learned it, on either side: they come to share it. Losses of the settled states.
#[test]
fn three_students_that_share_a_teacher_are_a_crowd() {
    let settled = |overlaps: &[f64], holder: bool| {
        let mut students: Vec<_> = overlaps
            .iter()
            .enumerate()
            .map(|(k, &overlap)| {
                let mut expert = aiming([overlap, 0.0], 7 + 2 * k);
                expert[0] = 1e-3;
                (axis(6 + 2 * k), expert)
            })
            .collect();
        students.extend(holder.then(|| learned(0)));
        let start = start(&students, 1);
        let end = at(&start, 300.0);
        (end.loss, Symptoms::of(&start, &end).signatures())
    };
    for (overlaps, holder, loss, count) in [
        (vec![0.3, 0.29, 0.28], false, 1.264, 3),
        (vec![0.1, 0.1], true, 1.264, 3),
        (vec![-0.1, -0.1], true, 1.264, 3),
        (vec![0.3, 0.31, 0.29, 0.28], false, 2.077, 4),
    ] {
        let (end, found) = settled(&overlaps, holder);
        assert!((end - loss).abs() < 0.01, "{end}");
        let [Signature::CrowdedTeacher { teacher: 0, students, .. }] = &found[..] else { panic!("{found:?}") };
        assert_eq!(students.len(), count);
    }
}

/// Two students that go to the first of two teachers, and what makes it none of this failure: a third one at the second teacher, one at each, and no second teacher.
#[test]
fn all_on_one_teacher_is_recognised_and_near_misses_are_not() {
    let arriving = [(axis(6), aiming([0.3, 0.0], 7)), (axis(8), aiming([0.25, 0.0], 9))];
    let settled = |students: &[(Vec<f64>, Vec<f64>)], teachers| {
        let start = start(students, teachers);
        Symptoms::of(&start, &at(&start, 60.0)).signatures()
    };
    let all = |found: &[Signature]| found.iter().any(|s| matches!(s, Signature::AllOnOneTeacher { teacher: 0 }));
    let found = settled(&arriving, 2);
    assert!(all(&found) && matches!(found[0], Signature::StraddlingPair { .. }), "{found:?}");
    for (students, teachers) in [
        ([&arriving[..], &[learned(1)]].concat(), 2),
        (vec![arriving[0].clone(), (axis(8), aiming([0.0, 0.25], 9))], 2),
        (arriving.to_vec(), 1),
        (vec![arriving[0].clone()], 2),
    ] {
        assert!(!all(&settled(&students, teachers)));
    }
    // Not before they are at rest.
    assert_eq!(named(&start(&[(axis(0), turned(15.0, 7)), (axis(0), turned(-15.0, 7))], 2)), []);
}

/// With tanh routers and odd orders `f(−v, −w) = f(v, w)`: reflected students share a teacher as well, and of a student with one sign turned the signs never agree.
#[test]
fn signs_of_tanh_routers_count_together() {
    let tanh =
        |students: &[(Vec<f64>, Vec<f64>)], teachers| Start { router: Router::Tanh, ..start(students, teachers) };
    let tilted = |k: usize, overlap: f64, aside| sparse(&[(k, overlap), (aside, (1.0 - overlap * overlap).sqrt())]);
    let found = |start: Start| Symptoms::of(&start, &at(&start, 600.0)).signatures();
    let first = (tilted(0, 0.8, 6), tilted(2, 0.8, 7));
    let settled = found(tanh(&[first, (tilted(0, -0.8, 8), tilted(2, -0.8, 9))], 2));
    assert!(
        matches!(settled[..], [Signature::StraddlingPair { .. }, Signature::AllOnOneTeacher { teacher: 0 }]),
        "{settled:?}"
    );
    let (router, expert) = (sparse(&[(0, -0.3), (2, 0.3), (6, 0.9)]), sparse(&[(2, 0.6), (0, -0.2), (7, 0.8)]));
    let turned_away = found(tanh(&[(router, expert)], 1));
    assert!(
        matches!(turned_away[..], [Signature::PartlyLearned { student: 0, teacher: 0, loss }] if loss > 1.0),
        "{turned_away:?}"
    );
}

/// Corners of a regular pentagon in a plane with the first teacher's expert, behind its router, without the one opposite to it.
fn pentagon(aside: usize) -> Vec<(Vec<f64>, Vec<f64>)> {
    [36.0, -36.0, 108.0, -108.0].map(|angle| (axis(0), turned(angle, aside))).to_vec()
}

/// They serve the teacher exactly, by `Σ w_k^{⊗3} = 0`, and none has learned it.
#[test]
fn a_pentagon_serves_a_teacher_that_nobody_has_learned() {
    let exact = |found: &[Signature], at_teacher: usize| {
        let [Signature::CrowdedTeacher { teacher, students, loss }, ..] = found else { panic!("{found:?}") };
        assert!(*teacher == at_teacher && students.len() == 4 && loss.abs() < 1e-13, "{found:?}");
    };
    let start_of = |extra: Vec<(Vec<f64>, Vec<f64>)>, teachers| start(&[pentagon(7), extra].concat(), teachers);
    let alone = named(&start_of(Vec::new(), 1));
    exact(&alone, 0);
    assert_eq!(alone.len(), 1);
    // With a second teacher that is learned, beyond the plane and in it; and with one that is not.
    let both = named(&start_of(vec![learned(1)], 2));
    exact(&both, 0);
    assert_eq!(both.len(), 1);
    let in_plane = named(&start(&[pentagon(3), vec![learned(1)]].concat(), 2));
    exact(&in_plane, 0);
    assert_eq!(in_plane.len(), 1);
    let missing = named(&start_of(Vec::new(), 2));
    exact(&missing, 0);
    assert_eq!(missing[1..], [Signature::AllOnOneTeacher { teacher: 0 }]);
    // A fifth student makes it a group that cancels, and all five corners of one plane do so far from any teacher.
    let corners = |n: u32| {
        let angle = |k: u32| TAU * f64::from(k) / f64::from(n);
        let students = (0..n).map(|k| (axis(6), sparse(&[(8, angle(k).cos()), (9, angle(k).sin())])));
        named(&start(&students.collect::<Vec<_>>(), 1))
    };
    for n in [5, 7] {
        let found = corners(n);
        let [Signature::CancellingGroup { students, loss }] = &found[..] else { panic!("{found:?}") };
        assert!(students.len() == n as usize && loss.abs() < 1e-13);
    }
    // Corners of a triangle leave something, those of a square and a hexagon are dipoles.
    assert!(matches!(corners(3)[..], [Signature::CancellingGroup { loss, .. }] if loss > 1.9));
    for n in [4, 6] {
        assert!(corners(n).iter().all(|s| matches!(s, Signature::Dipole { .. })), "{:?}", corners(n));
    }
}

/// A learned student beside others that are near its expert; students on their way; a student turned away.
#[test]
fn near_misses_are_no_groups() {
    let beside = |overlap: f64| start(&[learned(0), (axis(6), aiming([overlap, 0.0], 7))], 1);
    for overlap in [0.02, 0.3, 0.6, 0.8] {
        assert_eq!(named(&beside(overlap)), []);
    }
    // It has learned the teacher, so that the other one stands alone; and the two are on the way.
    let (waking, state) = (beside(0.8), beside(0.8).order_parameters());
    assert_eq!(with(&waking, &state, |t| t.rest = 1e3), []);
    assert_eq!(with(&waking, &state, |t| (t.rest, t.learned) = (1e3, -1.0)).len(), 1);
    // Two students on their way apart, before they have come to rest.
    let arriving = start(&[(axis(0), turned(15.0, 7)), (axis(0), turned(-15.0, 7))], 1);
    let state = arriving.order_parameters();
    assert_eq!(named(&arriving), []);
    assert_eq!(with(&arriving, &state, |t| t.rest = 1e3).len(), 1);
    // At rest, turned away from its teacher: it leaves twice what they have apart.
    let away = start(&[(axis(0), turned(180.0, 7))], 1);
    let state = away.order_parameters();
    assert_eq!(named(&away), []);
    assert_eq!(with(&away, &state, |t| t.shared = 2.1).len(), 1);
}

/// The same at every raw norm: weights of norm 10 move at a hundredth of the speed.
#[test]
fn rest_does_not_depend_on_raw_norms() {
    let arriving = start(&[(axis(0), turned(15.0, 7)), (axis(0), turned(-15.0, 7))], 1);
    assert_eq!(named(&arriving.clone().with_raw_norms(100.0, 100.0)), []);
    let settled = at(&arriving, 300.0);
    for norm in [0.01, 100.0] {
        let start = arriving.at(&settled).with_raw_norms(norm, norm);
        assert!(matches!(named(&start)[..], [Signature::StraddlingPair { .. }]), "{:?}", named(&start));
    }
}

/// A straddling pair beside a dipole that is nothing to it, and one that takes its place in the sum.
#[test]
fn dipoles_stand_apart() {
    let arriving = [(axis(0), aiming([0.9, 0.0], 7)), (axis(0), aiming([0.9, 0.0], 9))];
    let mut turned_away = axis(11);
    turned_away[11] = -1.0;
    let start = start(&[&arriving[..], &[(axis(10), axis(11)), (axis(10), turned_away)]].concat(), 1);
    let end = at(&start, 300.0);
    let found = Symptoms::of(&start, &end).signatures();
    assert!(
        matches!(
            found[..],
            [
                Signature::Dipole { student: 2, other: 3, .. },
                Signature::StraddlingPair { student: 0, other: 1, teacher: 0, .. }
            ]
        ),
        "{found:?}"
    );
}

/// Second Hermite experts see planes: two students turned in that of two teachers, behind their router, serve both and have learned none.
#[test]
fn two_students_may_share_two_teachers() {
    for degrees in [24.0_f64, 30.0, 45.0, 66.0] {
        let corner = |angle: f64| sparse(&[(2, angle.to_radians().cos()), (3, angle.to_radians().sin())]);
        let (routers, experts) = ([axis(0), axis(0)], [corner(degrees), corner(degrees + 90.0)]);
        let teachers = [axis(2), axis(3)];
        let model = StudentTeacher::from_rows(Router::Sigmoid, 2, [&routers, &experts], [&routers, &teachers]);
        let found = named(&Start::reduce(&model.unwrap()));
        let [Signature::SharedTeachers { students, teachers, loss }] = &found[..] else { panic!("{found:?}") };
        assert!(students[..] == [0, 1] && teachers[..] == [0, 1] && loss.abs() < 1e-13);
    }
}

/// Units whose routers and experts overlap are larger; names do not depend on which student comes first.
#[test]
fn the_order_of_students_does_not_matter() {
    let pair = [(axis(0), turned(23.7, 7)), (axis(0), turned(-23.7, 7))];
    let other = (axis(8), sparse(&[(8, 0.8), (9, 0.6)]));
    let kinds = |students: &[(Vec<f64>, Vec<f64>)]| {
        let start = start(students, 1);
        let found = Symptoms::of(&start, &at(&start, 60.0)).signatures();
        found.iter().map(Signature::name).collect::<Vec<_>>()
    };
    let last = kinds(&[&pair[..], std::slice::from_ref(&other)].concat());
    assert_eq!(last, ["straddling-pair"]);
    assert_eq!(kinds(&[&[other][..], &pair].concat()), last);
}

/// A pair that cancels in great part and serves a teacher with a third student, `f(v', w) + f(−v', w) − f(v, w) = f(−v, w)`: one group, no dipole.
#[test]
fn halves_that_a_group_needs_are_no_dipole() {
    let tilted = sparse(&[(0, 0.8), (6, 0.6)]);
    let [opposite, away] = [&tilted, &axis(2)].map(|row| row.iter().map(|x| -x).collect::<Vec<f64>>());
    let minus = sparse(&[(0, -1.0)]);
    let found = named(&start(&[(tilted, axis(2)), (opposite, axis(2)), (minus, away)], 1));
    let [Signature::CrowdedTeacher { students, loss, .. }] = &found[..] else { panic!("{found:?}") };
    assert!(students.len() == 3 && loss.abs() < 1e-13);
}

/// Two teachers whose experts overlap, one of which a student has learned but for the other's pull.
#[test]
fn a_student_beside_a_near_teacher_holds_its_own() {
    for overlap in [0.25, 0.3, 0.35] {
        let teachers = [axis(2), sparse(&[(2, overlap), (3, (1.0 - overlap * overlap).sqrt())])];
        let routers = [axis(0), axis(1)];
        let student = [[axis(0)], [turned(10.0, 7)]];
        let model =
            StudentTeacher::from_rows(Router::Sigmoid, 3, [&student[0], &student[1]], [&routers, &teachers]).unwrap();
        let start = Start::reduce(&model);
        let end = at(&start, 300.0);
        assert!(end.expert(0, 0) > 0.95);
        assert_eq!(Symptoms::of(&start, &end).signatures(), []);
    }
}

/// Second Hermite experts cannot cancel: the more share a teacher, the more they leave.
#[test]
fn many_students_of_even_order_are_a_crowd() {
    let students: Vec<_> = (0..10).map(|k| (axis(0), aiming([0.5, 0.0], 4 + k))).collect();
    let start = Start { order: 2, ..start(&students, 1) };
    let end = at(&start, 300.0);
    let found = Symptoms::of(&start, &end).signatures();
    assert!(matches!(&found[..], [Signature::CrowdedTeacher { students, .. }] if students.len() == 10), "{found:?}");
}

/// Linear experts at 60° to a teacher on both sides serve it together, and so do students of other routers and orders share one.
#[test]
fn groups_belong_to_every_model() {
    let linear = start(&[(axis(0), turned(60.0, 7)), (axis(0), turned(-60.0, 7))], 1);
    let linear = Start { order: 1, ..linear };
    let found = named(&linear);
    assert!(matches!(found[..], [Signature::StraddlingPair { loss, .. }] if loss.abs() < 1e-13), "{found:?}");
    for (router, order) in [(Router::Tanh, 3), (Router::GaussianCdf, 3), (Router::Sigmoid, 2), (Router::Sigmoid, 4)] {
        let arriving = [(axis(0), aiming([0.9, 0.0], 7)), (axis(0), aiming([0.88, 0.0], 9))];
        let start = Start { router, order, ..start(&arriving, 1) };
        let end = at(&start, 300.0);
        let found = Symptoms::of(&start, &end).signatures();
        assert!(matches!(found[..], [Signature::StraddlingPair { .. }]), "{router} {order} {found:?}");
    }
}
