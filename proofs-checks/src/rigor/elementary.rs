//! Elementary functions of enclosures.
//!
//! Each function is enclosed at an exact point with an error that is derived beside it, for any working precision. A monotone function of an interval is enclosed by its values at the two ends, each computed with more and more bits until the
//! enclosure rounds to one number ([`directed`]), so the ends are those of the exact range, rounded outward: of two intervals, one inside of the other, the ranges are so too. Where the whole line goes in, what is known of the range comes out.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Mutex;

use super::ball::Ball;
use super::dyadic::Dyadic;
use moe_kernels::Real;

/// Bits beyond the precision that a first attempt works with.
const GUARD: usize = 32;
/// Arguments are below `2^20` in magnitude, or the function is bounded by its limit: powers of two of larger exponents are not computed with.
const LARGEST_SIZE: i64 = 20;

/// `f(x)` rounded to `precision` bits in a direction, by raising the working precision until both ends of the enclosure agree; if they do not at twice the precision (an argument where `f` is within that of a limit), the outer end.
fn directed(x: &Dyadic, precision: usize, up: bool, f: impl Fn(&Dyadic, usize) -> Ball) -> Option<Dyadic> {
    let mut working = first_attempt(x, precision);
    let limit = 2 * working;
    loop {
        let value = f(x, working);
        let [low, high] = value.ends()?.map(|end| end.clone().rounded(precision, up));
        if low == high || working >= limit {
            return Some(if up { high } else { low });
        }
        working *= 2;
    }
}

/// Bits that a first attempt at a point works with: a small argument may have a value as small, bits for the zeros in front.
fn first_attempt(x: &Dyadic, precision: usize) -> usize {
    precision + GUARD + (-x.size()).clamp(0, 1 << 14) as usize
}

/// An enclosure rounded outward, where each direction gives one number, whichever value of it is the true one.
fn rounded_alike(value: &Ball, precision: usize) -> Option<[Dyadic; 2]> {
    let [low, high] = value.ends()?;
    let [down, up] = [false, true].map(|up| low.clone().rounded(precision, up));
    (down == high.clone().rounded(precision, false) && up == high.clone().rounded(precision, true))
        .then_some([down, up])
}

/// [`directed`] in both directions, from the same enclosures.
fn enclosed(x: &Dyadic, precision: usize, f: impl Fn(&Dyadic, usize) -> Ball) -> Option<[Dyadic; 2]> {
    let mut working = first_attempt(x, precision);
    let limit = 2 * working;
    let mut ends = [None, None];
    loop {
        let value = f(x, working);
        for (end, up) in ends.iter_mut().zip([false, true]).filter(|(end, _)| end.is_none()) {
            let [low, high] = value.ends()?.map(|end| end.clone().rounded(precision, up));
            *end = (low == high || working >= limit).then_some(if up { high } else { low });
        }
        if let [Some(low), Some(high)] = &ends {
            return Some([low.clone(), high.clone()]);
        }
        working *= 2;
    }
}

/// Of an increasing function of exact points.
fn increasing(x: &Ball, f: impl Fn(&Dyadic, usize) -> Ball) -> Ball {
    let precision = x.precision();
    x.map_ends(|low, high| {
        if low == high {
            return enclosed(low, precision, f);
        }
        Some([directed(low, precision, false, &f)?, directed(high, precision, true, &f)?])
    })
}

/// `e^x` at a point.
///
/// With `r = x/2^k`, `|r| ≤ 2^{−8}`: `e^r = Σ_{i<n} rⁱ/i! + R`, `|R| ≤ Σ_{i≥n} |r|ⁱ/i! ≤ 2|r|ⁿ/n!`, then `k` squarings. For `x ≥ 2^20`: the whole line; for `x < −2^20`: `0 < e^x < e^{−2^20}`.
fn exp_at(x: &Dyadic, working: usize) -> Ball {
    if x.is_zero() {
        return Ball::integer(1, working);
    }
    let size = x.size();
    if size > LARGEST_SIZE {
        // One bound for all, that of the farthest point with a value of its own: bounds never fall below those of smaller arguments.
        let farthest = Dyadic::new((-1).into(), LARGEST_SIZE);
        if *x < farthest {
            let unit = Ball::between(Dyadic::zero(), Dyadic::new(1.into(), 0), working);
            return unit * exp_at(&farthest, working);
        }
        if *x > farthest {
            return Ball::whole(working);
        }
    }
    let halvings = (size + 8).max(0);
    // Squaring doubles relative errors.
    let precision = working + halvings as usize + 8;
    let r = Ball::point(x.shifted(-halvings), precision);
    let (mut term, mut sum) = (Ball::integer(1, precision), Ball::integer(0, precision));
    let mut n = 0;
    // |r| ≤ 2^{−8}: each term is at least 8 bits smaller than the one before.
    while n * 8 < precision as i64 + 16 {
        sum = sum + &term;
        n += 1;
        term = term * &r / Ball::integer(n, precision);
    }
    let mut power = sum.widened(&(term.abs() + term.abs()));
    for _ in 0..halvings {
        power = power.clone() * &power;
    }
    power
}

/// `ln y` at a point `y > 0`; the whole line elsewhere.
///
/// `y = m 2^s`, `0.7 < m < 1.4`: `ln y = s ln 2 + ln m`, `ln m = 2 artanh z`, `z = (m − 1)/(m + 1)`, and `ln 2 = 2 artanh ⅓`. `artanh z = Σ_{i<n} z^{2i+1}/(2i+1) + R`, `|R| ≤ |z|^{2n+1}/(1 − z²) ≤ 2|z|^{2n+1}` as `|z| ≤ ⅓`.
fn ln_at(y: &Dyadic, working: usize) -> Ball {
    if y.is_zero() || y.is_negative() {
        return Ball::whole(working);
    }
    let precision = working + 32;
    let one = Ball::integer(1, precision);
    let artanh = |z: Ball| {
        let square = z.clone() * &z;
        let (mut power, mut sum) = (z, Ball::integer(0, precision));
        // z² ≤ 1/9 < 2^{−3}.
        for i in 0..(precision as i64 + 8) / 3 {
            sum = sum + power.clone() / Ball::integer(2 * i + 1, precision);
            power = power * &square;
            if power.ends().is_some_and(|[low, high]| low.is_zero() && high.is_zero()) {
                return sum;
            }
        }
        sum.widened(&(power.abs() + power.abs()))
    };
    let mut s = y.size();
    let threshold = Dyadic::new(45.into(), -6); // 0.703125
    if y.shifted(-s).cmp(&threshold) == Ordering::Less {
        s -= 1;
    }
    let m = Ball::point(y.shifted(-s), precision);
    let ln_m = artanh((m.clone() - &one) / (m + &one));
    let two = Ball::integer(2, precision);
    if s == 0 {
        return ln_m * &two;
    }
    (ln_m + Ball::integer(s, precision) * artanh(one.ratio(1, 3))) * two
}

/// `1/(1 + e^{−x})` at a point.
fn sigmoid_at(x: &Dyadic, working: usize) -> Ball {
    let one = Ball::integer(1, working);
    // The exponential of −|x| is at most one: no large numbers.
    let e = exp_at(&if x.is_negative() { x.clone() } else { -x }, working);
    let numerator = if x.is_negative() { e.clone() } else { one.clone() };
    numerator / (one + e)
}

/// `tanh x = (1 − e^{−2x})/(1 + e^{−2x})` at a point.
fn tanh_at(x: &Dyadic, working: usize) -> Ball {
    let one = Ball::integer(1, working);
    let magnitude = if x.is_negative() { -x } else { x.clone() };
    let e = exp_at(&-&magnitude.shifted(1), working);
    let value = (one.clone() - &e) / (one + e);
    if x.is_negative() { -value } else { value }
}

/// `Σ_{n≥0} x (q x²)ⁿ/(1·3·…·(2n+1))` at a point `x ≥ 0`, `q` one or two.
///
/// From the term `t_N` with `2q x² ≤ 2N+3` on each is at most half of the one before, so the rest is at most `2t_N`.
fn odd_series(x: &Dyadic, q: i64, precision: usize) -> Ball {
    let square = x * x;
    let factor = Ball::point(square.clone(), precision) * Ball::integer(q, precision);
    let twice = &square * &Dyadic::new((2 * q).into(), 0);
    let mut term = Ball::point(x.clone(), precision);
    let mut sum = Ball::integer(0, precision);
    let mut n = 0;
    loop {
        sum = sum + &term;
        n += 1;
        term = term * &factor / Ball::integer(2 * n + 1, precision);
        let halves = twice <= Dyadic::new((2 * n + 3).into(), 0);
        let small = match (term.ends(), sum.ends()) {
            (Some([_, term]), Some([_, sum])) => term.is_zero() || term.size() + precision as i64 <= sum.size(),
            _ => true,
        };
        if halves && small {
            return sum.widened(&(term.clone() + term));
        }
    }
}

/// `erf x = (2/√π) e^{−x²} Σ_{n≥0} 2ⁿ x^{2n+1}/(1·3·…·(2n+1))` at a point, terms of one sign. Where `x² > working` the value is `±1` up to `erfc |x| ≤ e^{−x²}`.
fn erf_at(x: &Dyadic, working: usize) -> Ball {
    if x.is_negative() {
        return -erf_at(&-x, working);
    }
    let precision = working + 16;
    let square = x * x;
    let decay = exp_at(&-&square, precision);
    if square > Dyadic::new((working as i64).into(), 0) {
        let unit = Ball::between(Dyadic::zero(), Dyadic::new(1.into(), 0), precision);
        return Ball::integer(1, precision) - unit * decay;
    }
    Ball::integer(2, precision) * decay * odd_series(x, 2, precision) / pi(precision).sqrt()
}

/// `Φ(x) = ½ + e^{−x²/2}/√(2π) Σ_{n≥0} x^{2n+1}/(1·3·…·(2n+1))` at a point. Where `x² > 2 working`: `1 − Φ(|x|) ≤ ½e^{−x²/2}`.
fn gaussian_cdf_at(x: &Dyadic, working: usize) -> Ball {
    let square = x * x;
    let is_far = square > Dyadic::new((2 * working as i64).into(), 0);
    // On the left the value is a difference: x²/2 nats of it cancel.
    let cancels = if x.is_negative() && !is_far { square.to_f64(true) as usize } else { 0 };
    let precision = working + 16 + cancels;
    let half = Ball::integer(1, precision).ratio(1, 2);
    let magnitude = if x.is_negative() { -x } else { x.clone() };
    let decay = exp_at(&(-&square).shifted(-1), precision);
    let above = if is_far {
        let unit = Ball::between(Dyadic::zero(), Dyadic::new(1.into(), 0), precision);
        let beyond = unit * decay * &half;
        if x.is_negative() {
            return beyond;
        }
        half.clone() - beyond
    } else {
        decay * odd_series(&magnitude, 1, precision) / (Ball::integer(2, precision) * pi(precision)).sqrt()
    };
    if x.is_negative() { half - above } else { half + above }
}

/// `π = 16 arctan(1/5) − 4 arctan(1/239)` (Machin); an alternating series ends within its first term left out. Kept for each precision.
pub(super) fn pi(precision: usize) -> Ball {
    static KNOWN: Mutex<BTreeMap<usize, Ball>> = Mutex::new(BTreeMap::new());
    if let Some(known) = KNOWN.lock().ok().and_then(|known| known.get(&precision).cloned()) {
        return known;
    }
    let working = precision + 16;
    let arctan = |q: i64| {
        let square = Ball::integer(q * q, working);
        let (mut power, mut sum) = (Ball::integer(1, working) / Ball::integer(q, working), Ball::integer(0, working));
        let mut i = 0;
        loop {
            let term = power.clone() / Ball::integer(2 * i + 1, working);
            if power.ends().is_none_or(|[_, high]| high.size() < -(working as i64)) {
                return sum.widened(&term);
            }
            sum = if i % 2 == 0 { sum + term } else { sum - term };
            power = power / &square;
            i += 1;
        }
    };
    let value = arctan(5) * Ball::integer(16, working) - arctan(239) * Ball::integer(4, working);
    if let Ok(mut known) = KNOWN.lock() {
        known.insert(precision, value.clone());
    }
    value
}

/// `[sin x, cos x]` at a point.
///
/// With `r = x/2^k`, `|r| ≤ 2^{−8}`: the series of both, with a remainder of at most the first term left out, then `k` times `sin 2r = 2 sin r cos r`, `1 − cos 2r = 2 sin² r`. For `|x| ≥ 2^20` only `|sin|, |cos| ≤ 1`.
fn sin_cos_at(x: &Dyadic, working: usize) -> [Ball; 2] {
    let size = x.size();
    if size > LARGEST_SIZE {
        let one = Dyadic::new(1.into(), 0);
        return [(); 2].map(|()| Ball::between(-&one, one.clone(), working));
    }
    let halvings = (size + 8).max(0);
    let precision = working + 2 * halvings as usize + 16;
    let r = Ball::point(x.shifted(-halvings), precision);
    let square = -(r.clone() * &r);
    // Σ (−r²)ⁱ/(2i+1)! · r and Σ (−r²)ⁱ/(2i)!: each term is at least 16 bits smaller than the one before.
    let (mut sine, mut cosine) = (Ball::integer(0, precision), Ball::integer(0, precision));
    let mut even = Ball::integer(1, precision);
    let mut i = 0;
    while i * 16 < precision as i64 + 32 {
        cosine = cosine + &even;
        let odd = even.clone() / Ball::integer(2 * i + 1, precision);
        sine = sine + &odd;
        even = odd * &square / Ball::integer(2 * i + 2, precision);
        i += 1;
    }
    let (mut sine, mut cosine) = (sine.widened(&even.abs()) * &r, cosine.widened(&even.abs()));
    let (one, two) = (Ball::integer(1, precision), Ball::integer(2, precision));
    for _ in 0..halvings {
        let next = two.clone() * &sine * &sine;
        sine = sine * &cosine * &two;
        cosine = one.clone() - next;
    }
    [sine, cosine]
}

impl Ball {
    /// `e^x`.
    pub(crate) fn exp(&self) -> Self {
        increasing(self, exp_at)
    }

    /// `ln x`; the whole line where the interval is not positive.
    pub(crate) fn ln(&self) -> Self {
        increasing(self, ln_at)
    }

    /// `1/(1 + e^{−x})`.
    pub(crate) fn sigmoid(&self) -> Self {
        increasing(self, sigmoid_at)
    }

    /// The hyperbolic tangent.
    pub(crate) fn tanh(&self) -> Self {
        increasing(self, tanh_at)
    }

    /// `ln(1 + e^x) = max(x, 0) + ln(1 + e^{−|x|})`.
    pub(crate) fn softplus(&self) -> Self {
        increasing(self, |x, working| {
            let e = exp_at(&if x.is_negative() { x.clone() } else { -x }, working);
            let size = e.ends().map_or(0, |[_, high]| -high.size());
            let part = if size > working as i64 {
                // e − e²/2 ≤ ln(1 + e) ≤ e.
                let half = e.clone() * &e * Self::integer(1, working).ratio(1, 2);
                let unit = Self::between(Dyadic::zero(), Dyadic::new(1.into(), 0), working);
                e - half * unit
            } else {
                // Bits for the zeros in front of ln(1 + e).
                let precision = working + size.max(0) as usize;
                (Self::integer(1, precision) + e).ln()
            };
            if x.is_negative() { part } else { part + Self::point(x.clone(), working) }
        })
    }

    /// The error function.
    pub(crate) fn erf(&self) -> Self {
        increasing(self, erf_at)
    }

    /// The Gaussian distribution function.
    pub(crate) fn gaussian_cdf(&self) -> Self {
        increasing(self, gaussian_cdf_at)
    }

    /// `[sin x, cos x]`. Between the extrema both are monotone: the range is that of the ends and of the extrema in the interval.
    pub(crate) fn sin_cos(&self) -> [Self; 2] {
        let one = Dyadic::new(1.into(), 0);
        let all = || Self::between(-&one, one.clone(), self.precision());
        let Some([low, high]) = self.ends() else { return [all(), all()] };
        // Rounded: the exact difference of ends of very different sizes would not fit into memory.
        let width = high.sum(&-low, self.precision(), true);
        if low.size().max(high.size()) > LARGEST_SIZE || width > Dyadic::new(7.into(), 0) {
            return [all(), all()];
        }
        let half_pi = pi(self.precision() + GUARD) * Self::integer(1, self.precision()).ratio(1, 2);
        // The multiples of π/2 near the interval: the float is off by less than one, and the interval holds at most five.
        let first = (low.to_f64(false) / std::f64::consts::FRAC_PI_2).floor() as i64 - 1;
        let inside: Vec<i64> = (first..first + 9)
            .filter(|n| {
                let multiple = half_pi.clone() * Self::integer(*n, self.precision() + GUARD);
                multiple.ends().is_none_or(|[from, to]| from <= high && low <= to)
            })
            .collect();
        let at_point = (low == high).then(|| sin_cos_at(low, first_attempt(low, self.precision())));
        // sin is 1 at n = 1 modulo 4 and −1 at 3; cos is 1 at 0 and −1 at 2.
        [0, 1].map(|which: i64| {
            let of = |x: &Dyadic, up: bool| {
                directed(x, self.precision(), up, |x, working| sin_cos_at(x, working)[which as usize].clone())
            };
            let meets = |residue: i64| inside.iter().any(|n| (n + which).rem_euclid(4) == residue);
            let rounded = at_point.as_ref().and_then(|values| rounded_alike(&values[which as usize], self.precision()));
            if let Some([from, to]) = rounded.filter(|_| inside.is_empty()) {
                return Self::between(from, to, self.precision());
            }
            let ends = || {
                let lowest = if meets(3) { -&one } else { of(low, false)?.min(of(high, false)?) };
                let highest = if meets(1) { one.clone() } else { of(low, true)?.max(of(high, true)?) };
                Some(Self::between(lowest, highest, self.precision()))
            };
            ends().unwrap_or_else(all)
        })
    }
}

#[cfg(test)]
mod containment;
#[cfg(test)]
mod tests;
