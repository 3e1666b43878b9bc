//! The language of the Kubernetes API, as far as a fleet needs it: shared by the Kubernetes adapter and the fake.
//!
//! Types of our own, so that no client's types are in the public API.

pub mod answer;
pub mod claim;
pub mod labels;
pub mod owner;
pub mod pod;
pub mod quantity;
pub mod view;
