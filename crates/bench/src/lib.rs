//! Load generator, ceiling server and reports for any SQS endpoint that is reached over plain HTTP.
//!
//! * [`load`] drives one endpoint, in a closed loop or on a schedule, and reports rate, latency and CPU.
//! * [`load_beside_ceiling`] runs the same load alternately against the endpoint and against the *ceiling*: a bare
//!   server that writes and syncs the same bytes and does nothing else. The ratio says what the queue costs.
//! * [`ceiling_child`] is the ceiling's own process, started by [`load_beside_ceiling`].
//!
//! What always holds: nothing here shares code with the product that it measures; the generator spends as little CPU as
//! it can, because it runs on the cores that it measures; every operation that is to begin inside the measured window is
//! counted, also the one that was answered late, refused or never answered.
//!
//! It refuses `https` endpoints: encrypting would cost the generator more than the request itself.

mod alone;
mod calls;
mod ceiling;
mod config;
mod connection;
mod control;
mod cpu;
mod disk_probe;
mod endpoint;
mod error;
mod handles;
mod load;
mod open_files;
mod paired;
mod pin;
mod prefill;
mod progress;
mod report;
mod request;
mod response;
mod signature;
mod timer;

pub use alone::load;
pub use ceiling::{CeilingConfig, CeilingError, CeilingLaunch, CeilingLoad, ceiling_child, ceiling_serve};
pub use config::{Arrivals, Batch, Credentials, LoadConfig, PairedConfig, QueueChoice, Work};
pub use disk_probe::{DiskFigures, SyncFigure};
pub use endpoint::{Endpoint, EndpointError};
pub use error::BenchError;
pub use load::ErrorText;
pub use paired::load_beside_ceiling;
pub use progress::{ProgressTick, terminal_progress};
pub use report::{
    ActionReport, IntervalReport, Latency, Lateness, Load, LoadReport, Pair, PairedReport, RunReport, Spread,
};
