//! Numbers for reading: at most six significant digits, plain notation where it stays short.

/// Significant digits of a number in prose and tables.
const DIGITS: usize = 6;

/// A finite number with at most six significant digits and no trailing zeros.
pub(crate) fn number(value: f64) -> String {
    significant(value, DIGITS)
}

fn significant(value: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0".into();
    }
    // Rounding may carry into the next decade, so the exponent is read off the rounded number.
    let scientific = format!("{value:.*e}", digits - 1);
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
        trimmed(&format!("{value:.decimals$}")).into()
    } else {
        format!("{}e{exponent}", trimmed(mantissa))
    }
}

fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// An integer: all digits, or a short multiple of a power of ten from a million on.
pub(crate) fn integer(value: i64) -> String {
    let digits = value.to_string();
    let head = digits.trim_end_matches('0');
    let zeros = digits.len() - head.len();
    if value.unsigned_abs() >= 1_000_000 && head.trim_start_matches('-').len() <= 2 {
        format!("{head}e{zeros}")
    } else {
        digits
    }
}

/// A found interval and an accepted one; ends too close for six digits get as many as tell them apart.
pub(crate) fn intervals(found: Option<[f64; 2]>, accepted: [Option<f64>; 2]) -> [String; 2] {
    let ends: Vec<f64> = found.iter().flatten().copied().chain(accepted.iter().flatten().copied()).collect();
    let enough = |digits: &usize| {
        let differ = |(i, a): (usize, &f64)| {
            ends[..i].iter().all(|b| a == b || significant(*a, *digits) != significant(*b, *digits))
        };
        ends.iter().enumerate().all(differ)
    };
    let digits = (DIGITS..17).find(enough).unwrap_or(17);
    let show = |end: f64| significant(end, digits);
    let found = found.map_or("no number".into(), |[low, high]| format!("[{}, {}]", show(low), show(high)));
    let accepted = match accepted {
        [Some(low), Some(high)] => format!("[{}, {}]", show(low), show(high)),
        [Some(low), None] => format!("≥ {}", show(low)),
        [None, Some(high)] => format!("≤ {}", show(high)),
        [None, None] => "nothing".into(),
    };
    [found, accepted]
}

/// A number with as many digits, from six on, as tell all of `others` apart.
pub(crate) fn distinct(value: f64, others: &[f64]) -> String {
    let enough = |digits: &usize| {
        others
            .windows(2)
            .all(|pair| pair[0] == pair[1] || significant(pair[0], *digits) != significant(pair[1], *digits))
    };
    significant(value, (DIGITS..17).find(enough).unwrap_or(17))
}

/// A time for reading.
pub(crate) fn seconds(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{:.0} ms", 1e3 * s),
        s if s < 99.5 => format!("{s:.1} s"),
        s if s < 5940.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_and_no_more() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (0.1 + 0.2, "0.3"),
            (22222.222222222223, "22222.2"),
            (999999.4, "999999"),
            (999999.6, "1e6"),
            (1234567.0, "1.23457e6"),
            (-0.000123456789, "-0.000123457"),
            (0.0000999999999, "0.0001"),
            (1.5e-7, "1.5e-7"),
            (1e300, "1e300"),
            (5e-324, "4.94066e-324"),
            (100.0, "100"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn integers_are_exact() {
        for (value, text) in [
            (0, "0"),
            (-7, "-7"),
            (100_000, "100000"),
            (1_000_000, "1e6"),
            (10_000_000_000, "1e10"),
            (-2_500_000, "-25e5"),
            (1_234_000, "1234000"),
            (i64::MIN, "-9223372036854775808"),
        ] {
            assert_eq!(integer(value), text);
        }
    }

    /// A reader must see why an interval is or is not inside.
    #[test]
    fn ends_that_differ_look_different() {
        let [found, accepted] = intervals(Some([0.0, 1.0000000001]), [Some(0.0), Some(1.0)]);
        assert_eq!((found.as_str(), accepted.as_str()), ("[0, 1.0000000001]", "[0, 1]"));
        let [found, accepted] = intervals(Some([0.49991, 0.50012]), [Some(0.49), None]);
        assert_eq!((found.as_str(), accepted.as_str()), ("[0.49991, 0.50012]", "≥ 0.49"));
        assert_eq!(intervals(None, [None, Some(2.0)]), ["no number", "≤ 2"]);
    }

    #[test]
    fn times_have_fitting_units() {
        assert_eq!([0.0123, 1.93, 99.6, 3600.0, 7200.0].map(seconds), ["12 ms", "1.9 s", "2 min", "60 min", "2.0 h"]);
    }
}
