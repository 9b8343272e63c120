//! The objects that papers on mixture-of-experts learning make claims about.
//!
//! [`soft_routed`] is the student-teacher model of arXiv 2510.07205: soft-routed experts on Gaussian inputs, their population loss in closed form, and
//! the gradient flow on it in coordinates that do not see the input dimension.
//!
//! [`softmax`] is least squares in softmax-gated mixtures, arXiv 2503.03213.

pub mod soft_routed;
pub mod softmax;
mod whole_number;
