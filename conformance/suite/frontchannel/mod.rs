//! `oidcc-frontchannel-rp-initiated-logout-certification-test-plan`

#[path = "oidcc-frontchannel-logout-discovery-endpoint-verification.rs"]
mod discovery;
#[path = "oidcc-frontchannel-rp-initiated-logout.rs"]
mod logout;

use crate::plan::Module;

/// Its modules, in the suite's order.
pub(crate) fn modules() -> Vec<Module> {
    vec![
        Module::new("oidcc-frontchannel-logout-discovery-endpoint-verification", discovery::run),
        Module::new("oidcc-frontchannel-rp-initiated-logout", logout::run),
    ]
}
