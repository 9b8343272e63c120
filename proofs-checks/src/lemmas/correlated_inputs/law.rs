//! The laws of the inputs, and starts under them.

use moe_theory::soft_routed::{InitialLaw, Inputs, Start, two_level_start};
use rand_distr::{Distribution, StandardNormal};
use serde_json::json;

use crate::{CheckError, Control, Evidence, Finding, Run};

/// Strengths of the spikes, length of the means, levels, Toeplitz ratio.
pub(in crate::lemmas) const SPIKE: f64 = 1.0;
pub(super) const DIP: f64 = -0.5;
const LEVELS: [f64; 2] = [1.25, 0.75];
pub(super) const RATIO: f64 = 0.5;
/// Mixtures of unequal weights: share, mean and variance of each part. Means that cancel, with the second moment `I + uuᵀ` of `±μ`; means that do not; variances.
const UNEQUAL: [(f64, f64, f64); 2] = [(0.75, -0.577_350_269_189_625_8, 1.0), (0.25, 1.732_050_807_568_877_2, 1.0)];
const UNCENTRED: [(f64, f64, f64); 2] = [(0.75, 1.0, 1.0), (0.25, -1.0, 1.0)];
const VARIANCES: [(f64, f64, f64); 2] = [(0.5, 0.0, 0.5), (0.5, 0.0, 1.5)];

/// A law of the inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lemmas) enum Law {
    Isotropic,
    SpikeGeneric,
    MixtureGeneric,
    MixtureRouter,
    TwoLevel,
    SpikeExpert,
    DipExpert,
    MixtureExpert,
    Toeplitz,
    UnequalGeneric,
    UncentredGeneric,
    TwoVariances,
    UnequalRouter,
    UnequalExpert,
}

impl Law {
    /// The laws of the table `survival`; mixtures of unequal parts have their own.
    pub(super) const ALL: [Self; 9] = [
        Self::Isotropic,
        Self::SpikeGeneric,
        Self::MixtureGeneric,
        Self::MixtureRouter,
        Self::TwoLevel,
        Self::SpikeExpert,
        Self::DipExpert,
        Self::MixtureExpert,
        Self::Toeplitz,
    ];

    pub(in crate::lemmas) fn name(self) -> &'static str {
        match self {
            Self::Isotropic => "N(0, I)",
            Self::SpikeGeneric => "spike λ = 1, generic",
            Self::MixtureGeneric => "mixture ±μ, generic",
            Self::MixtureRouter => "mixture ±μ, along the router",
            Self::TwoLevel => "two levels, 1.25 and 0.75",
            Self::SpikeExpert => "spike λ = 1, along the expert",
            Self::DipExpert => "spike λ = −½, along the expert",
            Self::MixtureExpert => "mixture ±μ, along the expert",
            Self::Toeplitz => "Toeplitz r = ½",
            Self::UnequalGeneric => "mixture ¾ at −μ/√3, ¼ at √3μ, generic",
            Self::UncentredGeneric => "mixture ¾ at μ, ¼ at −μ, generic",
            Self::TwoVariances => "mixture of N(0, ½I) and N(0, 3/2 I)",
            Self::UnequalRouter => "mixture ¾ at −μ/√3, ¼ at √3μ, along the router",
            Self::UnequalExpert => "mixture ¾ at −μ/√3, ¼ at √3μ, along the expert",
        }
    }

    /// A finding under this law: one item, the words of which are the statement, and its control.
    pub(super) fn finding(self, what: &str, item: Evidence, control: &Control) -> Finding {
        let (statement, witness) = (item.statement().to_string(), json!({ "interval": item.interval() }));
        let title = format!("{}: {what}", self.name());
        Finding::judged(title, statement, &[item], std::slice::from_ref(control), witness)
    }

    /// Dimensions: two where exponents are asked for, one where there is no time to fit.
    pub(super) fn grid(self, run: &Run<'_>) -> Vec<u64> {
        let dimension = run.integer("dimension");
        match self {
            Self::Toeplitz => vec![run.integer("toeplitz-dimension")],
            Self::MixtureGeneric | Self::TwoLevel | Self::SpikeExpert | Self::MixtureExpert => vec![dimension],
            _ => vec![dimension, 10 * dimension],
        }
    }

    /// A start and inputs in its coordinates, for this many students and teachers; with the overlaps of random students or of orthogonal ones. Two levels are known for one teacher and random students.
    pub(in crate::lemmas) fn start(
        self,
        run: &Run<'_>,
        [students, teachers]: [usize; 2],
        student_overlap: f64,
        dimension: u64,
        replicate: u64,
    ) -> Result<(Start, Inputs), CheckError> {
        if self == Self::TwoLevel {
            let law = InitialLaw::new(3, students, 1, dimension);
            let [mut normals, mut radii] = [run.substream(replicate, 1), run.substream(replicate, 2)];
            let start = two_level_start(&law, &mut normals, &mut radii);
            let start = start.map_err(CheckError::theory)?;
            let inputs = Inputs::two_level(start.coordinates(), LEVELS);
            return Ok((start, inputs));
        }
        // One teacher more lends its directions: a generic unit vector has one coordinate beyond the teachers' span, up to O(d^{−1/2}) in it.
        let law = InitialLaw { student_overlap, ..InitialLaw::new(3, students, teachers + 1, dimension) };
        let start = law.sample(run.seed(), replicate).map_err(CheckError::theory)?;
        let (n, beyond) = (start.coordinates(), teachers);
        let mut start = start.with_first_teachers(teachers);
        let mut normals = run.substream(replicate, 3);
        let mut generic: Vec<f64> = vec![0.0; n];
        for k in (0..teachers).chain(teachers + 1..2 * teachers + 1) {
            let z: f64 = StandardNormal.sample(&mut normals);
            generic[k] = z / (dimension as f64).sqrt();
        }
        generic[beyond] = (1.0 - generic.iter().map(|x| x * x).sum::<f64>()).max(0.0).sqrt();
        let teacher = start.teacher();
        let (router, expert) = (teacher.router(0).to_vec(), teacher.expert(0).to_vec());
        let inputs = match self {
            Self::SpikeGeneric => Inputs::spiked(&generic, SPIKE),
            Self::MixtureGeneric => Inputs::two_clusters(&generic),
            Self::MixtureRouter => Inputs::two_clusters(&router),
            Self::SpikeExpert => Inputs::spiked(&expert, SPIKE),
            Self::DipExpert => Inputs::spiked(&expert, DIP),
            Self::MixtureExpert => Inputs::two_clusters(&expert),
            Self::UnequalGeneric => Inputs::unequal_clusters(&generic, UNEQUAL),
            Self::UncentredGeneric => Inputs::unequal_clusters(&generic, UNCENTRED),
            Self::TwoVariances => Inputs::unequal_clusters(&generic, VARIANCES),
            Self::UnequalRouter => Inputs::unequal_clusters(&router, UNEQUAL),
            Self::UnequalExpert => Inputs::unequal_clusters(&expert, UNEQUAL),
            Self::Toeplitz => {
                start = start.in_all_coordinates(&mut normals);
                Inputs::toeplitz(start.coordinates(), RATIO)
            }
            _ => Inputs::isotropic(n),
        };
        Ok((start, inputs))
    }
}
