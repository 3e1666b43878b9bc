//! The Kubernetes adapter, on the client of kube-rs.
