//! The fake held against what a Kubernetes 1.36 API server was measured to do, line by line; and behind the port.
#![cfg(feature = "fake")]

mod admission;
mod claims;
mod cluster;
mod deleting;
mod front;
mod kit;
mod nodes;
mod resizing;
mod trouble;
mod value;
mod watching;
mod writing;
