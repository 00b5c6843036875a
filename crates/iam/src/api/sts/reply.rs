//! Replies of STS in XML.

use millpond_wire::query::escape;
use millpond_wire::request_id::RequestId;

use crate::api::STS;
use crate::date;
use crate::session::Credentials;

/// A reply that is being written.
pub(super) struct Reply {
    action: &'static str,
    out: String,
}

impl Reply {
    pub(super) fn new(action: &'static str) -> Self {
        let namespace = STS.namespace;
        Self { action, out: format!("<{action}Response xmlns=\"{namespace}\"><{action}Result>") }
    }

    pub(super) fn put(&mut self, name: &str, text: &str) {
        self.within(name, |reply| escape(&mut reply.out, text));
    }

    pub(super) fn within(&mut self, name: &str, write: impl FnOnce(&mut Self)) {
        self.tag("<", name);
        write(self);
        self.tag("</", name);
    }

    pub(super) fn credentials(&mut self, credentials: &Credentials) {
        self.within("Credentials", |reply| {
            reply.put("AccessKeyId", &credentials.access_key_id);
            reply.put("SecretAccessKey", credentials.secret_access_key.expose());
            reply.put("SessionToken", &credentials.session_token);
            reply.put("Expiration", &date::extended(credentials.expires_at_secs));
        });
    }

    pub(super) fn finish(mut self, id: RequestId) -> Vec<u8> {
        let action = self.action;
        self.out.push_str(&format!("</{action}Result>"));
        self.within("ResponseMetadata", |reply| reply.put("RequestId", &id.to_string()));
        self.out.push_str(&format!("</{action}Response>"));
        self.out.into_bytes()
    }

    fn tag(&mut self, start: &str, name: &str) {
        for part in [start, name, ">"] {
            self.out.push_str(part);
        }
    }
}
