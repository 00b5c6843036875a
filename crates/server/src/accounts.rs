//! The calls for accounts: who shares this service, and a root key for another one.

use std::sync::Arc;

use bytes::Bytes;
use millpond_core::name::AccountId;
use serde::Deserialize;
use serde_json::json;

use crate::access::accounts::NotCreated;
use crate::access::{Access, RootKey};
use crate::respond::{self, Reply};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    account_id: String,
}

/// Creates an account, and shows its root key, this once.
pub(crate) async fn create(access: &Arc<Access>, body: &Bytes) -> Reply {
    let asked = serde_json::from_slice::<Create>(body).map_err(|error| error.to_string());
    let account = asked.and_then(|Create { account_id }| {
        AccountId::parse(&account_id).ok_or_else(|| "an account id has 12 digits".to_owned())
    });
    let account = match account {
        Ok(account) => account,
        Err(wrong) => {
            return respond::own_error(400, &format!("send {{\"account_id\": \"111122223333\"}}: {wrong}"));
        }
    };
    shown(account, access.create_account(account).await)
}

/// Gives an account another root key, and shows it, this once.
pub(crate) async fn replace_key(access: &Arc<Access>, account: &str) -> Reply {
    match AccountId::parse(account) {
        Some(account) => shown(account, access.replace_root_key(account).await),
        None => respond::own_error(400, "an account id has 12 digits"),
    }
}

fn shown(account: AccountId, made: Result<RootKey, NotCreated>) -> Reply {
    match made {
        Ok(key) => respond::own(
            200,
            &json!({
                "account_id": account.to_string(),
                "access_key_id": key.access_key_id,
                "secret_access_key": key.secret_access_key.expose(),
            }),
        ),
        Err(NotCreated::Refused(reason)) => respond::own_error(409, &reason),
        Err(NotCreated::Unavailable(reason)) => respond::own_error(503, &reason),
    }
}
