//! The first bytes of a connection to a port with TLS.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::Tls;

/// The type of the record that opens every TLS connection: RFC 8446, section 5.1.
const HANDSHAKE: u8 = 0x16;
/// A client that spoke plain HTTP gets this long to take its answer.
const TAKEN: Duration = Duration::from_secs(1);
/// Of what it is still sending this much is read, so that the answer is not lost to a reset.
const DRAINED_BYTES: usize = 64 * 1024;

/// Ends the handshake within `limit`. None when there is no TLS connection: one that speaks plain HTTP is told.
pub(crate) async fn shake_hands(
    stream: TcpStream,
    tls: &Tls,
    limit: Duration,
) -> Option<TlsStream<TcpStream>> {
    let shaken = async {
        let mut first = [0];
        match stream.peek(&mut first).await {
            Ok(1) if first == [HANDSHAKE] => tls.acceptor.accept(stream).await.ok(),
            Ok(1) if first[0].is_ascii_alphabetic() => {
                tell_plain(stream).await;
                None
            }
            // Neither TLS nor HTTP; nobody there would understand an answer.
            _ => None,
        }
    };
    tokio::time::timeout(limit, shaken).await.ok().flatten()
}

async fn tell_plain(mut stream: TcpStream) {
    let address = stream.local_addr().ok().map(|address: SocketAddr| address.to_string());
    let text = format!("this port speaks TLS: use https://{}\n", address.unwrap_or_default());
    let reply = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\nconnection: \
         close\r\n\r\n{text}",
        text.len()
    );
    let told = async {
        stream.write_all(reply.as_bytes()).await?;
        stream.shutdown().await?;
        let mut drained = 0;
        let mut buffer = [0; 4096];
        while drained < DRAINED_BYTES {
            match stream.read(&mut buffer).await? {
                0 => break,
                read => drained += read,
            }
        }
        Ok::<(), std::io::Error>(())
    };
    // Whether it took the answer is its own affair.
    let _ = tokio::time::timeout(TAKEN, told).await;
}
