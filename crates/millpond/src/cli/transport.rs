//! TLS, proxies and the audit log of `millpond serve`: flags over file over defaults.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use millpond_embed::Service;
use millpond_embed::file::{FileTls, FileTransport};
use millpond_server::Transport;
use millpond_server::audit::{AuditConfig, Target};
use millpond_server::proxy::Network;
use millpond_server::tls::TlsConfig;

use crate::failure::Failure;
use crate::terminal::quoted;

/// Where the audit log goes when it is no file.
const STANDARD_OUTPUT: &str = "-";

/// TLS, proxies and the audit log as they are given.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Connections")]
pub(crate) struct TransportOptions {
    /// Speak TLS with a certificate that the service makes itself and keeps; or off, whatever the file says.
    #[arg(long, value_name = "WHICH", conflicts_with = "tls_cert")]
    tls: Option<Tls>,
    /// Speak TLS with this certificate: PEM, with what leads to its root. It is read again when it changes.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The key of the certificate: PEM, not encrypted.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A proxy in front of the service that is believed about whose request it passes on (X-Forwarded-For, -Proto and
    /// -Host): an address or a network such as 10.0.0.0/8. Can be repeated.
    #[arg(long, value_name = "IP|CIDR")]
    trusted_proxy: Vec<Network>,
    /// Write a line of JSON about each request to this file, or to standard output with -.
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Tls {
    /// With a certificate of the service's own.
    SelfSigned,
    /// Not at all.
    Off,
}

impl TransportOptions {
    /// Those given, over those of the file, whose paths begin at `folder`. `remote` is whether others than this machine
    /// reach the service, which then calls itself by its host's name, too.
    pub(crate) fn over(
        self,
        file: &FileTransport,
        folder: &Path,
        remote: bool,
    ) -> Result<Transport, Failure> {
        let tls = match (self.tls, self.tls_cert, self.tls_key) {
            (Some(Tls::Off), ..) => None,
            (Some(Tls::SelfSigned), ..) => Some(self_signed(remote)?),
            (None, Some(certificate), Some(key)) => Some(TlsConfig::Files { certificate, key }),
            (None, ..) => match &file.tls {
                None | Some(FileTls::Off) => None,
                Some(FileTls::SelfSigned) => Some(self_signed(remote)?),
                Some(FileTls::Files { certificate, key }) => {
                    Some(TlsConfig::Files { certificate: folder.join(certificate), key: folder.join(key) })
                }
            },
        };
        let trusted_proxies =
            if self.trusted_proxy.is_empty() { file.trusted_proxies.clone() } else { self.trusted_proxy };
        Ok(Transport { tls, trusted_proxies, audit: audit(self.audit, file, folder) })
    }
}

fn audit(given: Option<PathBuf>, file: &FileTransport, folder: &Path) -> Option<AuditConfig> {
    let said = file.audit.as_ref();
    let of_file = said.and_then(|said| said.file.clone());
    let path = given.or_else(|| {
        of_file.map(|path| if path.as_os_str() == STANDARD_OUTPUT { path } else { folder.join(path) })
    })?;
    let target = match path.as_os_str() == STANDARD_OUTPUT {
        true => Target::StandardOutput,
        false => Target::File(path),
    };
    let defaults = AuditConfig::to(target);
    Some(AuditConfig {
        recorded: said.and_then(|said| said.requests).unwrap_or(defaults.recorded),
        max_bytes: said.and_then(|said| said.max_bytes).unwrap_or(defaults.max_bytes),
        keep: said.and_then(|said| said.keep).unwrap_or(defaults.keep),
        target: defaults.target,
    })
}

fn self_signed(remote: bool) -> Result<TlsConfig, Failure> {
    let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")));
    let config = config.ok_or_else(|| {
        Failure::new("neither HOME nor XDG_CONFIG_HOME, an absolute path, says where to keep the certificate")
    })?;
    // Loopback is called by no other name, and a host that is renamed keeps its certificate there.
    let name = rustix::system::uname().nodename().to_str().map(str::to_owned).ok();
    let is_name = |name: &String| {
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
        !name.is_empty() && name.bytes().all(letters)
    };
    let names = name.filter(|name| remote && is_name(name)).into_iter().collect();
    Ok(TlsConfig::SelfSigned { directory: config.join("millpond/tls"), names })
}

/// Says what clients have to trust.
pub(crate) fn tell(service: &Service, tell: fn(&str)) {
    if let Some(bundle) = service.ca_bundle() {
        let bundle = quoted(&bundle.display().to_string());
        tell(&format!("tls      clients trust it with: export AWS_CA_BUNDLE={bundle}"));
    }
}
