//! An in-memory cluster: a pure `World` with a virtual clock, and its async wrapper.
