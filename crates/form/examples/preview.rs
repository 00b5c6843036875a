//! A form in front of a queue in memory, to look at its pages: `cargo run -p millpond-form --example preview`.
//!
//! Arguments: `up` (the default), `down` (the queue does not confirm) or `refused` (the queue is not set up), and
//! the path of a configuration (JSON). Entries are printed and lost.
#![allow(clippy::print_stdout, reason = "an example talks to the person who started it")]

use std::{
    error::Error,
    sync::atomic::{AtomicU64, Ordering},
};

use millpond_form::{
    Field, FieldKind, FormConfig, MessageId, Outbox, SUBMISSION_ID_ATTRIBUTE, SendError, Submission, bind,
    serve_into,
};

enum Queue {
    Up(AtomicU64),
    Down,
    Refused,
}

impl Outbox for Queue {
    async fn send(&self, submission: &Submission) -> Result<MessageId, SendError> {
        match self {
            Self::Up(count) => {
                println!("{} [{SUBMISSION_ID_ATTRIBUTE}: {}]", submission.body(), submission.id());
                let number = count.fetch_add(1, Ordering::Relaxed);
                Ok(MessageId(format!("5fea7756-0ea4-451a-a703-{number:012x}")))
            }
            Self::Down => Err(SendError::Unavailable("this preview has no queue".to_owned())),
            Self::Refused => Err(SendError::Refused("this preview's queue takes nothing".to_owned())),
        }
    }
}

fn customers() -> FormConfig {
    let countries = ["Australia", "France", "Germany", "New Zealand", "United Kingdom", "United States"];
    let options = countries.map(str::to_owned).to_vec();
    let mut fields = vec![
        Field::new("name", FieldKind::Text),
        Field::new("email", FieldKind::Email),
        Field::new("country", FieldKind::Select { options }),
        Field::new("budget", FieldKind::Number),
        Field::new("start", FieldKind::Date),
        Field::new("notes", FieldKind::TextArea),
        Field::new("terms", FieldKind::Checkbox),
    ];
    for index in [0, 1, 2, 6] {
        fields[index].required = true;
    }
    fields[0].placeholder = Some("Jane Doe".to_owned());
    fields[4].label = "Start date".to_owned();
    fields[6].label = "I agree to be contacted about this request".to_owned();
    let mut config = FormConfig::new("customers", fields);
    config.title = "Become a customer".to_owned();
    config.description =
        "Tell us who you are. Your entry is kept safe even while our office is closed.".to_owned();
    config.allow_port_search = true;
    config
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let queue = match arguments.next().as_deref() {
        None | Some("up") => Queue::Up(AtomicU64::new(1)),
        Some("down") => Queue::Down,
        Some("refused") => Queue::Refused,
        Some(other) => return Err(format!("{other:?} is not up, down or refused").into()),
    };
    let config = match arguments.next() {
        Some(path) => FormConfig::from_json(&std::fs::read_to_string(path)?)?,
        None => customers(),
    };
    let bound = bind(config).await?;
    if let Some(wanted) = bound.moved_from() {
        println!("port {} is in use", wanted.port());
    }
    println!("http://{}", bound.addr());
    serve_into(bound, queue, async { _ = tokio::signal::ctrl_c().await }).await;
    Ok(())
}
