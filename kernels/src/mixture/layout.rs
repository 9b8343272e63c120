//! Where each parameter of a mixture stands, and how the second derivatives couple.

use crate::Activation;

/// The size and kind of a softmax-gated mixture; see [`MixtureKernel`](crate::MixtureKernel) for the formula.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MixtureShape {
    /// `d ≥ 1`, the number of inputs.
    pub dimension: usize,
    /// Atoms in each group, at least one group and one atom in each; more than one group has an outer gate.
    pub groups: Vec<usize>,
    /// `ρ` of the inner gates.
    pub router: Activation,
    /// Whether `τ` is a parameter; 1 otherwise.
    pub temperature: bool,
    /// `act` of the experts.
    pub activation: Activation,
    /// Whether `λ_i` are parameters; 1 otherwise.
    pub outer_weight: bool,
    /// Whether the last gate of a group keeps its slope (its intercept is 0 in any case). A linear router does not see a common slope, other routers do.
    pub last_slope: bool,
}

/// Places in the vector of parameters. What is `None` is pinned: to 0, weights and temperatures to 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MixtureLayout {
    /// First of the `d` slopes of each outer gate, which its intercept follows.
    pub outer: Vec<Option<usize>>,
    /// First of the `d` slopes of each gate.
    pub slope: Vec<Option<usize>>,
    /// Intercept of each gate.
    pub intercept: Vec<Option<usize>>,
    /// First of the `d` slopes of each expert, which its intercept follows.
    pub expert: Vec<usize>,
    /// Outer weight of each expert.
    pub weight: Vec<Option<usize>>,
    /// The temperature.
    pub temperature: Option<usize>,
    /// How many parameters there are.
    pub parameters: usize,
}

/// A scalar function of a row through which the parameters act: a parameter's column of the Jacobian is the derivative by its slot, times its input where the slot is a linear form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// `α_aᵀx + β_a`.
    Outer(usize),
    /// `ω_iᵀx`, with its intercept where the router is linear.
    Gate(usize),
    /// `aᵀx + b` of expert `i`.
    Expert(usize),
    /// `β_i` beside a router that is not linear.
    Intercept(usize),
    /// `λ_i`.
    Weight(usize),
    /// `τ`.
    Temperature,
}

/// A slot with the places of its parameters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    pub(super) slot: Slot,
    /// Of the slopes of a linear form, or of the only parameter.
    pub(super) first: usize,
    /// Of a linear form.
    pub(super) intercept: Option<usize>,
}

/// `r` times the second derivative by two slots, beside the product of the first ones; `s` are the first derivatives, the rows are those of [`Rows`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Coupling {
    /// Slots: the first is a gate wherever one of them is.
    pub(super) slots: [usize; 2],
    pub(super) share: Share,
    /// A row that is multiplied by the second slot's `s`.
    pub(super) factor: Option<usize>,
    /// A row that is added.
    pub(super) term: Option<usize>,
}

/// What the normalisation of the softmax adds, `p` the row of shares `r ∂z/∂slot · g`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// Nothing.
    None,
    /// `−p_1 s_2`.
    First,
    /// `−p_1 s_2 − p_2 s_1`.
    Both,
}

/// The order of slots and couplings of a shape.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Linear forms first.
    pub(super) slots: Vec<Placed>,
    /// How many slots are linear forms.
    pub(super) forms: usize,
    /// Pairs of linear forms, then a form with a scalar, then scalars.
    pub(super) couplings: [Vec<Coupling>; 3],
    /// The group of each atom.
    pub(super) group: Vec<usize>,
    pub(super) rows: Rows,
}

/// The row of residuals `r = f − y`.
pub(super) const RESIDUAL: usize = 0;

/// First rows of what the second derivatives need besides `s` and `p`, and their number; rows that a shape does not need are not there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    /// `r π_i λ_i act''`, by atom.
    pub(super) bend: usize,
    /// `r π_i act'`, by atom: an outer weight with its expert's form.
    pub(super) lift: usize,
    /// `r (t_i − 1/τ)`, by atom, `t_i = −z_i/τ`.
    pub(super) cooled: usize,
    /// `r t_i`, by atom.
    pub(super) heat: usize,
    /// `r ∂z/∂slot`, by slot; `r` itself in a plain softmax.
    slope: Option<usize>,
    /// What a slot's own second derivative adds, by slot.
    pub(super) own: usize,
    pub(super) count: usize,
}

impl Rows {
    fn new(shape: &MixtureShape, slots: usize) -> Self {
        let mut count = 1;
        let mut take = |wanted: bool, rows: usize| {
            let first = count;
            count += if wanted { rows } else { 0 };
            first
        };
        let atoms = shape.atoms();
        let plain = shape.is_plain();
        let bend = take(true, atoms);
        let lift = take(shape.outer_weight, atoms);
        let cooled = take(shape.temperature, atoms);
        let heat = take(shape.temperature, atoms);
        let slope = take(!plain, slots);
        let own = take(!plain, slots);
        Self { bend, lift, cooled, heat, slope: (!plain).then_some(slope), own, count }
    }

    pub(super) fn slope(&self, slot: usize) -> usize {
        self.slope.map_or(RESIDUAL, |first| first + slot)
    }
}

impl MixtureShape {
    /// Number of atoms.
    pub fn atoms(&self) -> usize {
        self.groups.iter().sum()
    }

    pub(super) fn is_plain(&self) -> bool {
        self.router == Activation::Linear && !self.temperature
    }

    /// Where the parameters stand.
    pub fn layout(&self) -> MixtureLayout {
        let plan = Plan::new(self);
        let mut layout = MixtureLayout {
            outer: vec![None; self.groups.len()],
            slope: vec![None; self.atoms()],
            intercept: vec![None; self.atoms()],
            expert: vec![0; self.atoms()],
            weight: vec![None; self.atoms()],
            temperature: None,
            parameters: 0,
        };
        for placed in &plan.slots {
            let first = Some(placed.first);
            match placed.slot {
                Slot::Outer(a) => layout.outer[a] = first,
                Slot::Gate(i) => {
                    layout.slope[i] = first;
                    layout.intercept[i] = placed.intercept;
                }
                Slot::Expert(i) => layout.expert[i] = placed.first,
                Slot::Intercept(i) => layout.intercept[i] = first,
                Slot::Weight(i) => layout.weight[i] = first,
                Slot::Temperature => layout.temperature = first,
            }
        }
        layout.parameters = plan.parameters(self.dimension);
        layout
    }
}

impl Plan {
    pub(super) fn new(shape: &MixtureShape) -> Self {
        let group: Vec<usize> = shape.groups.iter().enumerate().flat_map(|(a, n)| vec![a; *n]).collect();
        let is_last = |i: usize| i + 1 == group.len() || group[i] != group[i + 1];
        let linear = shape.router == Activation::Linear;
        let mut slots = Vec::new();
        let mut place = 0;
        let mut put = |slot, form: bool, intercept: bool| {
            let first = place;
            place += if form { shape.dimension } else { 1 } + usize::from(intercept);
            slots.push(Placed { slot, first, intercept: intercept.then_some(place - 1) });
        };
        for a in 0..shape.groups.len() - 1 {
            put(Slot::Outer(a), true, true);
        }
        for i in 0..group.len() {
            if !is_last(i) || (shape.last_slope && !linear) {
                put(Slot::Gate(i), true, linear);
            }
        }
        for i in 0..group.len() {
            put(Slot::Expert(i), true, true);
        }
        for i in (0..group.len()).filter(|i| !linear && !is_last(*i)) {
            put(Slot::Intercept(i), false, false);
        }
        for i in (0..group.len()).filter(|_| shape.outer_weight) {
            put(Slot::Weight(i), false, false);
        }
        if shape.temperature {
            put(Slot::Temperature, false, false);
        }
        let forms = slots.iter().take_while(|placed| placed.slot.is_form()).count();
        let rows = Rows::new(shape, slots.len());
        let mut plan = Self { slots, forms, couplings: Default::default(), group, rows };
        for c in 0..plan.slots.len() {
            for other in 0..=c {
                let kind = usize::from(c >= forms) + usize::from(other >= forms);
                let coupling = plan.coupling(shape, other, c);
                plan.couplings[kind].push(coupling);
            }
        }
        plan
    }

    pub(super) fn parameters(&self, dimension: usize) -> usize {
        self.slots.last().map_or(0, |last| match last.slot.is_form() {
            true => last.first + dimension + usize::from(last.intercept.is_some()),
            false => last.first + 1,
        })
    }

    /// The coupling of slots `c ≤ e` in the order of the plan; see [`tile`](super::tile) for the formulas.
    fn coupling(&self, shape: &MixtureShape, c: usize, e: usize) -> Coupling {
        use Slot::*;
        let rows = &self.rows;
        let slot = |c: usize| self.slots[c].slot;
        let (share, factor, term, swap) = match (slot(c), slot(e)) {
            (Outer(a), Outer(b)) => (Share::Both, (a == b).then_some(RESIDUAL), None, false),
            (Outer(a), Gate(i) | Expert(i) | Weight(i)) => {
                (Share::First, (a == self.group[i]).then_some(RESIDUAL), None, false)
            }
            (Gate(i), Gate(l) | Intercept(l)) | (Intercept(i), Intercept(l)) if self.group[i] == self.group[l] => {
                let factor = (i == l).then(|| rows.slope(c));
                let term = (c == e && !shape.is_plain()).then(|| rows.own + c);
                (Share::Both, factor, term, false)
            }
            (Gate(i), Expert(l) | Weight(l)) if self.group[i] == self.group[l] => {
                (Share::First, (i == l).then(|| rows.slope(c)), None, false)
            }
            (Expert(l), Intercept(i)) | (Weight(l), Intercept(i)) => {
                (Share::First, (i == l).then(|| rows.slope(e)), None, true)
            }
            (Intercept(i), Weight(l)) => (Share::First, (i == l).then(|| rows.slope(c)), None, false),
            (Gate(i) | Intercept(i), Temperature) => (Share::Both, Some(rows.cooled + i), None, true),
            (Expert(i) | Weight(i), Temperature) => (Share::First, Some(rows.heat + i), None, true),
            (Temperature, Temperature) => (Share::Both, None, Some(rows.own + c), false),
            (Expert(i), Expert(l)) if i == l => (Share::None, None, Some(rows.bend + i), false),
            (Expert(i), Weight(l)) if i == l => (Share::None, None, Some(rows.lift + i), false),
            _ => (Share::None, None, None, false),
        };
        Coupling { slots: if swap { [e, c] } else { [c, e] }, share, factor, term }
    }
}

impl Slot {
    fn is_form(self) -> bool {
        matches!(self, Self::Outer(_) | Self::Gate(_) | Self::Expert(_))
    }
}
