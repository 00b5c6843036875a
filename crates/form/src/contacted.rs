//! Which address the SDK sent its requests to, and what its errors mean for people. The SDK finds the address by its own
//! rules and names it in no error, and "connection refused" without an address helps nobody.

use std::sync::{Arc, OnceLock};

use aws_sdk_sqs::{
    config::{ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeTransmitInterceptorContextRef},
    error::{BoxError, ProvideErrorMetadata, SdkError},
};

/// The codes of a queue that is not there, in both protocols.
const NO_QUEUE: [&str; 2] = ["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"];

/// The address, once a request was about to leave for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contacted(Arc<OnceLock<String>>);

impl Contacted {
    /// What went wrong, in the service's words where it has spoken, with the address.
    pub(crate) fn explain<E>(&self, queue: &str, error: &SdkError<E>) -> String
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        let text = match (error.code(), error.message()) {
            (Some(code), _) if NO_QUEUE.contains(&code) => format!("the queue {queue} does not exist"),
            (Some(code), Some(message)) => format!("{} ({code})", message.trim_end_matches('.')),
            (Some(code), None) => code.to_owned(),
            (None, _) => innermost(error),
        };
        self.0.get().map_or_else(|| text.clone(), |address| format!("{address}: {text}"))
    }
}

/// The SDK wraps the cause several layers deep, and the outer ones say nothing.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}

impl Intercept for Contacted {
    fn name(&self) -> &'static str {
        "Contacted"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let url = context.request().uri();
        // Scheme and authority: the part before the third slash.
        let end = url.match_indices('/').nth(2).map_or(url.len(), |(index, _)| index);
        self.0.get_or_init(|| url[..end].to_owned());
        Ok(())
    }
}
