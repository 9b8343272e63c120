use super::*;

const BITS: usize = 53;

/// Dyadic numbers of all sizes from 2^-40 to 2^9, both signs (splitmix64).
fn numbers(count: u64) -> impl Iterator<Item = f64> {
    (1..=count).map(|k| {
        let mut z = k.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z ^= z >> 27;
        let unit = (z >> 12) as f64 / 2f64.powi(52) - 0.5;
        unit * 2f64.powi((z % 50) as i32 - 39)
    })
}

fn point(x: f64, precision: usize) -> Ball {
    Ball::point(Dyadic::from_f64(x).unwrap(), precision)
}

type Named = (&'static str, fn(&Ball) -> Ball);

const FUNCTIONS: [Named; 8] = [
    ("exp", |x| x.exp()),
    ("sigmoid", |x| x.sigmoid()),
    ("tanh", |x| x.tanh()),
    ("softplus", |x| x.softplus()),
    ("erf", |x| x.erf()),
    ("gaussian_cdf", |x| x.gaussian_cdf()),
    ("sin", |x| x.sin_cos()[0].clone()),
    ("cos", |x| x.sin_cos()[1].clone()),
];

/// Wider enclosures contain those of more bits: what they enclose is one number.
#[test]
fn fewer_bits_enclose_more() {
    for x in numbers(150) {
        for (name, f) in FUNCTIONS {
            let fine = f(&point(x, 220));
            for bits in [BITS, 90] {
                let coarse = f(&point(x, bits));
                let ([low, high], [from, to]) = (coarse.ends().unwrap(), fine.ends().unwrap());
                assert!(low <= from && to <= high, "{name}({x}) at {bits} bits");
                assert!(
                    high <= low || (high + &-low).size() <= high.size().max(low.size()) - bits as i64 + 1,
                    "{name}({x}): wide"
                );
            }
        }
    }
}

/// The library functions of floats, an independent route, lie within three roundings.
#[test]
fn floats_agree() {
    for x in numbers(300) {
        let sigmoid = if x < 0.0 { x.exp() / (1.0 + x.exp()) } else { 1.0 / (1.0 + (-x).exp()) };
        let softplus = x.max(0.0) + (-x.abs()).exp().ln_1p();
        for (value, enclosure) in [
            (x.exp(), point(x, BITS).exp()),
            (x.tanh(), point(x, BITS).tanh()),
            (sigmoid, point(x, BITS).sigmoid()),
            (softplus, point(x, BITS).softplus()),
            (libm::erf(x), point(x, BITS).erf()),
            (x.sin(), point(x, BITS).sin_cos()[0].clone()),
            (x.cos(), point(x, BITS).sin_cos()[1].clone()),
        ] {
            let [low, high] = enclosure.outer().unwrap();
            let slack = 8.0 * f64::EPSILON * value.abs() + 1e-300;
            assert!(low - slack <= value && value <= high + slack, "{x}: {value:e} {low:e} {high:e}");
        }
    }
}

/// Of two intervals, one inside of the other, the ranges are so too; and each contains the values at points inside.
#[test]
fn ranges_are_isotone() {
    let numbers: Vec<f64> = numbers(120).collect();
    for pair in numbers.chunks(4) {
        let mut ends = pair.to_vec();
        ends.sort_by(f64::total_cmp);
        let ball =
            |low: f64, high: f64| Ball::between(Dyadic::from_f64(low).unwrap(), Dyadic::from_f64(high).unwrap(), BITS);
        let (outer, inner) = (ball(ends[0], ends[3]), ball(ends[1], ends[2]));
        for (name, f) in FUNCTIONS {
            let ranges = [f(&outer), f(&inner), f(&point(0.5 * (ends[1] + ends[2]), BITS))];
            for pair in ranges.windows(2) {
                let ([low, high], [from, to]) = (pair[0].ends().unwrap(), pair[1].ends().unwrap());
                assert!(low <= from && to <= high, "{name} on {ends:?}");
            }
        }
    }
}

/// Where an exponential becomes a bound, `|x| = 2^20`, bounds stay in order: the Gaussian distribution function comes there at `|x| = 1448`.
#[test]
fn far_ranges_are_isotone() {
    let exact = |x: f64| Dyadic::from_f64(x).unwrap();
    let edge = -(2f64.powi(20));
    for (f, points) in [
        (Ball::exp as fn(&Ball) -> Ball, [edge - 9.0, edge - 1e-9, edge, edge + 1e-9, edge + 9.0]),
        (Ball::sigmoid, [edge - 9.0, edge - 1e-9, edge, edge + 1e-9, edge + 9.0]),
        (Ball::gaussian_cdf, [-1735.6, -1571.2, -1448.2, -1448.1, -1403.7]),
    ] {
        for low in points {
            for high in points.into_iter().filter(|high| *high > low) {
                let range = f(&Ball::between(exact(low), exact(high), BITS));
                for inner in points.into_iter().filter(|inner| (low..=high).contains(inner)) {
                    let value = f(&point(inner, BITS));
                    let ([from, to], [least, most]) = (range.ends().unwrap(), value.ends().unwrap());
                    assert!(from <= least && most <= to, "{inner} in {low} {high}");
                }
            }
        }
    }
}

/// Extrema inside an interval, large and tiny arguments, limits, and the whole line.
#[test]
fn corners() {
    let one = Dyadic::new(1.into(), 0);
    let range = |low: f64, high: f64| {
        Ball::between(Dyadic::from_f64(low).unwrap(), Dyadic::from_f64(high).unwrap(), BITS).sin_cos()
    };
    assert_eq!(range(1.0, 2.0)[0].ends().unwrap()[1], &one);
    assert_eq!(range(3.0, 3.5)[1].ends().unwrap()[0], &-&one);
    assert_eq!(range(-10.0, 10.0)[0].ends().unwrap(), [&-&one, &one]);
    assert_eq!(point(1e300, BITS).sin_cos()[0].ends().unwrap(), [&-&one, &one]);
    for x in [40.0, 1000.0, 1e6, 1e300] {
        for f in [Ball::sigmoid, Ball::tanh, Ball::erf, Ball::gaussian_cdf] {
            let [low, high] = f(&point(x, BITS)).outer().unwrap();
            assert!(low > 1.0 - 1e-15 && (1.0..1.0 + 1e-15).contains(&high), "{x}");
            let [low, high] = f(&point(-x, BITS)).outer().unwrap();
            assert!(low >= -1.0 - 1e-15 && high < 1e-12, "{x}");
        }
    }
    assert_eq!(point(1e300, BITS).exp().ends(), None);
    let [low, high] = point(-1e300, BITS).exp().outer().unwrap();
    assert!(low <= 0.0 && (0.0..1e-300).contains(&high));
    for (name, f) in FUNCTIONS {
        let value = f(&Ball::whole(BITS));
        assert!(value.ends().is_none() || name == "sin" || name == "cos");
        assert!(f(&point(0.0, BITS)).outer().is_some_and(|[low, high]| high - low < 1e-15), "{name}(0)");
    }
    assert_eq!(point(0.0, BITS).ln().ends(), None);
    assert_eq!(point(-1.0, BITS).ln().ends(), None);
    assert!(point(1.0, BITS).ln().is_zero());
}

/// π to forty digits, and ln against exp.
#[test]
fn constants_and_inverses() {
    let digits: dashu_int::IBig = "31415926535897932384626433832795028841971".parse().unwrap();
    let power = dashu_int::UBig::from(10u8).pow(40);
    let difference = pi(160) - Ball::rational(&digits, &power, 200);
    assert!(difference.abs().outer().unwrap()[1] < 1e-39);
    for x in numbers(60).map(f64::abs) {
        let round = (point(x, 120).ln().exp() - point(x, 120)).abs().outer().unwrap();
        assert!(round[0] <= 0.0 && round[1] < 1e-30 * x.max(1e-3), "{x}");
    }
}

/// Ends of very different sizes: no difference of theirs is written out, and what comes out contains the values of both, as long as exponents are within bounds.
#[test]
fn very_small_ends_fit_into_memory() {
    for (exponent, known) in [(-(1 << 20), true), (-(1 << 38), false)] {
        let tiny = Ball::point(Dyadic::new(1.into(), exponent), BITS);
        let wide = tiny.hull(&Ball::integer(1, BITS));
        assert_eq!(wide.middle().unwrap().sign(), Some(true));
        for (name, f) in FUNCTIONS {
            let range = f(&wide);
            for end in [f(&tiny), f(&Ball::integer(1, BITS))] {
                let Some(([low, high], [from, to])) = range.ends().zip(end.ends()) else {
                    assert!(!known, "{name}");
                    continue;
                };
                assert!(low <= from && to <= high, "{name}");
            }
        }
    }
}
