//! The deterministic simulator: the very [`Controller`](evenkeel::core::Controller) that production runs, on the
//! fake's [`World`](evenkeel::fake::World), in virtual time, from a seed.
//!
//! The same setup gives the same life, to the byte: [`Report::digest`] is over every input and output.
//!
//! - [`Life`] is one life: a [`Setup`] and an [`Engine`](engine::Engine) are driven through time.
//! - A [`Story`](story::Story) is a life written down, with all that happens in it; [`search`] draws stories from seeds,
//!   plays them with a [`Judge`](judge::Judge) looking on, and makes small what breaks an invariant.
//! - [`pages`] makes pages of stories, to look at in a browser.
//! - [`check`] plays scenario files: one story each, action by action.

pub mod check;
pub mod draw;
pub mod engine;
pub mod explore;
pub mod judge;
mod life;
pub mod pages;
pub mod recorder;
mod report;
pub mod search;
pub mod story;
pub mod table;
pub mod timeline;

pub use life::{Life, Rested, Setup};
pub use report::Report;
