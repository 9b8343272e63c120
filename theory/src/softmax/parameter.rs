//! What each coordinate of a class is.

use std::fmt;

use super::{Coordinates, Gate};

/// Where a parameter belongs; groups and atoms count from 0, atoms in their group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The mixture as a whole.
    Mixture,
    /// A group of a hierarchical gate.
    Group(usize),
    /// An atom, of a group where the gate is hierarchical.
    Atom {
        /// The group.
        group: Option<usize>,
        /// The atom.
        atom: usize,
    },
}

/// What a parameter is there; a slope with its column of inputs, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Slope of the outer gate.
    Alpha(usize),
    /// Slope of the gate.
    Omega(usize),
    /// Intercept of the gate, or, of a group, of the outer gate.
    Beta,
    /// Slope of the expert.
    A(usize),
    /// Intercept of the expert.
    B,
    /// Outer weight of the expert.
    Lambda,
    /// Temperature.
    Tau,
}

impl Role {
    /// The column of inputs of a slope, from 0.
    pub fn column(self) -> Option<usize> {
        match self {
            Self::Alpha(u) | Self::Omega(u) | Self::A(u) => Some(u),
            Self::Beta | Self::B | Self::Lambda | Self::Tau => None,
        }
    }
}

/// One coordinate. It is displayed as a path: `atoms[1].omega[0]`, `groups[0].atoms[1].b`, `tau`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Where it belongs.
    pub place: Place,
    /// What it is there.
    pub role: Role,
}

impl Coordinates {
    /// What each coordinate is, in the order of the vectors of parameters.
    ///
    /// ```
    /// use moe_kernels::Activation;
    /// use moe_theory::softmax::{Architecture, Coordinates, Gate};
    /// let class = Architecture { dimension: 1, gate: Gate::Softmax, sizes: vec![2], activation: Activation::Tanh, outer_weight: false };
    /// let coordinates = Coordinates::new(&class, false);
    /// let mut names: Vec<String> = coordinates.described().iter().map(ToString::to_string).collect();
    /// names.sort();
    /// assert_eq!(names, ["atoms[0].a[0]", "atoms[0].b", "atoms[0].beta", "atoms[0].omega[0]", "atoms[1].a[0]", "atoms[1].b"]);
    /// ```
    pub fn described(&self) -> Vec<Parameter> {
        let (class, layout) = (self.class(), self.layout());
        let d = class.dimension;
        let mut all: Vec<(usize, Parameter)> = Vec::with_capacity(layout.parameters);
        let mut put = |at: Option<usize>, place, role| all.extend(at.map(|at| (at, Parameter { place, role })));
        let mut i = 0;
        for (a, size) in class.sizes.iter().enumerate() {
            (0..d).for_each(|u| put(layout.outer[a].map(|first| first + u), Place::Group(a), Role::Alpha(u)));
            put(layout.outer[a].map(|first| first + d), Place::Group(a), Role::Beta);
            for atom in 0..*size {
                let place = Place::Atom { group: (class.gate == Gate::Hierarchical).then_some(a), atom };
                for u in 0..d {
                    put(layout.slope[i].map(|first| first + u), place, Role::Omega(u));
                    put(Some(layout.expert[i] + u), place, Role::A(u));
                }
                put(layout.intercept[i], place, Role::Beta);
                put(Some(layout.expert[i] + d), place, Role::B);
                put(layout.weight[i], place, Role::Lambda);
                i += 1;
            }
        }
        put(layout.temperature, Place::Mixture, Role::Tau);
        all.sort_by_key(|(at, _)| *at);
        debug_assert!(all.iter().enumerate().all(|(i, (at, _))| i == *at), "each place once");
        all.into_iter().map(|(_, parameter)| parameter).collect()
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Mixture => {}
            Place::Group(group) => write!(f, "groups[{group}].")?,
            Place::Atom { group, atom } => {
                group.map_or(Ok(()), |group| write!(f, "groups[{group}]."))?;
                write!(f, "atoms[{atom}].")?;
            }
        }
        match self.role {
            Role::Alpha(u) => write!(f, "alpha[{u}]"),
            Role::Omega(u) => write!(f, "omega[{u}]"),
            Role::Beta => f.write_str("beta"),
            Role::A(u) => write!(f, "a[{u}]"),
            Role::B => f.write_str("b"),
            Role::Lambda => f.write_str("lambda"),
            Role::Tau => f.write_str("tau"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::softmax::Architecture;
    use moe_kernels::Activation;

    /// Names against measures: raising one coordinate by 1 changes the number that its path names, and no other.
    #[test]
    fn a_path_names_what_its_coordinate_moves() {
        for (gate, sizes) in [
            (Gate::DenseToSparse(Activation::Tanh), vec![3]),
            (Gate::Hierarchical, vec![2, 1, 3]),
            (Gate::Hierarchical, vec![2]),
        ] {
            let class = Architecture { dimension: 2, gate, sizes, activation: Activation::Sigmoid, outer_weight: true };
            let coordinates = Coordinates::new(&class, false);
            let names = coordinates.described();
            assert_eq!(names.len(), coordinates.count());
            let origin = vec![0.0; names.len()];
            for (i, name) in names.iter().enumerate() {
                let mut theta = origin.clone();
                theta[i] = 1.0;
                let measure = coordinates.measure(&theta);
                let group = |group: Option<usize>| &measure.groups[group.unwrap_or(0)];
                let named = match (name.place, name.role) {
                    (Place::Mixture, _) => measure.tau,
                    (Place::Group(a), Role::Alpha(u)) => group(Some(a)).alpha[u],
                    (Place::Group(a), _) => group(Some(a)).beta,
                    (Place::Atom { group: a, atom }, role) => {
                        let atom = &group(a).atoms[atom];
                        match role {
                            Role::Omega(u) => atom.omega[u],
                            Role::A(u) => atom.a[u],
                            Role::Beta => atom.beta,
                            Role::B => atom.b,
                            Role::Lambda => atom.lambda,
                            other => panic!("{other:?} of an atom"),
                        }
                    }
                };
                assert_eq!(named, 1.0, "{name}");
                assert_eq!(coordinates.parameters(&measure).unwrap(), theta, "{name}");
            }
        }
    }
}
