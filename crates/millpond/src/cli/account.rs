//! `millpond account`: the accounts of a service.

use clap::{Args, Subcommand};
use millpond_core::name::AccountId;
use serde_json::{Value, json};

use super::{Target, remark, say};
use crate::failure::{DONE, Failure, Outcome};
use crate::service::Service;
use crate::table::{Side, render};

/// Make another account, or show those there are.
#[derive(Debug, Subcommand)]
pub(crate) enum Account {
    /// Make an account with a root key of its own. The key is shown once and can't be read again.
    #[command(
        after_help = "Examples:\n  millpond account create 111122223333\n  millpond account create 111122223333 --json"
    )]
    Create(Create),
    /// Give an account another root key, when its own is lost. The key is shown once; the one before is of no use any more.
    #[command(
        name = "new-key",
        after_help = "Examples:\n  millpond account new-key 111122223333\n  millpond account new-key 111122223333 --json"
    )]
    NewKey(Create),
    /// Show the accounts.
    #[command(after_help = "Examples:\n  millpond account list")]
    List(List),
}

/// An account, which is to be made or to get another root key.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Its 12 digits.
    #[arg(value_name = "DIGITS", value_parser = parse_account)]
    account: AccountId,
    #[command(flatten)]
    target: Target,
}

/// All accounts.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    target: Target,
}

pub(super) fn parse_account(text: &str) -> Result<AccountId, String> {
    AccountId::parse(text).ok_or_else(|| "an account id has 12 digits".to_owned())
}

impl Account {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::Create(create) => {
                let asked = json!({ "account_id": create.account.to_string() });
                create.run("accounts", &asked).await
            }
            Self::NewKey(create) => create.run(&format!("accounts/{}/key", create.account), &json!({})).await,
            Self::List(list) => list.run().await,
        }
    }
}

impl Create {
    async fn run(&self, path: &str, asked: &Value) -> Outcome {
        let service = Service::find(self.target.endpoint.as_deref()).await?;
        let body = service.call("POST", path, Some(asked)).await?;
        if self.target.json {
            say(&body.to_string());
            return Ok(DONE);
        }
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        let key = text("access_key_id").zip(text("secret_access_key"));
        let (id, secret) = key.ok_or_else(|| Failure::new("the service gave no key for the account"))?;
        say(&format!("export AWS_ACCESS_KEY_ID={id}\nexport AWS_SECRET_ACCESS_KEY={secret}"));
        remark(&format!("this is the root key of account {}; it is not shown again", self.account));
        Ok(DONE)
    }
}

impl List {
    async fn run(self) -> Outcome {
        let service = Service::find(self.target.endpoint.as_deref()).await?;
        let body = service.call("GET", "accounts", None).await?;
        if self.target.json {
            say(&body.to_string());
            return Ok(DONE);
        }
        let accounts = body["accounts"].as_array().map(Vec::as_slice).unwrap_or_default();
        let row = |account: &Value| {
            let text = |name: &str| account[name].as_str().unwrap_or_default().to_owned();
            vec![text("account_id"), text("access_key_id")]
        };
        let rows: Vec<Vec<String>> = accounts.iter().map(row).collect();
        say(&render(&[("ACCOUNT", Side::Left), ("ROOT KEY", Side::Left)], &rows));
        Ok(DONE)
    }
}
