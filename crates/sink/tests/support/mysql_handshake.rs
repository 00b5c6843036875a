//! A server of the MySQL protocol that gets as far as authentication, by a script. Sources: "Connection Phase Packets"
//! and "caching_sha2_password information" of the MySQL source documentation.
//!
//! It records what clients prove and send. A client that is let in is told so by an error to its first query.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

pub const CACHING_SHA2: &str = "caching_sha2_password";

/// The nonce of the greeting, and the one of a switch to another method.
pub const NONCES: [&[u8; 20]; 2] = [b"abcdefghijklmnopqrst", b"ABCDEFGHIJKLMNOPQRST"];

/// The error to the first query of a client that was let in.
pub const LET_IN: &str = "the client was let in";

const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];

/// LONG_PASSWORD, CONNECT_WITH_DB, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH, PLUGIN_AUTH_LENENC_DATA.
const CAPABILITIES: u32 = 0x0028_a209;

/// One step after the client's first answer.
#[derive(Clone)]
pub enum Step {
    /// Sends a packet.
    Send(Vec<u8>),
    /// Records a packet of the client.
    Receive,
}

/// What a client did.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub user: Vec<u8>,
    /// The answer to the greeting's nonce.
    pub proof: Vec<u8>,
    /// What came in the steps.
    pub packets: Vec<Vec<u8>>,
}

pub struct HandshakeServer {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl HandshakeServer {
    /// Greets with `method` and goes through `steps` with each client.
    pub async fn start(method: &'static str, steps: Vec<Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let recorded = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut client = Client { stream, sequence: 0 };
                if let Some(one) = client.serve(method, &steps).await {
                    recorded.lock().unwrap().push(one);
                }
            }
        });
        Self { port, seen }
    }

    pub fn url(&self) -> String {
        format!("mysql://jane:s3cret@127.0.0.1:{}/shop", self.port)
    }

    /// The first client that went through all steps.
    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap()[0].clone()
    }
}

/// An error packet.
pub fn error(code: u16, sqlstate: &str, text: &str) -> Vec<u8> {
    [&[0xff], &code.to_le_bytes()[..], b"#", sqlstate.as_bytes(), text.as_bytes()].concat()
}

pub fn ok() -> Vec<u8> {
    OK.to_vec()
}

/// A request to prove the password by another method.
pub fn switch_to(method: &str, nonce: &[u8]) -> Vec<u8> {
    [&[0xfe], method.as_bytes(), &[0], nonce, &[0]].concat()
}

struct Client {
    stream: TcpStream,
    sequence: u8,
}

impl Client {
    /// `None` when the client leaves early.
    async fn serve(&mut self, method: &str, steps: &[Step]) -> Option<Seen> {
        self.send(&greeting(method)).await?;
        let mut seen = answer(&self.receive().await?)?;
        for step in steps {
            match step {
                Step::Send(packet) => self.send(packet).await?,
                Step::Receive => seen.packets.push(self.receive().await?),
            }
        }
        self.sequence = 0;
        if self.receive().await.is_some() {
            self.send(&error(1227, "42000", LET_IN)).await?;
        }
        Some(seen)
    }

    async fn send(&mut self, packet: &[u8]) -> Option<()> {
        let length = u32::try_from(packet.len()).unwrap().to_le_bytes();
        let framed = [&length[..3], &[self.sequence], packet].concat();
        self.sequence = self.sequence.wrapping_add(1);
        self.stream.write_all(&framed).await.ok()
    }

    async fn receive(&mut self) -> Option<Vec<u8>> {
        let mut header = [0; 4];
        self.stream.read_exact(&mut header).await.ok()?;
        let length = u32::from_le_bytes([header[0], header[1], header[2], 0]);
        self.sequence = header[3].wrapping_add(1);
        let mut packet = vec![0; length as usize];
        self.stream.read_exact(&mut packet).await.ok()?;
        Some(packet)
    }
}

/// Protocol::HandshakeV10.
fn greeting(method: &str) -> Vec<u8> {
    let (first, second) = NONCES[0].split_at(8);
    let capabilities = CAPABILITIES.to_le_bytes();
    let mut packet = [&[10], &b"8.4.0\0"[..], &7_u32.to_le_bytes(), first, &[0], &capabilities[..2]].concat();
    packet.extend(
        [&[255, 2, 0], &capabilities[2..], &[21], &[0; 10], second, &[0], method.as_bytes(), &[0]].concat(),
    );
    packet
}

/// Protocol::HandshakeResponse41: flags, sizes and 23 zeros, the user, the proof.
fn answer(packet: &[u8]) -> Option<Seen> {
    let rest = packet.get(32..)?;
    let (user, rest) = rest.split_at(rest.iter().position(|byte| *byte == 0)?);
    let (length, rest) = rest.get(1..)?.split_first()?;
    let proof = rest.get(..usize::from(*length))?.to_vec();
    Some(Seen { user: user.to_vec(), proof, packets: Vec::new() })
}
