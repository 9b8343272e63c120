//! Whole numbers in specs.

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer};

/// A whole number, written `10000` or `1e4`.
pub(crate) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a whole number")]
    enum Number {
        Integer(i64),
        Large(u64),
        Float(f64),
    }
    let expected = &"a whole number, not negative";
    match Number::deserialize(deserializer)? {
        Number::Integer(n) => {
            u64::try_from(n).map(Some).map_err(|_| D::Error::invalid_value(Unexpected::Signed(n), expected))
        }
        Number::Large(n) => Ok(Some(n)),
        // 2^53: beyond, a float is no exact count.
        Number::Float(x) if x >= 0.0 && x.fract() == 0.0 && x <= 9_007_199_254_740_992.0 => Ok(Some(x as u64)),
        Number::Float(x) => {
            let expected =
                &"a whole number, not negative; at most 9007199254740992 if written with a point or an exponent";
            Err(D::Error::invalid_value(Unexpected::Float(x), expected))
        }
    }
}

/// The same as a count of things in memory.
pub(crate) fn whole_usize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    Ok(whole(deserializer)?.and_then(|n| n.try_into().ok()).unwrap_or(usize::MAX))
}
