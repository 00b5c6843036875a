//! A certificate that can't be used does not take the place of one that can.

use std::fs;
use std::sync::Arc;

use super::{Tls, TlsConfig};

#[tokio::test]
async fn a_broken_certificate_leaves_the_one_before_in_force() {
    let folder = std::env::temp_dir().join(format!("millpond-tls-broken-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let put = |name: &str| {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        fs::write(&certificate, made.cert.pem()).unwrap();
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    };
    put("first.example");
    let config = TlsConfig::Files { certificate: certificate.clone(), key: key.clone() };
    let tls = Arc::new(Tls::prepare(&config, "127.0.0.1:1".parse().unwrap()).unwrap());
    let served = || tls.current.0.read().unwrap().cert[0].clone();
    let (first, looked) = (served(), tls.look().await);
    let text = fs::read_to_string(&certificate).unwrap();
    fs::write(&certificate, &text[..text.len() / 2]).unwrap();
    assert_ne!(tls.look().await, looked);
    assert!(tls.take().await.unwrap_err().contains("cert.pem"));
    assert_eq!(served(), first);
    put("second.example");
    tls.take().await.unwrap();
    assert_ne!(served(), first);
    fs::remove_dir_all(&folder).unwrap();
}
