//! What is made serves, is kept, and is made again when it no longer serves.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;

use super::kept;

/// A folder of a test's own below the system's temporary one.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("millpond-tls-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn what_was_made_is_used_again_until_it_no_longer_serves() {
    let folder = Folder::new("kept");
    let provider = Arc::new(ring::default_provider());
    let loopback = "127.0.0.1".parse().unwrap();
    let read = |names: &[String]| {
        let kept = kept(&folder.0, loopback, names, &provider).unwrap();
        fs::read(kept.pair.certificate).unwrap()
    };
    let first = read(&[]);
    assert_eq!(read(&[]), first);
    let named = read(&["mill.example".to_owned()]);
    assert_ne!(named, first, "a name that it lacks asks for another");
    assert_eq!(read(&[]), named, "names that it has beside the wanted ones do no harm");
    fs::write(folder.0.join("localhost/key.pem"), "damaged").unwrap();
    assert_ne!(read(&[]), named);
}

#[test]
fn each_address_has_its_own_and_nobody_else_reads_them() {
    let folder = Folder::new("addresses");
    let provider = Arc::new(ring::default_provider());
    for address in ["127.0.0.1", "192.0.2.7", "2001:db8::7", "0.0.0.0"] {
        kept(&folder.0, address.parse().unwrap(), &[], &provider).unwrap();
    }
    let mut names: Vec<_> =
        fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["0.0.0.0", "192.0.2.7", "2001-db8--7", "localhost"]);
    let mode = |path: &str| fs::metadata(folder.0.join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("localhost"), 0o700);
    for file in ["key.pem", "cert.pem", "ca.pem"] {
        assert_eq!(mode(&format!("localhost/{file}")), 0o600, "{file}");
    }
}
