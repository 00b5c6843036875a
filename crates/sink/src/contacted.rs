//! Remembers which address the SDK sent its requests to. The SDK finds it by its own rules and names it in no error,
//! and "connection refused" without an address helps nobody.

use std::sync::{Arc, OnceLock};

use aws_sdk_sqs::{
    config::{ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeTransmitInterceptorContextRef},
    error::BoxError,
};

/// The address, once a request was about to leave for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contacted(Arc<OnceLock<String>>);

impl Contacted {
    /// `text` with the address in front, if there is one.
    pub(crate) fn at(&self, text: &str) -> String {
        self.0.get().map_or_else(|| text.to_owned(), |address| format!("{address}: {text}"))
    }
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
