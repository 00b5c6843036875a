//! The outermost elements of replies and errors, in XML and in the JSON that Query callers can ask for.
//!
//! The JSON has the same outermost members; its maps are lists of names and values.
//!
//! Source: <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#operation-error-serialization>.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::xml::{self, Unwritable, escape};
use super::{Flattened, Kind, Names, QueryService};
use crate::error::ApiError;
use crate::request_id::RequestId;

const DECLARATION: &str = "<?xml version=\"1.0\"?>";

/// A reply in XML; `None` is that of an action without a result.
pub(crate) fn reply_xml<T: Serialize>(
    reply: Option<&T>,
    service: &'static QueryService,
    action: &str,
    id: RequestId,
) -> Result<Vec<u8>, Unwritable> {
    let mut out = format!("{DECLARATION}<{action}Response xmlns=\"{}\">", service.namespace);
    if let Some(reply) = reply {
        xml::write(&mut out, &format!("{action}Result"), reply, service, action)?;
    }
    out.push_str("<ResponseMetadata>");
    put(&mut out, "RequestId", &id.to_string());
    out.push_str("</ResponseMetadata></");
    out.push_str(action);
    out.push_str("Response>");
    Ok(out.into_bytes())
}

/// An error in XML.
pub(crate) fn error_xml(error: &ApiError, service: &QueryService, id: RequestId) -> Vec<u8> {
    let mut out = format!("{DECLARATION}<ErrorResponse xmlns=\"{}\"><Error>", service.namespace);
    put(&mut out, "Type", error.kind().fault.as_str());
    put(&mut out, "Code", error.kind().query_code);
    put(&mut out, "Message", error.message());
    // Services that flatten their lists are of the generation that has this element.
    out.push_str(if service.flattens() { "<Detail/></Error>" } else { "</Error>" });
    put(&mut out, "RequestId", &id.to_string());
    out.push_str("</ErrorResponse>");
    out.into_bytes()
}

fn put(out: &mut String, name: &str, text: &str) {
    for part in ["<", name, ">"] {
        out.push_str(part);
    }
    escape(out, text);
    for part in ["</", name, ">"] {
        out.push_str(part);
    }
}

/// A reply in JSON; `None` is that of an action without a result.
pub(crate) fn reply_json<T: Serialize>(
    reply: Option<&T>,
    service: &'static QueryService,
    action: &str,
    id: RequestId,
) -> Result<Vec<u8>, serde_json::Error> {
    let names = Names { service, action };
    let mut response = Map::new();
    if let Some(reply) = reply {
        let mut result = plain(serde_json::to_value(reply)?, names);
        for wanted in
            service.flattened.iter().filter_map(|row| row.in_json).filter(|row| row.action == action)
        {
            if let Value::Object(members) = &mut result {
                members.entry(wanted.name).or_insert(Value::Null);
            }
        }
        response.insert(format!("{action}Result"), result);
    }
    response.insert("ResponseMetadata".to_owned(), json!({ "RequestId": id.to_string() }));
    serde_json::to_vec(&json!({ format!("{action}Response"): response }))
}

/// A structure with its maps as lists and its lists by the names that JSON replies have for them.
fn plain(value: Value, names: Names<'_>) -> Value {
    match value {
        Value::Object(members) => {
            let member = |(name, value): (String, Value)| match names.row(&name) {
                None => (name, plain(value, names)),
                Some(Flattened { kind: Kind::Map { key, value: item }, .. }) => {
                    (name, entries(value, names, key, item))
                }
                Some(row) => (row.in_json.map_or(name, |row| row.name.to_owned()), plain(value, names)),
            };
            Value::Object(members.into_iter().map(member).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(|item| plain(item, names)).collect()),
        scalar => scalar,
    }
}

fn entries(map: Value, names: Names<'_>, key: &str, item: &str) -> Value {
    let Value::Object(entries) = map else { return map };
    entries.into_iter().map(|(name, value)| json!({ key: name, item: plain(value, names) })).collect()
}

/// An error in JSON.
pub(crate) fn error_json(error: &ApiError, id: RequestId) -> Vec<u8> {
    let kind = error.kind();
    let parts = json!({ "Code": kind.query_code, "Message": error.message(), "Type": kind.fault.as_str() });
    json!({ "Error": parts, "RequestId": id.to_string() }).to_string().into_bytes()
}
