//! An SQS look-alike that follows a script: it knows queue calls and deletes, and answers sends and receives as told.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What it does with a send.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// This status and body, whole.
    Whole(u16, &'static str),
    /// 200 and this body, in pieces of three bytes.
    InPieces(&'static str),
    /// 200 and this body, then closes the connection as announced.
    ThenClose(&'static str),
    /// 200 and this body, after that time.
    #[allow(dead_code, reason = "not every test that shares this server is about time")]
    After(Duration, &'static str),
    /// Closes the connection without a word.
    Hangup,
}

#[derive(Default)]
pub(crate) struct Seen {
    /// Actions other than sends, with their bodies.
    pub(crate) calls: Vec<(String, String)>,
    /// Sends that were read completely.
    pub(crate) sends: u64,
    /// The last send, head and body.
    pub(crate) last_send: String,
    pub(crate) receives: u64,
    pub(crate) deletes: u64,
    /// The last delete's body.
    pub(crate) last_delete: String,
    answer_receive: Option<fn(u64) -> Answer>,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Mutex<Seen>>,
}

impl Server {
    /// From now on the n-th receive, from 0, is answered with `answer(n)`; without this, all are empty.
    pub(crate) fn receives(&self, answer: fn(u64) -> Answer) {
        self.seen.lock().unwrap().answer_receive = Some(answer);
    }
}

/// Serves until the test's process ends; the n-th send, from 0, is answered with `answer(n)`.
pub(crate) fn serve(answer: fn(u64) -> Answer) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::<Mutex<Seen>>::default();
    let shared = Arc::clone(&seen);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, seen) = (stream.unwrap(), Arc::clone(&shared));
            thread::spawn(move || serve_connection(stream, &seen, answer));
        }
    });
    Server { address, seen }
}

fn serve_connection(mut stream: TcpStream, seen: &Mutex<Seen>, answer: fn(u64) -> Answer) {
    stream.set_nodelay(true).unwrap();
    while let Some((head, body)) = read_request(&mut stream) {
        let target = head.lines().find_map(|line| line.strip_prefix("X-Amz-Target: AmazonSQS.")).unwrap();
        let answer = if target.starts_with("SendMessage") {
            let mut seen = seen.lock().unwrap();
            seen.sends += 1;
            seen.last_send = format!("{head}{body}");
            answer(seen.sends - 1)
        } else if target == "ReceiveMessage" {
            let mut seen = seen.lock().unwrap();
            seen.receives += 1;
            seen.answer_receive.map_or(Answer::Whole(200, "{}"), |answer| answer(seen.receives - 1))
        } else if target.starts_with("DeleteMessage") {
            let mut seen = seen.lock().unwrap();
            seen.deletes += 1;
            seen.last_delete = body;
            Answer::Whole(200, r#"{"Successful":[]}"#)
        } else {
            seen.lock().unwrap().calls.push((target.to_owned(), body));
            match target {
                "DeleteQueue" => Answer::Whole(200, ""),
                _ => Answer::Whole(200, r#"{"QueueUrl":"http://queue.test/1/q"}"#),
            }
        };
        // A generator whose run is over has closed its side.
        if reply(&mut stream, answer).is_err() || matches!(answer, Answer::Hangup | Answer::ThenClose(_)) {
            return;
        }
    }
}

fn read_request(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length: usize =
                head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap().parse().unwrap();
            if body.len() == length {
                return Some((format!("{head}\r\n"), body.to_owned()));
            }
        }
        let mut chunk = [0; 65_536];
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}

fn reply(stream: &mut TcpStream, answer: Answer) -> std::io::Result<()> {
    let text = |status: u16, extra: &str, body: &str| {
        format!("HTTP/1.1 {status} X\r\n{extra}Content-Length: {}\r\n\r\n{body}", body.len())
    };
    match answer {
        Answer::Whole(status, body) => stream.write_all(text(status, "", body).as_bytes()),
        Answer::ThenClose(body) => stream.write_all(text(200, "Connection: close\r\n", body).as_bytes()),
        Answer::InPieces(body) => {
            text(200, "", body).as_bytes().chunks(3).try_for_each(|piece| stream.write_all(piece))
        }
        Answer::After(time, body) => {
            thread::sleep(time);
            stream.write_all(text(200, "", body).as_bytes())
        }
        Answer::Hangup => Ok(()),
    }
}
