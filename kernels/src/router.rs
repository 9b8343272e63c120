//! Router functions and their slopes, of many numbers at once.

use crate::{Router, sigmoid};

/// `π(z)` and `π'(z)` of every entry of `z`, for any router function: within a few `10⁻¹⁶` absolutely.
///
/// # Panics
/// If the lengths differ.
pub fn router_values(router: Router, z: &[f64], value: &mut [f64], slope: &mut [f64]) {
    assert!(z.len() == value.len() && z.len() == slope.len(), "slices of one length");
    match router {
        Router::Sigmoid => {
            sigmoid(z, value);
            slope.iter_mut().zip(value).for_each(|(slope, y)| *slope = *y * (1.0 - *y));
        }
        Router::Tanh => {
            // tanh z = 2π(2z) − 1.
            slope.iter_mut().zip(z).for_each(|(double, z)| *double = 2.0 * z);
            sigmoid(slope, value);
            for (slope, y) in slope.iter_mut().zip(value) {
                *slope = 4.0 * *y * (1.0 - *y);
                *y = 2.0 * *y - 1.0;
            }
        }
        Router::GaussianCdf => {
            for ((z, value), slope) in z.iter().zip(value).zip(slope) {
                *value = router.value(*z);
                *slope =
                    (-0.5 * z * z).exp() * (0.5 * std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values against the scalar functions, slopes against central differences.
    #[test]
    fn every_router_has_its_value_and_slope() {
        for router in Router::ALL {
            let z: Vec<f64> = (-40..=40).map(|i| f64::from(i) * 0.2).collect();
            let (mut value, mut slope) = (vec![0.0; z.len()], vec![0.0; z.len()]);
            router_values(router, &z, &mut value, &mut slope);
            for (i, z) in z.iter().enumerate() {
                assert!((value[i] - router.value(*z)).abs() < 1e-15, "{router} {z}");
                let difference = (router.value(z + 1e-5) - router.value(z - 1e-5)) / 2e-5;
                // Truncation h²/6·|π'''| ≤ 4e-11, rounding 1e-16/h.
                assert!((slope[i] - difference).abs() < 1e-10, "{router} {z}");
            }
        }
    }
}
