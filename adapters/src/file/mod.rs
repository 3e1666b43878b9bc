//! Fleet files: what a user writes, and its defaults.
