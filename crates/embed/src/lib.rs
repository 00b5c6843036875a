//! The whole queue service inside a process: engine, server, data and declared queues, wired together.
//!
//! [`Millpond`] is for tests of programs that use SQS. It is a real service on a port of its own, it speaks to any SQS
//! client, and it is gone with its threads when the value is dropped:
//!
//! ```
//! # use aws_sdk_sqs::config::{BehaviorVersion, Config, Credentials, Region};
//! # use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
//! # fn client(endpoint: &str) -> aws_sdk_sqs::Client {
//! #     let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
//! #     let keys = Credentials::new("test", "test", None, None, "test");
//! #     let config = Config::builder().behavior_version(BehaviorVersion::latest()).http_client(http);
//! #     let config = config.region(Region::new("us-east-1")).credentials_provider(keys).endpoint_url(endpoint);
//! #     aws_sdk_sqs::Client::from_conf(config.build())
//! # }
//! # use millpond_embed::Millpond;
//! # use std::time::Duration;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pond = Millpond::builder().queue("jobs").start_in_memory()?;
//! client(pond.endpoint()).send_message().queue_url(pond.url("jobs")).message_body("hello").send().await?;
//! let received = client(pond.endpoint()).receive_message().queue_url(pond.url("jobs")).send().await?;
//! assert_eq!(received.messages()[0].body(), Some("hello"));
//! // The message is hidden for its 30 seconds. They pass at once.
//! pond.advance(Duration::from_secs(30))?;
//! let again = client(pond.endpoint()).receive_message().queue_url(pond.url("jobs")).send().await?;
//! assert_eq!(again.messages().len(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! `client` is what the program under test has anyway; a plain one is
//!
//! ```
//! use aws_sdk_sqs::config::{BehaviorVersion, Config, Credentials, Region};
//! # use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
//!
//! fn client(endpoint: &str) -> aws_sdk_sqs::Client {
//!     let config = Config::builder()
//!         .behavior_version(BehaviorVersion::latest())
//!         .region(Region::new("us-east-1"))
//!         .credentials_provider(Credentials::new("test", "test", None, None, "test"))
//!         .endpoint_url(endpoint);
//! #   let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
//! #   let config = config.http_client(http);
//!     aws_sdk_sqs::Client::from_conf(config.build())
//! }
//! # let _ = client("http://127.0.0.1:1");
//! ```
//!
//! [`Service`] is the same without a thread of its own, for the binary. [`file`](mod@file) understands `millpond.toml`.
//! [`fill`](mod@fill) makes data directories of any shape for measurements.
//!
//! What it refuses to do: decide anything about queues, read the environment, leave anything behind.

pub mod amount;
mod data;
mod declare;
mod error;
pub mod file;
pub mod fill;
mod pond;
mod queue;
mod service;
mod settings;
mod words;

pub use data::{Found, open_without_server};
pub use declare::{Declared, Difference, Fate};
pub use error::{EndError, Ended, StartError, with_causes};
pub use millpond_core::name::{AccountId, Region};
pub use pond::{Builder, Millpond};
pub use queue::Queue;
pub use service::{Identities, Service};
pub use settings::Settings;
