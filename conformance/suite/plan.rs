//! Plans and their modules.

use std::future::Future;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::story::{Mode, Story, Told};

/// A plan of the Foundation's.
pub(crate) struct Plan {
    pub(crate) name: &'static str,
    pub(crate) mode: Mode,
    pub(crate) modules: Vec<Module>,
}

impl Plan {
    pub(crate) fn new(name: &'static str, mode: Mode, modules: Vec<Module>) -> Plan {
        Plan { name, mode, modules }
    }
}

/// A module of a plan.
pub(crate) struct Module {
    pub(crate) name: &'static str,
    /// Seconds that it waits for time to pass.
    pub(crate) waits: u64,
    pub(crate) run: Box<dyn FnOnce(Story) -> BoxFuture<'static, Told> + Send>,
}

impl Module {
    /// A module by its name in the suite.
    pub(crate) fn new<F: Future<Output = Told> + Send + 'static>(name: &'static str, run: fn(Story) -> F) -> Module {
        Module { name, waits: 0, run: Box::new(move |story| run(story).boxed()) }
    }

    /// One that waits for time to pass.
    pub(crate) fn waiting(self, seconds: u64) -> Module {
        Module { waits: seconds, ..self }
    }
}
