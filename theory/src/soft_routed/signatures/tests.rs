use super::*;
use crate::soft_routed::StudentTeacher;
use moe_kernels::Router;

/// A vector with the given entries, zero elsewhere. Axis 0 is the teacher's router, axis 1 its expert.
fn sparse<const N: usize>(entries: [(usize, f64); N]) -> Vec<f64> {
    let mut vector = vec![0.0; 8];
    entries.iter().for_each(|&(i, x)| vector[i] = x);
    vector
}

/// Unit vector at overlap `u` with axis `along`, the rest on axis `aside`.
fn tilted(u: f64, along: usize, aside: usize) -> Vec<f64> {
    sparse([(along, u), (aside, (1.0 - u * u).sqrt())])
}

fn start(routers: &[Vec<f64>], experts: &[Vec<f64>]) -> Start {
    let teacher = [[sparse([(0, 1.0)])], [sparse([(1, 1.0)])]];
    let model = StudentTeacher::from_rows(Router::Sigmoid, 3, [routers, experts], [&teacher[0], &teacher[1]]);
    Start::reduce(&model.unwrap())
}

fn signatures(start: &Start) -> Vec<Signature> {
    Symptoms::of(start, &start.order_parameters()).signatures()
}

fn found(routers: &[Vec<f64>], experts: &[Vec<f64>]) -> Vec<Signature> {
    signatures(&start(routers, experts))
}

/// The same router and exactly opposite experts cancel: `f_i + f_k = 0`. A third student beside them is nothing.
#[test]
fn a_dipole_is_recognised() {
    let v = sparse([(2, 1.0)]);
    let routers = [sparse([(5, 1.0)]), v.clone(), v.clone()];
    let experts = [sparse([(6, 1.0)]), sparse([(3, 1.0)]), sparse([(3, -1.0)])];
    let [Signature::Dipole { student: 1, other: 2, loss }] = found(&routers, &experts)[..] else {
        panic!("{:?}", found(&routers, &experts))
    };
    assert!(loss.abs() < 1e-14, "{loss:e}");
    // Slightly apart: ½E(f_i + f_k)² = 6Φ_00(1)(1 − u³) at overlap −u of the experts, with Φ_00(1) = ½ − A_1, still below a tenth of 6Φ_00(1).
    let u = 0.975;
    let experts = [experts[0].clone(), sparse([(3, 1.0)]), tilted(-u, 3, 4)];
    let [Signature::Dipole { student: 1, other: 2, loss }] = found(&routers, &experts)[..] else {
        panic!("{:?}", found(&routers, &experts))
    };
    assert!((loss - 6.0 * (0.5 - 0.206620964141907) * (1.0 - u.powi(3))).abs() < 1e-13, "{loss}");
}

/// Two students and their opposites: two dipoles, each student in one. Teachers that cancel, each learned: none.
#[test]
fn dipoles_are_matched() {
    let v = sparse([(2, 1.0)]);
    let (up, down) = (sparse([(3, 1.0)]), sparse([(3, -1.0)]));
    let dipoles = found(&vec![v.clone(); 4], &[up.clone(), up.clone(), down.clone(), down.clone()]);
    let pairs = dipoles.iter().map(|signature| match *signature {
        Signature::Dipole { student, other, .. } => [student, other],
        _ => panic!("{dipoles:?}"),
    });
    assert_eq!(pairs.collect::<Vec<_>>(), [[0, 2], [1, 3]]);
    let (routers, experts) = ([v.clone(), v], [up, down]);
    let model = StudentTeacher::from_rows(Router::Sigmoid, 3, [&routers, &experts], [&routers, &experts]);
    assert_eq!(signatures(&Start::reduce(&model.unwrap())), []);
}

/// Anti-aligned experts behind different routers do not cancel (`E f_i f_k = −6Φ_00(0) = −1.5` against `E f² = 1.76`), nor do experts at −0.85, nor aligned
/// ones.
#[test]
fn near_misses_are_no_dipoles() {
    let v = sparse([(2, 1.0)]);
    let up = sparse([(3, 1.0)]);
    assert_eq!(found(&[v.clone(), sparse([(5, 1.0)])], &[up.clone(), sparse([(3, -1.0)])]), []);
    assert_eq!(found(&[v.clone(), sparse([(2, -1.0)])], &[up.clone(), sparse([(3, -1.0)])]), []);
    assert_eq!(found(&[v.clone(), v.clone()], &[up.clone(), tilted(-0.85, 3, 4)]), []);
    assert_eq!(found(&[v.clone(), v.clone()], &[up.clone(), up]), []);
}

#[test]
fn dormant_and_learned_students_have_no_signature() {
    let dormant = found(&[tilted(0.02, 0, 2), tilted(-0.01, 0, 3)], &[tilted(0.03, 1, 4), tilted(0.01, 1, 5)]);
    assert_eq!(dormant, []);
    let learned = found(&[sparse([(0, 1.0)]), sparse([(3, 1.0)])], &[sparse([(1, 1.0)]), tilted(0.02, 1, 5)]);
    assert_eq!(learned, []);
    // Two students at one teacher, but not where a straddling pair settles.
    assert_eq!(found(&[sparse([(0, 1.0)]), sparse([(0, 1.0)])], &[tilted(0.97, 1, 4), tilted(0.97, 1, 5)]), []);
    assert_eq!(found(&[sparse([(0, 1.0)]), sparse([(0, 1.0)])], &[tilted(0.91, 1, 4), tilted(0.85, 1, 5)]), []);
}

/// Students on teachers whose experts overlap are on their own, whatever the other overlap; teachers on axes 0, 2 (routers) and 1, 3.
#[test]
fn students_on_teachers_that_overlap_have_no_signature() {
    for overlap in [0.6, 0.85] {
        let (routers, experts) = ([sparse([(0, 1.0)]), sparse([(2, 1.0)])], experts_of(overlap));
        let named = |experts: &[Vec<f64>]| {
            let model =
                StudentTeacher::from_rows(Router::Sigmoid, 3, [&routers, experts], [&routers, &experts_of(overlap)]);
            signatures(&Start::reduce(&model.unwrap()))
        };
        assert_eq!(named(&experts), []);
        // On the way there; both on the first, not for long.
        assert_eq!(named(&[tilted(0.98, 1, 4), experts[1].clone()]), []);
        assert_eq!(named(&[sparse([(1, 1.0)]), tilted(0.97, 1, 4)]), []);
    }
}

fn experts_of(overlap: f64) -> [Vec<f64>; 2] {
    [sparse([(1, 1.0)]), tilted(overlap, 1, 3)]
}

/// What a record of losses is named beside the teacher's own unit.
fn growth(losses: &[f64]) -> Option<f64> {
    let start = start(&[sparse([(0, 1.0)])], &[sparse([(1, 1.0)])]);
    let found = Symptoms::of(&start, &start.order_parameters()).with_losses(losses).signatures();
    match found[..] {
        [] => None,
        [Signature::Divergence { growth }] => Some(growth),
        _ => panic!("{found:?}"),
    }
}

/// At the teacher the largest eigenvalue is 6.47267 (theory X3): a descent with a step of 2% more than 2/6.47267 diverges by the factor 1.04, one with 2% less does not.
#[test]
fn divergence_is_a_step_beyond_the_largest_stable_one() {
    let start = start(&[sparse([(0, 1.0)])], &[sparse([(1, 1.0)])]);
    let descend = |steps: &dyn Fn(usize) -> f64| {
        let mut population = start.population();
        let mut weights = start.state();
        weights.iter_mut().enumerate().for_each(|(k, w)| *w += 3e-5 * (1.0 + k as f64).sin());
        let mut gradient = vec![0.0; weights.len()];
        let mut losses = Vec::new();
        for k in 0..100 {
            losses.push(population.gradient(&weights, &mut gradient));
            let step = steps(k) * 2.0 / 6.472671767175286;
            weights.iter_mut().zip(&gradient).for_each(|(w, g)| *w -= step * g);
        }
        growth(&losses)
    };
    assert_eq!(descend(&|_| 0.98), None);
    let found = descend(&|_| 1.02).unwrap();
    assert!((found - 1.04).abs() < 1e-3, "{found}");
    // Beyond, until the rise ends of itself.
    for multiple in [1.05, 1.2, 2.0, 10.0] {
        assert!(descend(&|_| multiple).unwrap() > 1.0);
    }
    // It rises for 60 steps, then falls; it rises and falls in turn, by factors −1.5 and −0.64.
    assert_eq!(descend(&|k| if k < 60 { 1.02 } else { 0.98 }), None);
    assert_eq!(descend(&|k| [1.25, 0.82][k % 2]), None);
}

#[test]
fn near_misses_are_no_divergence() {
    let record = |of: &dyn Fn(f64) -> f64| (0..120).map(|k| of(f64::from(k))).collect::<Vec<_>>();
    // Above a minimum of its own, by the square of 1.01.
    let found = growth(&record(&|k| 0.5 + 1e-6 * (0.02 * k).exp())).unwrap();
    assert!((found - 0.01_f64.exp()).abs() < 1e-9, "{found}");
    // Levels off; constant; roundings; oscillates; falls; too short.
    assert_eq!(growth(&record(&|k| 1.0 - (-0.05 * k).exp())), None);
    assert_eq!(growth(&record(&|_| 0.3)), None);
    assert_eq!(growth(&record(&|k| 1e-16 * k * k)), None);
    assert_eq!(growth(&record(&|k| 1.0 + 0.3 * k.sin())), None);
    assert_eq!(growth(&record(&|k| (-0.1 * k).exp())), None);
    assert_eq!(growth(&record(&|k| (0.02 * k).exp())[..23]), None);
    // In one step; from further off; faster and faster, then falls.
    assert_eq!(growth(&[1e-6, 1e-6, 1.0, 0.5]), None);
    assert_eq!(growth(&[0.1, 0.15, 0.9, 0.1]), None);
    assert!((growth(&[1e-7, 1e-5, 1e-3, 0.1, 1e-3]).unwrap() - 10.0).abs() < 1e-9);
    // No numbers any more.
    assert_eq!(growth(&[0.1, f64::NAN]), Some(f64::INFINITY));
}

/// A unit at overlap `κ` with a teacher's expert, behind its router, is worth `6Φ_00(1)(κ³ − ½)`: useful from `2^{−1/3} = 0.794` on.
#[test]
fn pruning_of_a_useful_expert_is_recognised() {
    let of = |kappa: f64, pruned: &[usize]| {
        let routers = [sparse([(0, 1.0)]), sparse([(2, 1.0)])];
        let start = start(&routers, &[tilted(kappa, 1, 5), sparse([(4, 1.0)])]);
        Symptoms::of(&start, &start.order_parameters()).with_pruned(pruned).signatures()
    };
    for (kappa, pruned) in [(1.0, vec![0]), (1.0, vec![1, 0]), (0.8, vec![0])] {
        let [Signature::UsefulExpertPruned { student: 0, change }] = of(kappa, &pruned)[..] else {
            panic!("{:?}", of(kappa, &pruned))
        };
        let expected = 6.0 * (0.5 - 0.206620964141907) * (kappa * kappa * kappa - 0.5);
        assert!((change - expected).abs() < 1e-12, "{change}");
    }
    assert_eq!(of(1.0, &[1]), []);
    assert_eq!(of(0.79, &[0]), []);
    assert_eq!(of(1.0, &[]), []);
}

/// One half of a dipole cancels the other; together they are nothing.
#[test]
fn a_dipole_may_be_pruned_as_a_whole() {
    let v = sparse([(2, 1.0)]);
    let start = start(&[v.clone(), v], &[sparse([(3, 1.0)]), sparse([(3, -1.0)])]);
    let state = start.order_parameters();
    let harmful = |pruned: &[usize]| {
        let found = Symptoms::of(&start, &state).with_pruned(pruned).signatures();
        found.iter().filter(|s| matches!(s, Signature::UsefulExpertPruned { .. })).count()
    };
    assert_eq!([harmful(&[0, 1]), harmful(&[0]), harmful(&[1])], [0, 1, 1]);
}

/// Three teachers near one another, each held by its own student: overlaps of a straddling pair, and no failure.
#[test]
fn near_teachers_that_are_held_are_no_straddling_pairs() {
    let expert = |k: usize| sparse([(1, 0.9_f64.sqrt()), (k, 0.1_f64.sqrt())]);
    let (routers, experts) = (vec![sparse([(0, 1.0)]); 3], [expert(4), expert(5), expert(6)]);
    let model =
        StudentTeacher::from_rows(Router::Sigmoid, 3, [&routers[..], &experts[..]], [&routers[..], &experts[..]]);
    assert_eq!(signatures(&Start::reduce(&model.unwrap())), []);
}

/// A student that holds its teacher and one that takes back a part of it have a twentieth of their losses together; so have two that hold nothing, who are a dipole.
#[test]
fn a_student_that_holds_a_teacher_is_hardly_half_of_a_dipole() {
    let dipole = |learned: f64, other: f64| {
        let expert = tilted(learned, 1, 5);
        let mut opposite: Vec<f64> = expert.iter().map(|x| -other * x).collect();
        opposite[4] = (1.0 - other * other).sqrt();
        let found = found(&vec![sparse([(0, 1.0)]); 2], &[expert, opposite]);
        found.iter().any(|signature| matches!(signature, Signature::Dipole { .. }))
    };
    // Behind one router the share is 1 − κ³.
    assert_eq!(
        [dipole(1.0, 0.98), dipole(1.0, 0.9985), dipole(0.9, 0.98), dipole(0.9, 0.95)],
        [false, true, true, false]
    );
}

/// One student exact, the other on its way to a teacher whose expert overlaps by 0.9 with the first one's.
#[test]
fn a_student_on_its_way_to_a_near_teacher_is_no_straddling_pair() {
    let (routers, teachers) = ([sparse([(0, 1.0)]), sparse([(2, 1.0)])], experts_of(0.9));
    let experts =
        [teachers[0].clone(), sparse([(1, 0.81), (3, 0.3923), (4, (1.0_f64 - 0.81 * 0.81 - 0.3923 * 0.3923).sqrt())])];
    let model = StudentTeacher::from_rows(Router::Sigmoid, 3, [&routers, &experts], [&routers, &teachers]);
    let start = Start::reduce(&model.unwrap());
    let state = start.order_parameters();
    assert!((state.expert(1, 1) - 0.9).abs() < 1e-3 && (state.expert(0, 1) - 0.9).abs() < 1e-12);
    assert_eq!(signatures(&start), []);
}
