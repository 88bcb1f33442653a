//! Keys as the real `ssh-keygen` makes them; where it is not installed, those tests have nothing to compare with.

use std::path::Path;
use std::process::Command;

use ssh_key::rand_core::OsRng;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ssh_key::PrivateKey;
use ssh_key::private::Ed25519Keypair;

use super::{Key, KeyError, known_hosts, sorted};

/// The output of ssh-keygen, or nothing where there is none.
fn ssh_keygen(args: &[&str]) -> Option<String> {
    let output = Command::new("ssh-keygen").args(args).output().ok()?;
    assert!(output.status.success(), "ssh-keygen {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).expect("ssh-keygen speaks UTF-8"))
}

fn made(dir: &Path, name: &str, args: &[&str]) -> Option<String> {
    let path = dir.join(name).to_str().expect("a plain path").to_owned();
    let mut all = vec!["-q", "-C", "somebody@here", "-f", &path];
    all.extend(args);
    ssh_keygen(&all).map(|_| path)
}

#[test]
fn fingerprints_are_those_of_ssh_keygen() {
    let dir = tempfile::tempdir().expect("a directory");
    let kinds: &[(&str, &[&str])] = &[
        ("ed25519", &["-t", "ed25519", "-N", ""]),
        ("rsa", &["-t", "rsa", "-b", "2048", "-N", ""]),
        ("ecdsa", &["-t", "ecdsa", "-b", "384", "-N", ""]),
    ];
    for (name, args) in kinds {
        let Some(path) = made(dir.path(), name, args) else { return };
        let key = Key::read(&std::fs::read(&path).expect("the key")).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(Some(key.fingerprint()), ssh_keygen(&["-l", "-f", &path]).map(|s| s.trim().to_owned()));
        let public = std::fs::read_to_string(format!("{path}.pub")).expect("the public key");
        assert_eq!(key.public_line().as_deref(), Some(public.trim()));
    }
}

#[test]
fn a_pem_key_of_rsa_is_read_too() {
    let dir = tempfile::tempdir().expect("a directory");
    let Some(path) = made(dir.path(), "pem", &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""]) else { return };
    let key = Key::read(&std::fs::read(&path).expect("the key")).unwrap_or_else(|e| panic!("{e}"));
    let expected = ssh_keygen(&["-l", "-f", &format!("{path}.pub")]).expect("a fingerprint");
    assert_eq!(key.fingerprint().split(' ').nth(1), expected.split(' ').nth(1));
    assert!(key.fingerprint().starts_with("2048 "));
}

#[test]
fn what_is_no_usable_key_is_told_apart() {
    let dir = tempfile::tempdir().expect("a directory");
    let error = |bytes: &[u8]| Key::read(bytes).err();
    assert_eq!(error(b"hello"), Some(KeyError::NoKey));
    assert_eq!(error(&[0xff, 0xfe]), Some(KeyError::NoKey));
    assert_eq!(error(b"PuTTY-User-Key-File-3: ssh-ed25519\n"), Some(KeyError::Putty));
    assert_eq!(error(b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n"), Some(KeyError::CutOff));
    assert!(matches!(error(b"-----BEGIN OPENSSH PRIVATE KEY-----\n!!\n-----END OPENSSH PRIVATE KEY-----\n"), Some(KeyError::Damaged(_))));
    let Some(path) = made(dir.path(), "locked", &["-t", "ed25519", "-N", "secret"]) else { return };
    assert_eq!(error(&std::fs::read(&path).expect("the key")), Some(KeyError::Passphrase));
    assert_eq!(error(&std::fs::read(format!("{path}.pub")).expect("the key")), Some(KeyError::Public));
}

fn pkcs8(algorithm: u8, seed: [u8; 32]) -> Vec<u8> {
    let head = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, algorithm, 0x04, 0x22, 0x04, 0x20];
    let der = [head.as_slice(), &seed].concat();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der)).into_bytes()
}

#[test]
fn an_ed25519_key_of_pkcs8_is_put_into_the_format_that_every_ssh_reads() {
    let key = Key::read(&pkcs8(0x70, [7; 32])).unwrap_or_else(|e| panic!("{e}"));
    assert!(key.private_text().starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
    let again = Key::read(key.private_text().as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    let public = PrivateKey::from(Ed25519Keypair::from_seed(&[7; 32])).public_key().to_openssh().expect("a line");
    assert_eq!(again.public_line(), Some(public));
}

#[test]
fn a_key_that_cannot_sign_is_refused() {
    let x25519 = Key::read(&pkcs8(0x6e, [7; 32])).err();
    assert_eq!(x25519, Some(KeyError::Kind("1.3.101.110".into())));
}

#[test]
fn line_ends_of_windows_are_mended() {
    let key = Key::generate(&mut OsRng, "c").unwrap_or_else(|e| panic!("{e}"));
    let windows = format!("\u{feff}{}", key.private_text().replace('\n', "\r\n"));
    let read = Key::read(windows.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(read.private_text(), key.private_text());
}

#[test]
fn a_generated_key_is_read_by_ssh_keygen() {
    let key = Key::generate(&mut OsRng, "tekton build/deploy").unwrap_or_else(|e| panic!("{e}"));
    assert!(key.is_ed25519());
    assert_eq!(key.comment(), "tekton build/deploy");
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("key");
    std::fs::write(&path, key.private_text()).expect("written");
    #[cfg(unix)]
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("private");
    let Some(public) = ssh_keygen(&["-y", "-f", path.to_str().expect("a plain path")]) else { return };
    assert_eq!(Some(public.trim().to_owned()), key.public_line());
}

const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

#[test]
fn a_revoked_key_makes_no_host_known() {
    let hosts = known_hosts(&format!("@revoked github.com {ED25519}\n@cert-authority *.corp {ED25519}\n")).expect("known hosts");
    assert_eq!(hosts.iter().map(|known| known.hosts.as_str()).collect::<Vec<_>>(), ["*.corp"]);
}

#[test]
fn known_hosts_are_read_by_line() {
    let text = format!("# comment\n\ngithub.com {ED25519}\n@cert-authority *.corp {ED25519}\n[git.here]:2222 {ED25519} note\n");
    let hosts = known_hosts(&text).expect("known hosts");
    assert_eq!(hosts[0].fingerprint, "256 SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU github.com (ED25519)");
    assert!(hosts[0].may_be("github.com") && hosts[0].may_be("github.com:22") && !hosts[0].may_be("gitlab.com"));
    assert!(hosts[2].may_be("git.here:2222") && !hosts[2].may_be("git.here"));
    assert_eq!(known_hosts("github.com\n").map_err(|(line, _)| line), Err(1));
    assert_eq!(known_hosts(&format!("a {ED25519}\nb ssh-ed25519 AAAA\n")).map_err(|(line, _)| line), Err(2));
}

#[test]
fn scanned_hosts_get_a_stable_order() {
    assert_eq!(sorted("# x\nb k 2\n\na k 1\nb k 2\n"), "a k 1\nb k 2\n");
}
