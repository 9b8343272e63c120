//! A million random points and intervals of the elementary functions, against series in fixed point that share nothing with the enclosures but the integers.
//!
//! Numbers are `n·2^−W`. A sum of at most 800 terms, each cut off by less than `2^−W` and multiplied by less than `2^100` afterwards, is off by less than `2^(10 + 100 − W)`; what is compared allows [`ERROR`] bits more.

use super::*;
use dashu_int::IBig;
use rayon::prelude::*;

/// Bits after the point, and those of the error that a reference value may have.
const W: usize = 448;
const ERROR: usize = W - 160;
const BITS: usize = 64;
const VALUES: u64 = 1_000_000;

fn number(n: i64) -> IBig {
    IBig::from(n) << W
}

fn times(a: &IBig, b: &IBig) -> IBig {
    (a * b) >> W
}

fn over(a: &IBig, b: &IBig) -> IBig {
    (a << W) / b
}

/// `Σ x^k/k!` over `k = first, first + step, …`, signs alternating or not.
fn series(x: &IBig, first: i64, step: i64, alternating: bool) -> IBig {
    let (mut sum, mut term, mut k) = (IBig::ZERO, number(1), 0);
    for _ in 0..first {
        k += 1;
        term = times(&term, x) / IBig::from(k);
    }
    while term != IBig::ZERO && term != -IBig::ONE {
        sum += &term;
        for _ in 0..step {
            k += 1;
            term = times(&term, x) / IBig::from(k);
        }
        if alternating {
            term = -term;
        }
    }
    sum
}

/// `e^{x/256}` to the power 256.
fn exp(x: &IBig) -> IBig {
    (0..8).fold(series(&(x >> 8_usize), 0, 1, false), |power, _| times(&power, &power))
}

/// Newton's iteration for `e^y = x`, from the float.
fn ln(x: &IBig) -> IBig {
    let top = Dyadic::new(x.clone(), -(W as i64)).to_f64(false);
    let mut y = fixed(top.ln());
    for _ in 0..4 {
        y = &y + times(x, &exp(&-&y)) - number(1);
    }
    y
}

/// `2/√π Σ (−1)^k x^{2k+1}/(k!(2k+1))`, `π` by Machin's formula.
fn erf(x: &IBig) -> IBig {
    let square = times(x, x);
    let (mut sum, mut term, mut k) = (IBig::ZERO, x.clone(), 0_i64);
    while term != IBig::ZERO && term != -IBig::ONE {
        sum += &term / IBig::from(2 * k + 1);
        k += 1;
        term = -times(&term, &square) / IBig::from(k);
    }
    let arctan = |n: i64| {
        let (mut sum, mut power, mut k) = (IBig::ZERO, number(1) / IBig::from(n), 0_i64);
        while power != IBig::ZERO {
            let term = &power / IBig::from(2 * k + 1);
            sum += if k % 2 == 0 { term } else { -term };
            power /= IBig::from(n * n);
            k += 1;
        }
        sum
    };
    let pi = arctan(5) * IBig::from(16) - arctan(239) * IBig::from(4);
    over(&(sum * IBig::from(2)), &root(&pi))
}

fn root(x: &IBig) -> IBig {
    let mut y = number(2);
    loop {
        let next: IBig = (&y + over(x, &y)) >> 1_usize;
        if next >= y {
            return y;
        }
        y = next;
    }
}

/// A float of size below 2^12 with at most 100 bits after the point.
fn fixed(x: f64) -> IBig {
    let scaled = x * 2f64.powi(100);
    IBig::try_from(scaled.trunc()).unwrap() << (W - 100)
}

/// The functions with the largest argument that is tried: beyond, the series of erf loses its digits.
type Case = (&'static str, f64, fn(&Ball) -> Ball, fn(&IBig) -> IBig);

const FUNCTIONS: [Case; 9] = [
    ("exp", 64.0, Ball::exp, exp),
    ("ln", 64.0, Ball::ln, |x| ln(x)),
    ("sigmoid", 64.0, Ball::sigmoid, |x| over(&number(1), &(number(1) + exp(&-x)))),
    ("tanh", 32.0, Ball::tanh, |x| {
        let square = exp(&(x * IBig::from(2)));
        over(&(&square - number(1)), &(&square + number(1)))
    }),
    ("softplus", 64.0, Ball::softplus, |x| ln(&(number(1) + exp(x)))),
    ("erf", 8.0, Ball::erf, erf),
    ("gaussian_cdf", 8.0, Ball::gaussian_cdf, |x| (number(1) + erf(&over(x, &root(&number(2))))) >> 1_usize),
    ("sin", 64.0, |x| x.sin_cos()[0].clone(), |x| series(x, 1, 2, true)),
    ("cos", 64.0, |x| x.sin_cos()[1].clone(), |x| series(x, 0, 2, true)),
];

/// Numbers of all sizes from 2^-40 on, both signs, 40 bits each (splitmix64).
fn draw(seed: u64, largest: f64) -> f64 {
    let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    let unit = (z >> 24) as f64 / 2f64.powi(39) - 1.0;
    // Half of them large.
    let size = if z & 1 == 0 { 0 } else { (z >> 1 & 31) as i32 };
    unit * largest * 2f64.powi(-size)
}

/// What is wrong with the enclosure of a function at a random point, or on a random interval at a point inside.
fn fault((name, largest, enclosed, reference): &Case, seed: u64) -> Option<String> {
    let positive = |x: f64| if *name == "ln" { x.abs() + 2f64.powi(-39) } else { x };
    let x = positive(draw(3 * seed, *largest));
    let dyadic = |x: f64| Dyadic::from_f64(x).unwrap();
    let point = Ball::point(dyadic(x), BITS);
    // On every other seed an interval with the point inside of it, of any width.
    let is_interval = seed % 2 == 1;
    let argument = if is_interval {
        let [low, high] = [1, 2].map(|k| draw(3 * seed + k, *largest).abs());
        let low = if *name == "ln" { x * 0.5 } else { x - low };
        Ball::between(dyadic(low), dyadic(x + high), BITS)
    } else {
        point
    };
    let value = reference(&fixed(x));
    let error = IBig::ONE << ERROR;
    let [low, high] = [&value - &error, &value + &error].map(|end| Dyadic::new(end, -(W as i64)));
    let found = enclosed(&argument);
    let Some([from, to]) = found.ends() else { return Some(format!("{name}({x:e}) is unbounded")) };
    let contains = *from <= high && low <= *to;
    // Two parts in 2^63 are what rounding both ends to 64 bits costs.
    let width = (to + &-from).to_f64(true);
    let narrow = is_interval || width <= 2f64.powi(-61) * low.to_f64(false).abs().max(high.to_f64(true).abs());
    (!contains || !narrow).then(|| format!("{name}({x:e}): {from} {to}, width {width:e}"))
}

#[test]
#[ignore = "a million values take a quarter of an hour of one core"]
fn a_million_values_are_enclosed() {
    let faults: Vec<String> =
        (0..VALUES).into_par_iter().filter_map(|seed| fault(&FUNCTIONS[(seed % 9) as usize], seed / 9)).collect();
    assert!(faults.is_empty(), "{} faults: {:?}", faults.len(), &faults[..faults.len().min(5)]);
}

/// The same, of a few; and the references agree with floats.
#[test]
fn some_values_are_enclosed() {
    for seed in 0..900 {
        assert_eq!(fault(&FUNCTIONS[seed as usize % 9], seed / 9), None);
    }
    for (k, float) in
        [1.5_f64.exp(), 1.5_f64.ln(), 1.0 / (1.0 + (-1.5_f64).exp()), 1.5_f64.tanh(), 1.5_f64.exp().ln_1p()]
            .into_iter()
            .chain([libm::erf(1.5), 0.5 * libm::erfc(-1.5 / 2f64.sqrt()), 1.5_f64.sin(), 1.5_f64.cos()])
            .enumerate()
    {
        let value = Dyadic::new(FUNCTIONS[k].3(&fixed(1.5)), -(W as i64)).to_f64(false);
        assert!((value - float).abs() <= 4.0 * f64::EPSILON * float.abs(), "{} {value} {float}", FUNCTIONS[k].0);
    }
}
