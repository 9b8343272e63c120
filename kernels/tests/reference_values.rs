//! `A_n`, `Φ_{k,l}` and `K_{p,q}` against values computed with 50-digit quadrature by a program that shares nothing with this library.

use moe_kernels::{Correlations, CovarianceTable, MAX_TOTAL, Pair, PairKernel, Router};

const VALUES: &str = include_str!("reference_values.txt");

/// The rows of one kind, with the router and the numbers after it.
fn rows(kind: &str) -> Vec<(Router, Vec<f64>)> {
    let rows: Vec<_> = VALUES
        .lines()
        .filter_map(|line| line.strip_prefix(kind)?.strip_prefix(' '))
        .map(|row| {
            let (router, numbers) = row.split_once(' ').unwrap();
            (Router::from_name(router).unwrap(), numbers.split(' ').map(|x| x.parse().unwrap()).collect())
        })
        .collect();
    assert!(!rows.is_empty(), "{kind}");
    rows
}

/// The stated relative bounds: `2⁻⁵¹` for `a_n`, `(n + 2) 2⁻⁵²` for `A_n`. Half an ulp more is the parsed literal's own. Guards the trapezoid rule, its
/// normalisation and the far end of the tables.
#[test]
fn hermite_coefficients() {
    let ulp = f64::EPSILON;
    for (router, row) in rows("A") {
        let [n, expected] = row[..] else { panic!("{row:?}") };
        let found = router.hermite().value(n as usize);
        assert!((found - expected).abs() <= (n + 2.5) * ulp * expected.abs(), "{router} A_{n}: {found:e} {expected:e}");
    }
    for (router, row) in rows("a") {
        let [n, expected] = row[..] else { panic!("{row:?}") };
        let found = router.hermite().normalised(n as usize);
        assert!((found - expected).abs() <= 2.5 * ulp * expected.abs(), "{router} a_{n}: {found:e} {expected:e}");
    }
}

/// The stated `1e-14 |Φ_{k,l}(1)|`, up to the largest index sum and at both ends. The literals' `ρ` are decimals: their rounding moves `Φ` by at most
/// `2⁻⁵⁴ max |Φ'|`, and on these rows `|Φ'| = |Φ_{k+1,l+1}| ≤ 40 |Φ_{k,l}(1)|`, so that is below `3e-15` of the scale.
#[test]
fn covariances() {
    let natural_scale: Vec<(Router, Vec<f64>)> = rows("Phi").into_iter().filter(|(_, row)| row[2] == 1.0).collect();
    for (router, row) in rows("Phi") {
        let [k, l, rho, expected] = row[..] else { panic!("{row:?}") };
        let table = CovarianceTable::new(router, MAX_TOTAL);
        let found = table.value(k as usize, l as usize, rho);
        let same = |other: &&(Router, Vec<f64>)| other.0 == router && other.1[..2] == row[..2];
        let scale = natural_scale.iter().find(same).unwrap().1[3].abs();
        let error = (found - expected).abs() / scale;
        assert!(error <= 1e-14 + 3e-15, "{router} Φ_{k},{l}({rho}): {error:e}");
    }
}

/// The pair formula, cross orders included, within `2e-14 Σ|terms|`; the sum of absolute terms is the same formula at absolute correlations and `|Φ|`. A
/// wrong factor of the contraction sum cannot survive here: the reference does not use that sum.
#[test]
fn pair_expectations() {
    for (router, row) in rows("K") {
        let [p, q, r12, r13, r14, r23, r24, r34, expected] = row[..] else { panic!("{row:?}") };
        let (p, q, rho) = (p as usize, q as usize, [r12, r13, r14, r23, r24, r34]);
        let table = CovarianceTable::new(router, MAX_TOTAL);
        let found = Pair::new(&Correlations::from_array(rho), |k, l| table.value(k, l, r12)).value(p, q);
        let absolute = Correlations::from_array(rho.map(f64::abs));
        let bound = 2e-14 * Pair::new(&absolute, |k, l| table.value(k, l, r12).abs()).value(p, q);
        assert!((found - expected).abs() <= bound, "K_{p},{q}: {found:e} {expected:e} ± {bound:e}");
        if p == q && p > 0 {
            let mut out = [[0.0]; 7];
            let batch = rho.map(|r| [r]);
            PairKernel::new(router, p).evaluate(batch.each_ref().map(|r| &r[..]), out.each_mut().map(|o| &mut o[..]));
            assert!((out[0][0] - expected).abs() <= bound, "batch K_{p},{p}: {:e} {expected:e} ± {bound:e}", out[0][0]);
        }
    }
}
