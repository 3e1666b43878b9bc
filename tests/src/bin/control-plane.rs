//! Runs a control plane until its input ends, and says where its kubeconfig is: for measuring, and for trying things out.
//!
//! `control-plane [NODES]`: with NODES, also scheduler, controller manager, and so many nodes that KWOK keeps.

use evenkeel_tests::control_plane::{ControlPlane, assets, missing};
use std::{error::Error, io::Read};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if assets().is_none() {
        return Err(missing().into());
    }
    let nodes = std::env::args()
        .nth(1)
        .map_or(Ok(0), |nodes| nodes.parse())?;
    let builder = ControlPlane::builder()
        .scheduler(nodes > 0)
        .controller_manager(nodes > 0)
        .kwok_nodes(nodes);
    let plane = builder.start().await;
    println!("{}", plane.kubeconfig().display());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
