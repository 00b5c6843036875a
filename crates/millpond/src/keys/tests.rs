//! Keys of files and of the environment.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Barrier;

use super::{environment, files, fresh_root_key};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_fresh_root_key_looks_like_one_of_amazon() {
    let key = fresh_root_key().unwrap();
    assert_eq!(key.access_key_id.len(), 20);
    assert!(key.access_key_id.starts_with("AKIA"));
    assert!(
        key.access_key_id
            .bytes()
            .skip(4)
            .all(|byte| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte))
    );
    assert_eq!(key.secret_access_key.expose().len(), 40);
    assert_ne!(key.secret_access_key, fresh_root_key().unwrap().secret_access_key);
}

#[test]
fn what_was_made_is_found_again_and_is_the_users_alone() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("config/millpond");
    let path = directory.join("root-key.json");
    let make = || files::find_or_make(&path, &files::root_text().unwrap()).unwrap();
    let (made, fresh) = make();
    assert!(fresh);
    let (found, fresh) = make();
    assert!(!fresh);
    assert_eq!(made, found);
    assert_eq!((mode(&directory), mode(&path)), (0o700, 0o600));
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "nothing else is left");
    assert!(files::root_of(&found).is_ok());
}

#[test]
fn all_first_starts_at_once_end_with_the_same_key() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("millpond");
    let begin = Barrier::new(8);
    let make = || {
        begin.wait();
        files::find_or_make(&directory.join("master-key"), &files::master_text().unwrap()).unwrap()
    };
    let made: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(made.iter().all(|(text, ..)| *text == made[0].0));
    assert_eq!(made.iter().filter(|(.., fresh)| *fresh).count(), 1);
}

#[test]
fn a_file_that_others_can_read_is_refused_with_what_mends_it() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("master-key");
    files::find_or_make(&path, &files::master_text().unwrap()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let refused = files::read(&path).unwrap_err().to_string();
    assert!(refused.contains("chmod 600 ") && refused.contains("master-key"), "{refused}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o770)).unwrap();
    assert!(files::read(&path).unwrap_err().to_string().contains("chmod 700 "));
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(files::read(&path).unwrap().is_some());
}

#[test]
fn a_damaged_file_is_told_without_what_is_in_it() {
    for text in
        ["", "{", "{\"access_key_id\": \"AKIA\"}", "{\"access_key_id\": 5, \"secret_access_key\": \"hush\"}"]
    {
        let told = files::root_of(text).unwrap_err();
        assert!(!told.contains("hush"), "{told}");
    }
    let odd = r#"{"access_key_id": "AKIA", "secret_access_key": "has space"}"#;
    assert!(!files::root_of(odd).unwrap_err().contains("has space"));
    assert!(files::master_of("abc").is_err());
}

#[test]
fn a_new_root_key_replaces_the_old_one() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("root-key.json");
    let (before, _) = files::find_or_make(&path, &files::root_text().unwrap()).unwrap();
    files::replace(&path, &files::root_text().unwrap()).unwrap();
    assert_ne!(files::read(&path).unwrap().unwrap(), before);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
}

#[test]
fn the_environment_gives_both_parts_of_a_root_key_or_none() {
    let given = |id: Option<&str>, secret: Option<&str>| {
        environment::root_key_of(id.map(str::to_owned), secret.map(str::to_owned))
    };
    assert!(given(None, None).unwrap().is_none());
    assert_eq!(given(Some("test"), Some("test")).unwrap().unwrap().access_key_id, "test");
    assert!(given(Some("test"), None).unwrap_err().contains("MILLPOND_ROOT_SECRET_ACCESS_KEY is not"));
    assert!(given(None, Some("hush")).unwrap_err().contains("MILLPOND_ROOT_ACCESS_KEY_ID is not"));
    assert!(given(Some("a/b"), Some("hush")).unwrap_err().contains("letters"));
    assert!(given(Some(&"a".repeat(129)), Some("hush")).is_err());
    let told = given(Some("test"), Some("hu sh")).unwrap_err();
    assert!(told.contains("printable") && !told.contains("hu sh"), "{told}");
}

#[test]
fn a_master_key_is_64_hex_digits() {
    assert!(environment::master_key_of(&"0aF".repeat(21)).is_err());
    assert!(environment::master_key_of(&"0g".repeat(32)).is_err());
    assert!(environment::master_key_of(&"é".repeat(32)).is_err());
    assert!(environment::master_key_of(&format!("{}\n", "0aF1".repeat(16))).is_ok());
}
