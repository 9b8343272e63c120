//! `voronoi-rates`: over-specified mixtures of strongly identifiable experts have `L1 = O_P(n^{−1/2})`, as long as `k < 2k*`.
//!
//! # The claim, and where it ends
//!
//! Theory B3 has `L1(Ĝ_n, G*) = O_P((log n/n)^{1/2})` for every `k > k*`: atoms alone in their cells at `n^{−1/2}`, atoms of over-fitted cells at `n^{−1/4}`, for their differences enter `L1` squared. For `k ≥ 2k*` it is false: with every atom split into `ω ± c` at half its weight the function does not change (`flat-families`). The claim is
//! checked for k* = 2, k = 3; what happens at k* = 1, k = 2 and at k* = 2, k = 4 is shown on data.
//!
//! # The setting, by its predicted constant
//!
//! Theory B5's truth on [−3, 3]. To the order of `L1`, `‖f_G − f_G*‖ ≥ κ (|m| + Σ tr M2)` with the constants κ of [`local_constant`]; `L1` is a sum of `k* + 2e` norms (`e` exact cells) of parts of `m` and of `Σ tr M2`, so that `‖f_G − f_G*‖/L1 ≥ κ/√(k* + 2e) = κ/2` in the limit. The table `constants` has κ of either cell (tanh: 3·10⁻⁵, a coarse combination) and what it is made of: least values `v` of the over-fitted cell, 6·10⁻⁴, and `s` of the rest, 4·10⁻³. `v` is a prediction that can fail: a measure in its direction has to attain it (see `fits`), and no fit may be below. What that measure has over `L1` is 40 times `κ/2`, which says how coarse the combination is. With an
//! error of noise·√(p/n), p = 10, `L1` is about that over `v`: the noise 6·10⁻⁶ (10⁻⁵ from standard on) puts it at a few 10⁻³ at n = 100, where the box is 4. (At a hundred times the noise it is not small there: the least minimum has an atom of vanishing weight at the edge of the box, and the slope is steeper than ½ until that is over.)
//!
//! # Regions, power
//!
//! `ρ ± ⅛` ([`crate::fits`]) around ½ (`L1`, exact atoms) and ¼ (atoms of over-fitted cells). Over log 43, the grid at quick effort, the slope of one sample has deviation .22 for `L1`, .27 for its first-power part and .125 for the root of the weighted squares (samples of other seeds). At 280 samples the widest interval has half-width .042, and one that is off by .02, as they are, leaves its region with probability below 10⁻⁴.
//! Over log 1000, four sizes, the deviations are at most .13, .154 and .08, and 80 samples do. The distance of atoms alone in their cells is noisier and a finding.
//!
//! *Lack of fit:* a line whose slope changes by ¼ from the lower half of the grid to the upper has halves in the regions of different rates, so the change is judged against ±¼, as a finding: it is three times as noisy as the slope.
//!
//! `L1` bounds `Σ w‖Δ‖²` of an over-fitted cell, not the distance of an atom whose weight vanishes; what is measured is the root of that sum (see [`crate::fits`] on how weights are shared).
//!
//! # The common factor
//!
//! Where k ≥ 2k*, points of the family ω ± c are starts, beside those near the truth, and the estimate is the fit of least objective. Along the family the fit gains from noise what it gains at the truth, up to a law that is the same for every `n`, so where on it the least objective lies does not depend on `n` either: sometimes near the truth, sometimes at the box, in between. `L1 = O_P(n^{−1/2})`
//! would leave no share of samples above any bound; the share above a tenth, at the largest `n`, is judged against a tenth. The same share at k = 3, with either atom split in that way, is the twin: a third or more is rejected there (none of 24 gives .2 at most).
//!
//! # Twins
//!
//! Linear experts: the largest `L1` over the likelihood-ratio region (see `minimisers`), which holds points of their families `b ± t` and `a ± t`, does not fall. (`L1` of a single fit from a start near the truth scatters there with where the fit stops: its slope has a deviation of about 1.) And the rates exchanged on the same data: exact atoms at ¼, over-fitted ones at ½.

use moe_kernels::Activation;
use moe_theory::softmax::{Cubature, MixingMeasure, Power, local_constant, voronoi};
use serde_json::json;

use crate::fits::{AtSize, Fitted, Problem, grid, slopes};
use crate::{
    CheckError, Column, Control, Evidence, Figure, Finding, Findings, Inexact, Label, Lemma, Parameter, Run, Scale,
    Table, statistics,
};

use super::minimisers::{Family, NEAR, Series};
use super::plain_gate::{
    DIMENSION, HALF_WIDTH, LEVEL, TRUTH, halves, lack_of_fit, linear_families, quartiles, rate, sizes, sweep, table,
    truth_table, varied_problem,
};

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "voronoi-rates",
    paper: "2503.03213",
    claim: "With the experts of the run (tanh; from standard effort on GELU, too) and k = k* + 1 < 2k* atoms, L1 falls as n^(-1/2): atoms alone in their cells at n^(-1/2), those of over-fitted cells at n^(-1/4).",
    scope: "k < 2k* (k* = 2, k = 3; the paper says every k > k*, see the findings); softmax gate, x ~ U[-3, 3], Gaussian noise (1e-5 or a little less unless set; at a hundred times that slopes are steeper until n is larger), the truth (ω, β, a, b) = (2, .3, 3, -.5), (0, 0, -2, 1), or in its place the drawn one that `truth` and `dimension` name; parameters in a box (within 4 of the true ones unless set); the least of the local minima reached \
            from starts .02 off the split truth, until a step promises a thousandth of the excess of the truth; mean slope within ⅛, atoms of over-fitted cells weighted by their gates; GELU where `gelu-replicates` is above 0.",
    ledger: Label::Supported,
    typical_seconds: 180.0,
    parameters: &[
        Parameter::integer("replicates", "samples at each size", "", [8, 10_000], [280, 80, 100]),
        Parameter::integer("from", "least sample size", "", [100, 1_000_000], [150, 1000, 1000]),
        Parameter::integer("to", "largest sample size", "", [200, 10_000_000], [6400, 1_000_000, 1_000_000])
            .above("from"),
        Parameter::integer("sizes", "sample sizes on a geometric grid", "", [3, 30], [3, 4, 7]),
        Parameter::integer(
            "gelu-replicates",
            "samples at each size for GELU; 0 leaves them out",
            "",
            [0, 10_000],
            [0, 384, 400],
        ),
        Parameter::integer("gelu-to", "largest sample size for GELU", "", [200, 10_000_000], [16_000, 16_000, 256_000])
            .above("from"),
        Parameter::integer(
            "family-replicates",
            "samples at each size for the flat families",
            "",
            [2, 10_000],
            [24, 24, 100],
        ),
        Parameter::integer(
            "family-to",
            "largest sample size for the common factor and for linear experts",
            "",
            [200, 10_000_000],
            [1600, 16_000, 64_000],
        )
        .above("from"),
        DIMENSION,
        TRUTH,
        Parameter::real("noise", "standard deviation of the noise", "", [1e-7, 10.0], [6e-6, 1e-5, 1e-5]),
        HALF_WIDTH,
    ],
    check,
};

/// `c` of the starts along the common factor; with the last slope pinned, differences `2c` of slopes must fit the box.
const STEPS: [f64; 3] = [0.5, 1.0, 1.5];

/// Starts near the truth and with each of these sets of atoms split into `ω ± c`.
fn along_factor(
    run: &Run<'_>,
    problem: &Problem,
    sets: &[Vec<usize>],
    replicate: u64,
) -> Result<Vec<Vec<f64>>, CheckError> {
    let coordinates = problem.coordinates();
    let mut starts = problem.starts(run, &coordinates, replicate)?;
    for (c, set) in STEPS.into_iter().flat_map(|c| sets.iter().map(move |set| (c, set))) {
        let split = halves(&problem.truth, set, c, |atom, c| atom.omega[0] += c);
        starts.push(coordinates.parameters(&split).ok_or_else(|| CheckError::theory("a true slope is pinned"))?);
    }
    Ok(starts)
}

/// What L1 is far from 0: a tenth, of the order of the least of [`STEPS`] squared, and more than a hundred times what k = 3 has at the least `n`.
const FAR: f64 = 0.1;

/// Share of samples that "hardly any" is at most.
const NEAR_ALL: f64 = 0.1;

/// A number of every sample at the largest `n`.
fn last(rows: &[Vec<Fitted>], value: impl Fn(&Fitted) -> f64) -> Vec<f64> {
    rows.iter().filter_map(|fits| fits.last()).map(value).collect()
}

/// The share of samples with `L1` above [`FAR`] at the largest `n`; undecided where no fit and no start on the family is so far.
fn far(
    words: &str,
    problem: &Problem,
    sets: &[Vec<usize>],
    rows: &[Vec<Fitted>],
    accept: [f64; 2],
) -> Result<Evidence, CheckError> {
    let count = last(rows, |fit| fit.loss).into_iter().filter(|loss| *loss > FAR).count();
    let statement = format!("tanh experts, {words}: share of samples with L1 > {FAR} at the largest n");
    let item =
        Evidence::estimate(statement, LEVEL, statistics::proportion(count as u64, rows.len() as u64, LEVEL), accept);
    let (coordinates, mut reached) = (problem.coordinates(), count > 0);
    let bounds = problem.bounds(&coordinates);
    for (c, set) in STEPS.into_iter().flat_map(|c| sets.iter().map(move |set| (c, set))) {
        let split = halves(&problem.truth, set, c, |atom, c| atom.omega[0] += c);
        let theta = coordinates.parameters(&split).ok_or_else(|| CheckError::theory("a true slope is pinned"))?;
        let loss = voronoi(&problem.class, &split, &problem.truth, Power::L1).map_err(CheckError::theory)?;
        reached |= bounds.clamp(&theta) == theta && loss.loss > FAR;
    }
    Ok(if reached {
        item
    } else {
        item.withheld("no fit and none of the starts ω ± c in the box has an L1 above the bound")
    })
}

/// Experts with what was fitted to them.
struct Fits {
    name: &'static str,
    problem: Problem,
    rows: Vec<Vec<Fitted>>,
}

impl Fits {
    fn slopes(&self, value: impl Fn(&Fitted) -> f64) -> Vec<f64> {
        slopes(&self.rows, |fit| Some(value(fit)))
    }

    fn first(&self) -> Vec<f64> {
        self.slopes(|fit| fit.mass + fit.exact)
    }

    fn exact(&self) -> Vec<f64> {
        self.slopes(|fit| fit.largest_exact)
    }

    fn over(&self) -> Vec<f64> {
        self.slopes(|fit| fit.over.sqrt())
    }

    fn evidence(&self) -> [Evidence; 3] {
        let words = |what: &str| {
            format!("{} experts, 3 atoms for 2: slope of log {what} over log n, mean over samples", self.name)
        };
        [
            rate(words("L1"), &self.slopes(|fit| fit.loss), 0.5),
            rate(
                words("what L1 counts with the first power, weights of cells and atoms alone in theirs"),
                &self.first(),
                0.5,
            ),
            rate(words("(Σ w_i(‖Δω‖² + ‖Δη‖²))^½ over the over-fitted cell"), &self.over(), 0.25),
        ]
    }
}

/// The reference problem with its first `atoms` true ones.
fn reduced(run: &Run<'_>, activation: Activation, atoms: usize, fitted: usize) -> Problem {
    let mut problem = Problem { spread: NEAR, ..varied_problem(run, activation, fitted) };
    problem.truth.groups[0].atoms.truncate(atoms);
    problem.truth_class.sizes = vec![atoms];
    problem
}

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let (sizes, replicates) = (sizes(run), run.integer("replicates") as usize);
    let rule = Cubature::new(&varied_problem(run, Activation::Tanh, 3).inputs).map_err(CheckError::theory)?;
    let gelu = grid(run.integer("from") as usize, run.integer("gelu-to") as usize, sizes.len());
    let experts = [
        ("tanh", Activation::Tanh, replicates, &sizes),
        ("GELU", Activation::Gelu, run.integer("gelu-replicates") as usize, &gelu),
    ];
    let mut fits = Vec::new();
    for (name, activation, replicates, sizes) in experts.into_iter().filter(|expert| expert.2 > 0) {
        let problem = Problem { spread: NEAR, ..varied_problem(run, activation, 3) };
        let rows = sweep(run, &name.to_lowercase(), replicates, sizes, |n, replicate| {
            problem.estimate(run, &rule, n, replicate)
        })?;
        fits.push(Fits { name, problem, rows });
    }
    let mut evidence = Vec::new();
    for fits in &fits {
        evidence.extend(fits.problem.asymptotic(&rule, sizes[0], fits.evidence().into())?);
    }

    let ends = [run.integer("from") as usize, run.integer("family-to") as usize];
    let family_replicates = run.integer("family-replicates") as usize;
    let linear_problem = varied_problem(run, Activation::Linear, 3);
    let through = |measure: &MixingMeasure| linear_families(measure, 2.0);
    let family = Family { problem: &linear_problem, through: &through };
    let linear = family.series_to(run, "linear-family", &rule, (family_replicates as u64, run.integer("family-to")))?;
    let controls = vec![
        Control::new(
            "the largest L1 of linear experts over the likelihood-ratio region, their flat families in it, is rejected as n^(-1/2)",
            rate("linear experts, 3 atoms for 2: slope of the largest L1", &linear.slopes(|row| row.largest), 0.5),
        ),
        Control::new(
            "atoms of over-fitted cells are rejected at n^(-1/2)",
            rate("over-fitted atoms, the rate ½", &fits[0].over(), 0.5),
        ),
        Control::new(
            "weights and atoms alone in their cells are rejected at n^(-1/4)",
            rate("the first-power part of L1, the rate ¼", &fits[0].first(), 0.25),
        ),
    ];

    let mut tables = vec![truth_table(&linear_problem.truth)];
    tables.extend(fits.iter().map(|fits| table(&fits.name.to_lowercase(), &fits.rows)));
    let statement = format!("{} experts: ‖(Δω, Δη)‖ of the atom alone in its cell at n^(-1/2)", fits[0].name);
    let alone = vec![rate(&statement, &fits[0].exact(), 0.5)];
    let mut findings = vec![Finding::judged(
        "atoms alone in their cells",
        &statement,
        &fits[0].problem.asymptotic(&rule, sizes[0], alone)?,
        &controls[1..2],
        json!({ "slope": statistics::mean(&fits[0].exact(), LEVEL).map(|mean| mean.value) }),
    )];
    // Half of the atoms can be split at most: no common factor.
    let single = Problem { spread: NEAR, ..varied_problem(run, Activation::Tanh, 3) };
    let each = [vec![0], vec![1]];
    let rows = sweep(run, "one-split", family_replicates, &ends[1..], |n, replicate| {
        single.estimate_from(run, &rule, &along_factor(run, &single, &each, replicate)?, (n, replicate))
    })?;
    let small = Control::new(
        "k = 3 < 2k*, either atom split into ω ± c: a share of a third or more is rejected",
        far("3 atoms for 2", &single, &each, &rows, [1.0 / 3.0, 1.0])?,
    );
    for atoms in [1, 2] {
        let name = format!("common-factor-{atoms}");
        let doubled = reduced(run, Activation::Tanh, atoms, 2 * atoms);
        let all = [(0..atoms).collect::<Vec<_>>()];
        let rows = sweep(run, &name, family_replicates, &ends, |n, replicate| {
            doubled.estimate_from(run, &rule, &along_factor(run, &doubled, &all, replicate)?, (n, replicate))
        })?;
        let words = format!("{} atoms for {atoms}", 2 * atoms);
        findings.push(Finding::judged(
            format!("every k > k*: k = {}, k* = {atoms}", 2 * atoms),
            format!("L1 = O_P(n^(-1/2)) for tanh experts, {words}: at the largest n hardly any least-squares fit has an L1 of the order of the box; starts near the truth and along the common factor ω ± c"),
            &[far(&words, &doubled, &all, &rows, [0.0, NEAR_ALL])?],
            std::slice::from_ref(&small),
            json!({ "median L1 at the largest n": quartiles(&last(&rows, |fit| fit.loss))[1] }),
        ));
        tables.push(table(&name, &rows));
    }
    tables.push(linear.table("linear-family", &[("largest L1", &|row| row.largest), ("error", &|row| row.best.error)]));

    let mut constants = Table::new(
        "constants",
        [
            "experts",
            "atoms in the cells",
            "v",
            "error/over of the measure that attains v",
            "s",
            "b",
            "predicted κ",
            "κ/2",
            "error/L1 of the measure that attains v",
            "error/L1 least",
            "error/L1 median",
            "error/over least",
            "error/over median",
        ]
        .map(|head| Column::new(head, "")),
    );
    for fits in &fits {
        findings.push(lack_of_fit(&format!("{}, L1", fits.name), &fits.rows, |fit| fit.loss));
        findings.extend(self::constants(fits, &linear, &rule, &mut constants)?);
    }
    tables.push(constants);
    let figures = fits
        .iter()
        .map(|fits| {
            let series = ["L1", "over", "largest exact", "error"];
            let title = format!("{} experts, 3 atoms for 2: L1, parts, error (medians)", fits.name);
            Figure::new(fits.name.to_lowercase(), title, fits.name.to_lowercase(), "n", series, [Scale::Log; 2])
        })
        .chain([("common-factor-1", "2 atoms for 1"), ("common-factor-2", "4 atoms for 2")].map(|(name, words)| {
            Figure::new(
                name,
                format!("tanh experts, {words}: L1 and regression error (medians)"),
                name,
                "n",
                ["L1", "error"],
                [Scale::Log; 2],
            )
        }))
        .collect();
    Ok(Findings { evidence, controls, findings, tables, figures })
}

/// The value `v` of the cone against what a measure in its direction attains and what the over-fitted cells of fits leave, and the bound `κ/2` of `‖f_Ĝ − f_G*‖/L1` against both; fits apart by the cell that is over-fitted. The bounds are of the limit: fits decide nothing where the loss at the largest `n` is not small.
fn constants(fits: &Fits, linear: &Series, rule: &Cubature, table: &mut Table) -> Result<[Finding; 2], CheckError> {
    // The parts: all of L1, and what the over-fitted cell adds to it.
    let parts: [fn(&Fitted) -> f64; 2] = [|fit| fit.loss, |fit| fit.over];
    let (mut least, mut linear_least) = ([f64::INFINITY; 2], [f64::INFINITY; 2]);
    let (mut number, mut attained_least) = (0, f64::INFINITY);
    let (mut values, mut twins) = (Vec::new(), Vec::new());
    let mut flat = fits.problem.clone();
    flat.truth_class.activation = Activation::Linear;
    for cells in [[2, 1], [1, 2]] {
        let predicted = |problem: &Problem| {
            local_constant(&problem.truth_class, &problem.truth, rule, &cells).map_err(CheckError::theory)
        };
        let local = predicted(&fits.problem)?;
        let second = local.second.ok_or_else(|| CheckError::theory("no over-fitted cell"))?;
        let attained = fits.problem.attained(&local, rule)?;
        let words = format!("{} experts, {} and {} atoms in the cells", fits.name, cells[0], cells[1]);
        values.push(attained.value(&words, second));
        twins.push(attained.twin(&words, second));
        let other = flat.attained(&predicted(&flat)?, rule)?;
        twins.push(Control::new(
            "linear experts attain the value of these experts",
            other.value(&format!("linear experts, {} and {} atoms in the cells", cells[0], cells[1]), second),
        ));
        let bounds = [local.constant / 2.0, second];
        attained_least = attained_least.min(attained.error / attained.loss / bounds[0]);
        let ratios = |rows: &[Vec<Fitted>], part: fn(&Fitted) -> f64| -> Vec<f64> {
            let last = rows.iter().filter_map(|fits| fits.last());
            last.filter(|fit| fit.cells == cells).map(|fit| fit.error / part(fit)).collect()
        };
        let mut measured = Vec::new();
        for part in 0..2 {
            let found = ratios(&fits.rows, parts[part]);
            let lowest = found.iter().copied().fold(f64::INFINITY, f64::min);
            least[part] = least[part].min(lowest / bounds[part]);
            let others = linear.all(|row| [row.ratio, row.over_ratio][part]);
            linear_least[part] = others.fold(linear_least[part], |least, r| least.min(r / bounds[part]));
            number += found.len();
            measured.extend([lowest, quartiles(&found)[1]]);
        }
        let mut row: Vec<_> = vec![fits.name.into(), format!("{}, {}", cells[0], cells[1]).into()];
        row.extend([second, attained.error / attained.moment, local.first, local.bound].map(Into::into));
        row.extend([local.constant, bounds[0], attained.error / attained.loss].map(Into::into));
        row.extend(measured.into_iter().map(|value| Some(value).filter(|value| value.is_finite()).into()));
        table.push(row);
    }
    let above = |statement: &str, ratio: f64| {
        let accept = [1.0, f64::INFINITY];
        if ratio.is_finite() {
            // Quadrature and losses are good to 1e-10.
            Evidence::comparison(statement, [ratio * (1.0 - 1e-9), ratio * (1.0 + 1e-9)], accept)
        } else {
            Evidence::unresolved(Inexact::Comparison, statement, accept, "no fit has these cells")
        }
    };
    let largest = fits.rows.iter().filter_map(|fits| fits.last()).map(AtSize::size).max().unwrap_or(0);
    let of_fits = |part: usize, ratio: &str, bound: &str| -> Result<(Vec<Evidence>, Control), CheckError> {
        let statement = format!(
            "{} experts: at the largest n the least {ratio} over the samples, divided by {bound}, is 1 or more",
            fits.name
        );
        let twin = Control::new(
            "the constant of these experts does not bound linear ones",
            above("linear experts, the same ratio", linear_least[part]),
        );
        let items = vec![above(&statement, least[part])];
        Ok((fits.problem.asymptotic(rule, largest, items)?, twin))
    };
    let (mut bounds, twin) = of_fits(0, "‖f_Ĝ − f_G*‖/L1", "κ/2")?;
    let worst = above(
        &format!(
            "{} experts: ‖f_G − f_G*‖/L1 of a measure in the worst direction of either cell, divided by κ/2, is 1 or more",
            fits.name
        ),
        attained_least,
    );
    bounds.push(worst);
    let constant = Finding::judged(
        format!("bound of L1, {}", fits.name),
        format!(
            "{} experts: ‖f_G − f_G*‖ ≥ (κ/2) L1 near the truth, for the fits and for measures in the worst direction of the cone (whose ratio says how coarse κ/2 is)",
            fits.name
        ),
        &bounds,
        &[twin],
        json!({ "fits": number / 2 }),
    );
    let (over, twin) = of_fits(1, "‖f_Ĝ − f_G*‖/Σ w_i(‖Δω‖² + ‖Δη‖²) of the over-fitted cell", "v")?;
    values.extend(over);
    twins.push(twin);
    let value = Finding::judged(
        format!("predicted constant, {}", fits.name),
        format!(
            "{} experts: v, predicted from second derivatives at the truth, is the ‖f_G − f_G*‖/Σ w_i(‖Δω‖² + ‖Δη‖²) of a measure in its direction within 1 %, and no fit is below it",
            fits.name
        ),
        &values,
        &twins,
        json!({ "fits": number / 2 }),
    );
    Ok([constant, value])
}
