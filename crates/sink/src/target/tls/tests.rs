//! Options of a URL: what each asks for, and what is refused.

use super::*;

fn asked(options: &str) -> Tls {
    let (tls, rest) = Tls::take_from(options).unwrap();
    assert_eq!(rest, "");
    tls
}

fn refused(options: &str) -> String {
    match Tls::take_from(options) {
        Err(text) => text,
        Ok(taken) => panic!("{options} gave {taken:?}"),
    }
}

#[test]
fn a_mode_is_what_it_says() {
    assert_eq!(asked(""), Tls::Off);
    assert_eq!(asked("ssl-mode=DISABLED"), Tls::Off);
    assert_eq!(asked("ssl-mode=REQUIRED"), Tls::Unverified);
    assert_eq!(asked("ssl-mode=required"), Tls::Unverified);
    assert_eq!(asked("ssl-mode=VERIFY_IDENTITY"), Tls::Verified { authorities: None });
    let with_file = Tls::Verified { authorities: Some("/etc/a b.pem".into()) };
    assert_eq!(asked("ssl-ca=/etc/a%20b.pem&ssl-mode=VERIFY_IDENTITY"), with_file);
    assert_eq!(asked("ssl-ca=/etc/a%20b.pem"), with_file, "a file alone checks all there is");
}

#[test]
fn other_options_stay_as_they_are() {
    let (tls, rest) = Tls::take_from("tcp_nodelay=true&ssl-mode=REQUIRED&socket=%2Fa").unwrap();
    assert_eq!((tls, rest.as_str()), (Tls::Unverified, "tcp_nodelay=true&socket=%2Fa"));
}

#[test]
fn what_is_not_kept_is_refused() {
    for (options, part) in [
        ("ssl-mode=PREFERRED", "go on unencrypted"),
        ("ssl-mode=VERIFY_CA&ssl-ca=/ca.pem", "the certificate of any host"),
        ("ssl-mode=s3cret", "not known"),
        ("ssl-mode", "not known"),
        ("ssl-mode=REQUIRED&ssl-ca=/ca.pem", "checks no certificate"),
        ("ssl-mode=DISABLED&ssl-ca=/ca.pem", "checks no certificate"),
        ("ssl-mode=REQUIRED&ssl-mode=DISABLED", "ssl-mode twice"),
        ("ssl-ca=/a.pem&ssl-ca=/b.pem", "ssl-ca twice"),
        ("ssl-ca=s3cret.pem", "absolute path"),
        ("ssl-ca=", "absolute path"),
        ("ssl-key=/s3cret.pem", "ssl-key, which is not supported"),
        ("require_ssl=true", "require_ssl, which is not supported"),
        ("verify_ca=true", "ssl-mode is DISABLED, REQUIRED"),
    ] {
        let text = refused(options);
        assert!(text.contains(part) && !text.contains("s3cret"), "{options}: {text}");
    }
}

#[tokio::test]
async fn a_file_without_certificates_is_refused_by_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    let tls = Tls::Verified { authorities: Some(file.clone()) };
    let text = tls.options().await.unwrap_err();
    assert!(text.contains("ca.pem, can't be read: No such file"), "{text}");
    std::fs::write(&file, "-----BEGIN PRIVATE KEY-----\n").unwrap();
    let text = tls.options().await.unwrap_err();
    assert!(text.contains("ca.pem, holds no certificate"), "{text}");
}

#[tokio::test]
async fn only_a_connection_that_is_off_is_plain() {
    assert_eq!(Tls::Off.options().await.unwrap(), None);
    assert!(Tls::Unverified.options().await.unwrap().is_some());
    let options = Tls::Verified { authorities: None }.options().await.unwrap().unwrap();
    assert!(!options.accept_invalid_certs() && !options.skip_domain_validation());
    assert!(!options.disable_built_in_roots());
}

#[tokio::test]
async fn a_file_of_authorities_is_trusted_alone() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    std::fs::write(&file, "-----BEGIN CERTIFICATE-----\n").unwrap();
    let options = Tls::Verified { authorities: Some(file) }.options().await.unwrap().unwrap();
    assert!(options.disable_built_in_roots() && options.root_certs().len() == 1);
    assert!(!options.accept_invalid_certs() && !options.skip_domain_validation());
}
