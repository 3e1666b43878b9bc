//! Pod templates, and the pods made from them.
