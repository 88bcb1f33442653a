//! rtkn, a command line for Tekton. The modules stand in the order in which data goes:
//! kubeconfig → client → objects → views → render, with `verbs` and `commands` at the top of that way and
//! `sandbox` as the server that needs no cluster.

pub mod kinds;
pub mod objects;
pub mod sandbox;
