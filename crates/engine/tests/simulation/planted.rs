//! The parts that a service stands on, with the planted bug in them that the switch of the thread says.
//!
//! Without the feature `simulation` there is no switch, and the parts stay as they are. The bugs that can't be planted
//! around a sound part are in that part, behind the same feature.

#[cfg(not(feature = "simulation"))]
pub(crate) use sound::{disk, log, store};
#[cfg(feature = "simulation")]
pub(crate) use wrapped::{disk, log, store};

#[cfg(not(feature = "simulation"))]
mod sound {
    use std::sync::Arc;

    use millpond_log::{Disk, Log};
    use millpond_store::Store;

    pub(crate) fn disk(disk: Arc<dyn Disk>) -> Arc<dyn Disk> {
        disk
    }

    pub(crate) fn log(log: Box<dyn Log>) -> Box<dyn Log> {
        log
    }

    pub(crate) fn store(store: Box<dyn Store>) -> Box<dyn Store> {
        store
    }
}

#[cfg(feature = "simulation")]
mod wrapped;
