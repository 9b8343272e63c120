//! Motions of an atom's parameters that change its gate and its expert by factors alone: one-parameter groups, integrated from relations of first order.
//!
//! If `Σ_i X_i(θ) ∂_ih = q h` and `Σ_i X_i(θ) ∂_ig = p g` at every `θ`, the flow of `X` multiplies `h` by `e^{qs}` and `g` by `e^{ps}`. For `X(θ) = Mθ + c` with rational `M` and `c` these are linear equations with rational coefficients, and `(θ, 1)` moves by `e^{sA}`, `A = [M c; 0 0]`. Fields come
//! in three rounds, constant ones, those with a diagonal `M`, all; first those with `q = 0`, then the others; each is kept that is not a combination of earlier ones with functions of `θ` as coefficients (by its value at one point: what is kept certainly is none). Integrated are those whose eigenvalues are whole numbers, by Putzer's formula
//!
//! ```text
//! e^{sA} = Σ_k r_k(s) Π_{j<k} (A − λ_j),      r_1' = λ_1 r_1,  r_1(0) = 1,      r_k' = λ_k r_k + r_{k−1},  r_k(0) = 0
//! ```
//!
//! and rotations, `A³ = −ω²A`: `e^{sA} = 1 + A sin(ωs)/ω + A²(1 − cos ωs)/ω²`. This is a finder: what a motion does is proved by the certificate `flat`.

use super::gains::Gain;
use super::{occurring, whole};
use crate::symbolic::expression::Expression;
use crate::symbolic::normal_form::Table;
use crate::symbolic::parse::ExpressionError;
use crate::symbolic::polynomial::Polynomial;
use crate::symbolic::relations::rational_relations;
use dashu_ratio::RBig;
use std::collections::BTreeMap;

/// Most parameters of fields with a full matrix.
pub(super) const FULL: usize = 8;
/// Largest eigenvalue, and largest frequency, in units that make all entries whole numbers.
const LARGEST: i64 = 12;

/// A motion: the parameters that move, as texts in the curve's parameter, the same with its sign changed, `p` and `q`.
pub(super) struct Motion {
    pub(super) moved: BTreeMap<String, String>,
    pub(super) back: BTreeMap<String, String>,
    pub(super) factor: Gain,
    pub(super) degree: Gain,
}

type Matrix = Vec<Vec<RBig>>;

/// What a function is the coefficient of: an entry of A, `p` or `q`.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Entry(usize, usize),
    Gate,
    Expert,
}

/// The motions of `parameters`, in texts with `curve` for `s`; those with `q ≠ 0` that are no combination of motions and of the scalings that are `known` by their weights.
pub(super) fn motions(
    gate: &Expression,
    expert: &Expression,
    parameters: &[String],
    curve: &str,
    known: &[Vec<(String, RBig)>],
) -> Result<Vec<Motion>, ExpressionError> {
    // Both equations at once, under names that no text can have.
    let tagged = |of: &Expression, tag: &str| of.clone().times(Expression::symbol(tag));
    let (own, other) = (tagged(gate, "g'"), tagged(expert, "h'"));
    let (mut table, forms) = Table::lower(&[&own.clone().plus(other.clone()), &own, &other])?;
    let (parameters, symbols) = occurring(&table, parameters);
    let n = parameters.len();
    let slopes: Vec<Polynomial> = symbols.iter().map(|symbol| table.derivative(&forms[0], *symbol)).collect();
    let mut functions = forms[1..].to_vec();
    functions.extend(slopes.iter().cloned());
    let mut places = vec![Place::Gate, Place::Expert];
    places.extend((0..n).map(|i| Place::Entry(i, n)));
    let columns = |i: usize| if n <= FULL { 0..n } else { i..i + 1 };
    for (i, j) in (0..n).flat_map(|i| columns(i).map(move |j| (i, j))) {
        functions.push(table.product(&Polynomial::symbol(symbols[j]), &slopes[i]));
        places.push(Place::Entry(i, j));
    }
    let resolved = table.resolve(&functions)?;
    // Values of the parameters that satisfy no equation but by chance.
    let point: Vec<RBig> = (0..=n as i64)
        .map(|k| RBig::from(if k == n as i64 { 1 } else { (7 * k * k + 3 * k + 2) * (k + 11) }))
        .collect();
    let rounds: [&dyn Fn(usize, usize) -> bool; 3] = [&|_, j| j == n, &|i, j| j == n || i == j, &|_, _| true];
    let (mut kept, mut found) = (Matrix::new(), Vec::new());
    for splits in [false, true] {
        if splits {
            for weights in known {
                let weight = |name: &String| weights.iter().find(|(own, _)| own == name).map(|(_, k)| k.clone());
                let velocity = parameters.iter().zip(&point).map(|(name, x)| weight(name).unwrap_or(RBig::ZERO) * x);
                kept.extend(reduced(&kept, velocity.collect()));
            }
        }
        for allowed in rounds {
            let is_chosen = |place: &Place| match *place {
                Place::Entry(i, j) => allowed(i, j),
                Place::Gate => true,
                Place::Expert => splits,
            };
            let chosen: Vec<usize> = (0..places.len()).filter(|k| is_chosen(&places[*k])).collect();
            let columns: Vec<Polynomial> = chosen.iter().map(|k| resolved[*k].clone()).collect();
            let factors = if splits { 2 } else { 1 };
            for relation in rational_relations(&columns) {
                let mut a = vec![vec![RBig::ZERO; n + 1]; n + 1];
                let (mut factor, mut degree) = (RBig::ZERO, RBig::ZERO);
                // The first entry that is not zero is positive.
                let by_place: Vec<usize> = (factors..chosen.len()).chain(0..factors).collect();
                let values = whole(&by_place.iter().map(|k| relation[*k].clone()).collect::<Vec<_>>());
                for (k, value) in by_place.into_iter().zip(values) {
                    match places[chosen[k]] {
                        Place::Entry(i, j) => a[i][j] = value,
                        Place::Gate => factor = -value,
                        Place::Expert => degree = -value,
                    }
                }
                if splits && degree == RBig::ZERO {
                    continue;
                }
                let velocity: Vec<RBig> = a[..n].iter().map(|row| dot(row, &point)).collect();
                let negative: Matrix = a.iter().map(|row| row.iter().map(|entry| -entry).collect()).collect();
                if let Some(rest) = reduced(&kept, velocity)
                    && let Some(flows) = flow(&a).zip(flow(&negative))
                {
                    kept.push(rest);
                    let moves = |i: &usize| a[*i].iter().any(|entry| *entry != RBig::ZERO);
                    let texts = |flow: &[Vec<Sum>]| -> BTreeMap<String, String> {
                        let text = |i: usize| (parameters[i].clone(), text(&flow[i], i, &parameters, curve));
                        (0..n).filter(moves).map(text).collect()
                    };
                    let (moved, back) = (texts(&flows.0), texts(&flows.1));
                    // Splits are told in the direction in which the expert grows.
                    let falls = degree < RBig::ZERO;
                    let (factor, degree) = (Gain::Rational(factor), Gain::Rational(degree));
                    found.push(match falls {
                        true => Motion { moved: back, back: moved, factor: factor.negated(), degree: degree.negated() },
                        false => Motion { moved, back, factor, degree },
                    });
                }
            }
        }
    }
    Ok(found)
}

fn dot(a: &[RBig], b: &[RBig]) -> RBig {
    a.iter().zip(b).fold(RBig::ZERO, |sum, (a, b)| sum + a * b)
}

/// A vector less its part along those of an echelon form; `None` where nothing is left.
fn reduced(echelon: &[Vec<RBig>], mut vector: Vec<RBig>) -> Option<Vec<RBig>> {
    let leading = |row: &[RBig]| row.iter().position(|entry| *entry != RBig::ZERO);
    for row in echelon {
        let Some(k) = leading(row) else { continue };
        let share = &vector[k] / &row[k];
        vector.iter_mut().zip(row).for_each(|(entry, own)| *entry = &*entry - &share * own);
    }
    leading(&vector).map(|_| vector)
}

/// A function of `s`: a factor and a power of `s` for each of its summands, by what they are multiplied with.
type Sum = BTreeMap<Wave, Vec<RBig>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wave {
    /// `e^{λs}`, `λ = 0` too.
    Exp(i64),
    Sin(i64),
    Cos(i64),
}

/// The entries of `e^{sA}`; `None` where it is not integrated.
fn flow(a: &Matrix) -> Option<Vec<Vec<Sum>>> {
    let n = a.len();
    let times = |x: &Matrix, y: &Matrix| -> Matrix {
        let column = |j: usize| y.iter().map(|row| row[j].clone()).collect::<Vec<_>>();
        x.iter().map(|row| (0..n).map(|j| dot(row, &column(j))).collect()).collect()
    };
    let shifted = |x: &Matrix, by: &RBig| -> Matrix {
        let entry = |i: usize, j: usize| if i == j { &x[i][j] - by } else { x[i][j].clone() };
        (0..n).map(|i| (0..n).map(|j| entry(i, j)).collect()).collect()
    };
    let is_zero = |x: &Matrix| x.iter().flatten().all(|entry| *entry == RBig::ZERO);
    let unit = shifted(&vec![vec![RBig::ZERO; n]; n], &-RBig::ONE);
    let mut entries = vec![vec![Sum::new(); n]; n];
    let mut add = |sum: &Sum, matrix: &Matrix| {
        for (row, own) in entries.iter_mut().zip(matrix) {
            for (entry, factor) in row.iter_mut().zip(own).filter(|(_, factor)| **factor != RBig::ZERO) {
                for (wave, powers) in sum {
                    accumulate(entry, *wave, &powers.iter().map(|c| c * factor).collect::<Vec<_>>());
                }
            }
        }
    };
    let square = times(a, a);
    let cube = times(&square, a);
    let turns = |frequency: &i64| {
        let by = RBig::from(frequency * frequency);
        let sum: Matrix =
            cube.iter().zip(a).map(|(c, own)| c.iter().zip(own).map(|(c, own)| c + &by * own).collect()).collect();
        is_zero(&sum) && !is_zero(a)
    };
    if let Some(frequency) = (1..=LARGEST).find(turns) {
        let inverse = RBig::ONE / RBig::from(frequency);
        add(&Sum::from([(Wave::Exp(0), vec![RBig::ONE])]), &unit);
        add(&Sum::from([(Wave::Sin(frequency), vec![inverse.clone()])]), a);
        let inverse = &inverse * &inverse;
        add(&Sum::from([(Wave::Exp(0), vec![inverse.clone()]), (Wave::Cos(frequency), vec![-inverse])]), &square);
        return Some(entries);
    }
    // A root of the minimal polynomial as long as there is one: Π (A − λ_j) loses rank with each.
    let (mut product, mut r) = (unit, Sum::new());
    for k in 0..=n {
        if is_zero(&product) {
            return Some(entries);
        }
        let rank = |x: &Matrix| {
            x.iter().fold(Matrix::new(), |mut known, row| {
                known.extend(reduced(&known, row.clone()));
                known
            })
        };
        let own = rank(&product).len();
        let candidates = std::iter::once(0).chain((1..=LARGEST).flat_map(|l| [l, -l]));
        let next = candidates
            .map(|lambda| (lambda, times(&product, &shifted(a, &RBig::from(lambda)))))
            .find(|(_, next)| rank(next).len() < own);
        let (lambda, next) = next?;
        r = if k == 0 { Sum::from([(Wave::Exp(lambda), vec![RBig::ONE])]) } else { solved(lambda, &r) };
        add(&r, &product);
        product = next;
    }
    None
}

fn accumulate(sum: &mut Sum, wave: Wave, powers: &[RBig]) {
    let own = sum.entry(wave).or_default();
    own.resize(own.len().max(powers.len()), RBig::ZERO);
    own.iter_mut().zip(powers).for_each(|(own, power)| *own = &*own + power);
    if own.iter().all(|power| *power == RBig::ZERO) {
        sum.remove(&wave);
    }
}

/// `r' = λr + f`, `r(0) = 0`, for a sum of exponentials: `u e^{μs}` with `u' + (μ − λ)u = q` for each `q e^{μs}` of `f`, from the highest power downwards.
fn solved(lambda: i64, f: &Sum) -> Sum {
    let mut r = Sum::new();
    for (wave, q) in f {
        let Wave::Exp(mu) = *wave else { continue };
        if mu == lambda {
            let integral = q.iter().enumerate().map(|(k, c)| c / RBig::from(k + 1));
            accumulate(&mut r, *wave, &std::iter::once(RBig::ZERO).chain(integral).collect::<Vec<_>>());
            continue;
        }
        let mut u = vec![RBig::ZERO; q.len() + 1];
        for k in (0..q.len()).rev() {
            u[k] = (&q[k] - RBig::from(k + 1) * &u[k + 1]) / RBig::from(mu - lambda);
        }
        accumulate(&mut r, *wave, &u[..q.len()]);
        accumulate(&mut r, Wave::Exp(lambda), &[-u[0].clone()]);
    }
    r
}

/// `Σ_j E_j(s) θ_j + E_n(s)`, the own parameter first.
fn text(row: &[Sum], own: usize, parameters: &[String], curve: &str) -> String {
    let mut text = String::new();
    let order = std::iter::once(own).chain((0..row.len()).filter(|j| *j != own));
    for (j, (wave, powers)) in order.flat_map(|j| row[j].iter().map(move |summand| (j, summand))) {
        for (k, coefficient) in powers.iter().enumerate().filter(|(_, c)| **c != RBig::ZERO) {
            let negative = *coefficient < RBig::ZERO;
            let magnitude = if negative { -coefficient.clone() } else { coefficient.clone() };
            let times = |n: &i64| match n {
                1 => curve.to_string(),
                -1 => format!("-{curve}"),
                n => format!("{n}*{curve}"),
            };
            let mut factors = Vec::new();
            match k {
                0 => {}
                1 => factors.push(curve.to_string()),
                k => factors.push(format!("{curve}^{k}")),
            }
            match wave {
                Wave::Exp(0) => {}
                Wave::Exp(n) => factors.push(format!("exp({})", times(n))),
                Wave::Sin(n) => factors.push(format!("sin({})", times(n))),
                Wave::Cos(n) => factors.push(format!("cos({})", times(n))),
            }
            factors.extend(parameters.get(j).cloned());
            if magnitude != RBig::ONE || factors.is_empty() {
                let is_whole = *magnitude.denominator() == dashu_int::UBig::ONE;
                factors.insert(0, if is_whole { magnitude.to_string() } else { format!("({magnitude})") });
            }
            text.push_str(match (text.is_empty(), negative) {
                (true, true) => "-",
                (true, false) => "",
                (false, true) => " - ",
                (false, false) => " + ",
            });
            text.push_str(&factors.join("*"));
        }
    }
    if text.is_empty() { "0".into() } else { text }
}
