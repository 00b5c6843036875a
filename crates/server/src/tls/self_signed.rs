//! A certificate of the service's own, for development and for networks that have no authority.
//!
//! An authority is made for one certificate, signs it and forgets its key: whoever trusts it trusts nothing else. What is made
//! is kept for each address that is listened on and used until it no longer serves, so that clients go on trusting it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use millpond_iam::date::of_day;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier as _;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::{ServerName, UnixTime};

use super::pair::{self, PairFiles};

/// Some systems take no longer ones, even of an authority of the user's own.
const VALID_DAYS: u64 = 820;
/// One that ends sooner is replaced at the start of a service.
const LEFT_DAYS: u64 = 30;
const DAY: Duration = Duration::from_secs(86_400);

/// What is kept for an address.
pub(super) struct Kept {
    pub(super) pair: PairFiles,
    pub(super) ca_bundle: PathBuf,
}

impl Kept {
    fn of(folder: &Path) -> Self {
        let pair = PairFiles { certificate: folder.join("cert.pem"), key: folder.join("key.pem") };
        Self { pair, ca_bundle: folder.join("ca.pem") }
    }
}

/// The certificate for a port at `address`, made when there is none that serves.
pub(super) fn kept(
    directory: &Path,
    address: IpAddr,
    names: &[String],
    provider: &Arc<CryptoProvider>,
) -> Result<Kept, String> {
    let mut wanted = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let own = (!address.is_loopback() && !address.is_unspecified()).then(|| address.to_string());
    wanted.extend(own);
    wanted.extend(names.iter().cloned());
    let folder = directory.join(folder_name(address));
    let kept = Kept::of(&folder);
    if serves(&kept, &wanted, provider) {
        return Ok(kept);
    }
    make(directory, &folder, &wanted)?;
    if serves(&kept, &wanted, provider) {
        return Ok(kept);
    }
    Err(format!("what was made in {} does not serve for {}", folder.display(), wanted.join(", ")))
}

fn folder_name(address: IpAddr) -> String {
    if address.is_loopback() { "localhost".to_owned() } else { address.to_string().replace(':', "-") }
}

/// Whether a client that trusts the kept authority accepts the kept certificate under all names, for some time to come.
fn serves(kept: &Kept, wanted: &[String], provider: &Arc<CryptoProvider>) -> bool {
    let checked = || -> Option<()> {
        kept.pair.read(provider).ok()?;
        let mut roots = RootCertStore::empty();
        for authority in pair::certificates(&kept.ca_bundle).ok()? {
            roots.add(authority).ok()?;
        }
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().ok()?;
        let chain = pair::certificates(&kept.pair.certificate).ok()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        for name in wanted {
            let name = ServerName::try_from(name.as_str()).ok()?;
            for at in [now, now + DAY * u32::try_from(LEFT_DAYS).unwrap_or(u32::MAX)] {
                let at = UnixTime::since_unix_epoch(at);
                verifier.verify_server_cert(&chain[0], &chain[1..], &name, &[], at).ok()?;
            }
        }
        Some(())
    };
    checked().is_some()
}

/// Makes authority, certificate and key in a folder that takes its place in one step.
fn make(directory: &Path, folder: &Path, names: &[String]) -> Result<(), String> {
    let (authority, certificate, key) = signed(names).map_err(|error| error.to_string())?;
    let write = || -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let fresh = folder.with_extension(format!("{}.new", std::process::id()));
        let _ = fs::remove_dir_all(&fresh);
        DirBuilder::new().mode(0o700).create(&fresh)?;
        for (name, contents) in [("key.pem", &key), ("cert.pem", &certificate), ("ca.pem", &authority)] {
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(fresh.join(name))?;
            file.write_all(contents.as_bytes())?;
            file.sync_all()?;
        }
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let placed = fs::rename(&fresh, folder);
        // Another service of this user was faster; what it made serves as well, or is told not to.
        if placed.is_err() && folder.is_dir() {
            return fs::remove_dir_all(&fresh);
        }
        placed
    };
    write().map_err(|error| error.to_string())
}

/// PEM of the authority, the certificate and its key.
fn signed(names: &[String]) -> Result<(String, String, String), rcgen::Error> {
    let today = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / DAY.as_secs();
    // Clocks of clients may be behind.
    let (from, until) = (today.saturating_sub(1), today + VALID_DAYS);
    let date = |days| {
        let (year, month, day) = of_day(days);
        let fits = |number: u64| u8::try_from(number).unwrap_or(1);
        date_time_ymd(i32::try_from(year).unwrap_or(i32::MAX), fits(month), fits(day))
    };

    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "Millpond on this machine");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (authority.not_before, authority.not_after) = (date(from), date(until));
    let authority_key = KeyPair::generate()?;
    let authority_pem = authority.self_signed(&authority_key)?.pem();
    let issuer = Issuer::new(authority, authority_key);

    let mut own = CertificateParams::new(names)?;
    own.distinguished_name.push(DnType::CommonName, "Millpond");
    own.use_authority_key_identifier_extension = true;
    own.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    own.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    (own.not_before, own.not_after) = (date(from), date(until));
    let key = KeyPair::generate()?;
    let certificate = own.signed_by(&key, &issuer)?.pem();
    Ok((authority_pem, certificate, key.serialize_pem()))
}

#[cfg(test)]
mod tests;
