//! What is shown: overlaps over time under SGD and under the flow, all alignments, and the growth of raw norms.

use super::{NOISIER, POINTS, PublishedFigure};
use crate::{Column, Figure, Scale, Table};

impl PublishedFigure {
    /// Two panels for SGD, the same for the flow, and all alignments.
    pub(in crate::lemmas::finite_batch_sgd) fn views(&self) -> (Vec<Table>, Vec<Figure>) {
        let (mut tables, mut figures) = (vec![self.alignments(), self.norms()], Vec::new());
        for (course, which, what) in [
            (&self.quiet[0], "sgd", format!("online SGD, ε = {}", self.noise)),
            (&self.flow, "flow", "flow".to_string()),
        ] {
            for (vector, overlaps) in [("expert", &course.experts), ("router", &course.routers)] {
                let name = format!("{which}-{vector}s");
                let students = course.students(self.teachers);
                let pairs: Vec<usize> = students.iter().enumerate().map(|(j, i)| i * self.teachers + j).collect();
                let mut heads: Vec<String> =
                    students.iter().enumerate().map(|(j, i)| format!("student {i}, teacher {j}")).collect();
                // One student and one teacher have no others.
                if self.overlaps.len() > pairs.len() {
                    heads.push("largest other".into());
                }
                let columns = heads.iter().map(|head| Column::new(head, ""));
                let mut table = Table::new(&name, std::iter::once(Column::new("t", "time")).chain(columns));
                for (k, row) in overlaps.iter().enumerate() {
                    let time = self.until * k as f64 / POINTS as f64;
                    let others = (0..row.len()).filter(|pair| !pairs.contains(pair)).map(|pair| row[pair]);
                    let shown = pairs.iter().map(|pair| row[*pair]).chain(others.reduce(f64::max));
                    table.push(std::iter::once(time.into()).chain(shown.map(Into::into)));
                }
                tables.push(table);
                let title =
                    format!("{vector} overlap of each teacher's student at the end: {what}, d = {}", self.dimension);
                figures.push(Figure::new(&name, title, &name, "t", heads, [Scale::Linear; 2]));
            }
        }
        (tables, figures)
    }

    /// How much raw norms grow: 1 by the law for dormant experts, less where students learn.
    fn norms(&self) -> Table {
        let heads = ["run", "ε", "(‖w‖⁴ − 1)/(2εt) at the end, mean over students"];
        let mut table = Table::new("norms", heads.map(|head| Column::new(head, "")));
        let quiet = self.quiet.iter().map(|course| (course, self.noise));
        for (k, (course, noise)) in quiet.chain([(&self.noisy, NOISIER * self.noise)]).enumerate() {
            table.push([k.into(), noise.into(), course.growth.into()]);
        }
        table
    }

    /// Every pair that some run aligns, in the order of the flow, then of SGD.
    fn alignments(&self) -> Table {
        let noisier = NOISIER * self.noise;
        let columns = [
            ("student", String::new()),
            ("teacher", String::new()),
            ("κ_0", String::new()),
            ("T flow", "time".into()),
            ("T SGD", "time".into()),
            ("predicted", "time".into()),
            ("T SGD, twice the noise", "time".into()),
            ("predicted, twice the noise", "time".into()),
        ];
        let mut table = Table::new("alignments", columns.map(|(head, unit)| Column::new(head, unit)));
        let mut pairs: Vec<usize> = (0..self.overlaps.len())
            .filter(|&pair| [&self.flow, &self.quiet[0], &self.noisy].iter().any(|c| c.aligned[pair].is_some()))
            .collect();
        let key =
            |pair: usize| [&self.flow, &self.quiet[0], &self.noisy].map(|c| c.aligned[pair].unwrap_or(f64::INFINITY));
        pairs.sort_by(|a, b| key(*a).partial_cmp(&key(*b)).expect("times are numbers"));
        for pair in pairs {
            let predicted = |noise: f64| Some(self.flow.aligned[pair]? * self.delay(pair, noise)?);
            table.push([
                (pair / self.teachers).into(),
                (pair % self.teachers).into(),
                self.overlaps[pair].into(),
                self.flow.aligned[pair].into(),
                self.quiet[0].aligned[pair].into(),
                predicted(self.noise).into(),
                self.noisy.aligned[pair].into(),
                predicted(noisier).into(),
            ]);
        }
        table
    }
}
