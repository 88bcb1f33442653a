//! ssh keys and known hosts: read, checked, generated, and named by their fingerprints as `ssh-keygen -l` prints them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pkcs8::{ObjectIdentifier, PrivateKeyInfo};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::public::{KeyData, RsaPublicKey};
use ssh_key::rand_core::CryptoRngCore;
use ssh_key::{Algorithm, EcdsaCurve, HashAlg, LineEnding, Mpint, PrivateKey, PublicKey};

/// Why a text is no key that a step could use. None of these repeats what was read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The other half
    #[error("this is a public key; the Secret needs the private one")]
    Public,
    /// It needs a passphrase, which a step cannot type
    #[error("this key has a passphrase, which nobody can type in a step")]
    Passphrase,
    /// PuTTY's own format
    #[error("this key is in PuTTY's format, which ssh in a step does not read")]
    Putty,
    /// Anything but a key
    #[error("this is no private key: it has no line \"-----BEGIN … PRIVATE KEY-----\"")]
    NoKey,
    /// The beginning of a key
    #[error("this key is cut off: its line \"-----END … PRIVATE KEY-----\" is missing")]
    CutOff,
    /// A key that cannot sign, or of an algorithm that ssh has not
    #[error("this key is of a kind that ssh cannot use (object identifier {0})")]
    Kind(String),
    /// A key whose content cannot be read
    #[error("this key is damaged: {0}")]
    Damaged(String),
}

impl KeyError {
    /// What to do next, for the file that was read.
    pub fn remedy(&self, file: &str) -> String {
        match self {
            Self::Public => format!("give the file without .pub: {}", file.strip_suffix(".pub").unwrap_or("the private key's")),
            Self::Passphrase => {
                format!("take it off a copy (cp {file} deploy && ssh-keygen -p -N '' -f deploy), or let --generate make another key")
            }
            Self::Putty => format!("convert it: puttygen {file} -O private-openssh-new -o deploy"),
            Self::NoKey | Self::CutOff | Self::Kind(_) | Self::Damaged(_) => {
                "let --generate make a key, or make one with ssh-keygen -t ed25519".into()
            }
        }
    }
}

/// A private key, as text for a Secret, with what may be said of it. It has no `Debug` and no `Display`.
pub struct Key {
    text: String,
    public: Option<PublicKey>,
    format: &'static str,
}

/// The labels of PEM that hold a private key, and what they are called.
const PEM: &[(&str, &str)] = &[
    ("OPENSSH PRIVATE KEY", "OpenSSH"),
    ("RSA PRIVATE KEY", "PKCS#1 RSA"),
    ("EC PRIVATE KEY", "SEC1 EC"),
    ("DSA PRIVATE KEY", "DSA"),
    ("PRIVATE KEY", "PKCS#8"),
];

impl Key {
    /// Reads a private key as `ssh` would, line ends of Windows mended.
    ///
    /// # Errors
    /// When a step could not use it.
    pub fn read(bytes: &[u8]) -> Result<Self, KeyError> {
        let text = std::str::from_utf8(bytes).map_err(|_| KeyError::NoKey)?;
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
        let text = text.trim();
        refuse_other_things(text)?;
        let (label, format) = PEM.iter().find(|(label, _)| text.contains(&format!("-----BEGIN {label}-----"))).ok_or(KeyError::NoKey)?;
        let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
        let (_, rest) = text.split_once(&begin).ok_or(KeyError::NoKey)?;
        let (body, _) = rest.split_once(&end).ok_or(KeyError::CutOff)?;
        let der = decode(body)?;
        if *label == "PRIVATE KEY"
            && let Some(seed) = pkcs8(&der)?
        {
            return Self::of_ed25519(&seed);
        }
        let public = match *label {
            "OPENSSH PRIVATE KEY" => Some(openssh(&der)?),
            "RSA PRIVATE KEY" => Some(pkcs1(&der).ok_or_else(|| KeyError::Damaged("its numbers cannot be read".into()))?),
            _ if der.first() == Some(&0x30) => None,
            _ => return Err(KeyError::Damaged("it is no ASN.1".into())),
        };
        Ok(Self { text: format!("{begin}{body}{end}\n"), public, format })
    }

    /// A new ed25519 key.
    ///
    /// # Errors
    /// When the source of randomness fails.
    pub fn generate(random: &mut impl CryptoRngCore, comment: &str) -> Result<Self, KeyError> {
        let damaged = |error: ssh_key::Error| KeyError::Damaged(error.to_string());
        let mut key = PrivateKey::random(random, Algorithm::Ed25519).map_err(damaged)?;
        key.set_comment(comment);
        Self::in_openssh(&key)
    }

    /// An ed25519 key, by its seed.
    fn of_ed25519(seed: &[u8; 32]) -> Result<Self, KeyError> {
        Self::in_openssh(&PrivateKey::from(Ed25519Keypair::from_seed(seed)))
    }

    fn in_openssh(key: &PrivateKey) -> Result<Self, KeyError> {
        let text = key.to_openssh(LineEnding::LF).map_err(|error| KeyError::Damaged(error.to_string()))?;
        Ok(Self { text: text.to_string(), public: Some(key.public_key().clone()), format: "OpenSSH" })
    }

    /// The whole private key, for a Secret's data or a file of mode 0600, and for nothing else.
    pub fn private_text(&self) -> &str {
        &self.text
    }

    /// The line for `authorized_keys` or a forge's page of deploy keys, where the format tells it.
    pub fn public_line(&self) -> Option<String> {
        self.public.as_ref().and_then(|public| public.to_openssh().ok())
    }

    /// The comment in the key.
    pub fn comment(&self) -> &str {
        self.public.as_ref().map(PublicKey::comment).unwrap_or_default()
    }

    /// Whether it is an ed25519 key.
    pub fn is_ed25519(&self) -> bool {
        self.public.as_ref().is_some_and(|public| public.algorithm() == Algorithm::Ed25519)
    }

    /// `256 SHA256:… comment (ED25519)`, as `ssh-keygen -l` prints it; the format alone for keys whose public half
    /// stands nowhere in the file.
    pub fn fingerprint(&self) -> String {
        match &self.public {
            Some(public) => fingerprint(public),
            None => format!("a key in the format {}", self.format),
        }
    }
}

fn refuse_other_things(text: &str) -> Result<(), KeyError> {
    let first = text.split_whitespace().next().unwrap_or_default();
    let public = ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"].iter().any(|p| first.starts_with(p));
    if public || text.contains("PUBLIC KEY-----") || text.contains("---- BEGIN SSH2 PUBLIC KEY ----") {
        return Err(KeyError::Public);
    }
    if text.starts_with("PuTTY-User-Key-File-") {
        return Err(KeyError::Putty);
    }
    if text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(KeyError::Passphrase);
    }
    Ok(())
}

fn decode(body: &str) -> Result<Vec<u8>, KeyError> {
    let base64: String = body.split_whitespace().collect();
    STANDARD.decode(base64).map_err(|error| KeyError::Damaged(format!("its base64 is wrong ({error})")))
}

fn openssh(bytes: &[u8]) -> Result<PublicKey, KeyError> {
    let key = PrivateKey::from_bytes(bytes).map_err(|error| KeyError::Damaged(error.to_string()))?;
    if key.is_encrypted() || matches!(key.key_data(), KeypairData::Encrypted(_)) {
        return Err(KeyError::Passphrase);
    }
    let mut public = key.public_key().clone();
    public.set_comment(key.comment());
    Ok(public)
}

/// The public half of a `RSAPrivateKey` (RFC 8017, A.1.2): a sequence of version, modulus, public exponent, …
fn pkcs1(der: &[u8]) -> Option<PublicKey> {
    let (sequence, _) = element(der, 0x30)?;
    let (_, rest) = element(sequence, 0x02)?;
    let (modulus, rest) = element(rest, 0x02)?;
    let (exponent, _) = element(rest, 0x02)?;
    let n = Mpint::from_bytes(modulus).ok()?;
    let e = Mpint::from_bytes(exponent).ok()?;
    Some(PublicKey::new(KeyData::Rsa(RsaPublicKey { e, n }), ""))
}

/// Algorithms of PKCS#8 that every ssh reads from there: rsaEncryption, ecPublicKey, id-dsa.
const BY_SSH: [ObjectIdentifier; 3] = [
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1"),
    ObjectIdentifier::new_unwrap("1.2.840.10045.2.1"),
    ObjectIdentifier::new_unwrap("1.2.840.10040.4.1"),
];
/// id-Ed25519 (RFC 8410)
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// The seed of an ed25519 key in a `PrivateKeyInfo` (RFC 5208, RFC 8410), which ssh reads from OpenSSH's format only, before its
/// version 9.6; none of a key that ssh reads as it is.
fn pkcs8(der: &[u8]) -> Result<Option<[u8; 32]>, KeyError> {
    let key = PrivateKeyInfo::try_from(der).map_err(|_| KeyError::Damaged("it is no PKCS#8".into()))?;
    if key.algorithm.oid == ED25519 {
        let seed = element(key.private_key, 0x04).and_then(|(seed, _)| seed.try_into().ok());
        return seed.map(Some).ok_or_else(|| KeyError::Damaged("its 32 bytes are not there".into()));
    }
    if BY_SSH.contains(&key.algorithm.oid) { Ok(None) } else { Err(KeyError::Kind(key.algorithm.oid.to_string())) }
}

/// The content of the DER element of a tag at the beginning, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    (found == tag).then(|| rest.split_at_checked(length)).flatten()
}

fn fingerprint(public: &PublicKey) -> String {
    let comment = if public.comment().is_empty() { "no comment" } else { public.comment() };
    format!("{} {} {comment} ({})", bits(public.key_data()), public.fingerprint(HashAlg::Sha256), algorithm(public.key_data()))
}

fn algorithm(key: &KeyData) -> &'static str {
    match key {
        KeyData::Ed25519(_) => "ED25519",
        KeyData::Rsa(_) => "RSA",
        KeyData::Dsa(_) => "DSA",
        KeyData::Ecdsa(_) => "ECDSA",
        KeyData::SkEd25519(_) => "ED25519-SK",
        KeyData::SkEcdsaSha2NistP256(_) => "ECDSA-SK",
        _ => "OTHER",
    }
}

fn bits(key: &KeyData) -> usize {
    let length = |number: &Mpint| {
        let bytes = number.as_positive_bytes().unwrap_or_default();
        bytes.first().map_or(0, |first| bytes.len() * 8 - first.leading_zeros() as usize)
    };
    match key {
        KeyData::Rsa(rsa) => length(&rsa.n),
        KeyData::Dsa(dsa) => length(&dsa.p),
        KeyData::Ecdsa(ecdsa) => match ecdsa.curve() {
            EcdsaCurve::NistP256 => 256,
            EcdsaCurve::NistP384 => 384,
            EcdsaCurve::NistP521 => 521,
        },
        _ => 256,
    }
}

/// A line of known hosts that says something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownHost {
    /// `github.com`, `[git.example.com]:2222`, or a hash
    pub hosts: String,
    /// `256 SHA256:… github.com (ED25519)`, the comment being the hosts, as `ssh-keygen -l` prints it
    pub fingerprint: String,
}

/// Reads a `known_hosts` text: the keys to trust. Comments, empty lines and revoked keys are passed over.
///
/// # Errors
/// The number of the first line (from 1) that is none, with the reason.
pub fn known_hosts(text: &str) -> Result<Vec<KnownHost>, (usize, String)> {
    let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line.trim()));
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .filter_map(|(number, line)| known_host(line).map_err(|e| (number, e)).transpose())
        .collect()
}

/// None for a key that must never be trusted, which makes no host known.
fn known_host(line: &str) -> Result<Option<KnownHost>, String> {
    let mut words = line.split_whitespace().skip_while(|word| word.starts_with('@'));
    let (Some(hosts), Some(algorithm), Some(key)) = (words.next(), words.next(), words.next()) else {
        return Err("a host, a type and a key are needed".into());
    };
    let mut public = PublicKey::from_openssh(&format!("{algorithm} {key}")).map_err(|error| error.to_string())?;
    public.set_comment(hosts);
    let known = KnownHost { hosts: hosts.to_owned(), fingerprint: fingerprint(&public) };
    Ok((!line.starts_with("@revoked")).then_some(known))
}

impl KnownHost {
    /// Whether this line may speak of a host given as `HOST` or `HOST:PORT`; a hashed line may speak of any.
    pub fn may_be(&self, host: &str) -> bool {
        let written = match host.rsplit_once(':') {
            Some((name, port)) if port != "22" => format!("[{name}]:{port}"),
            Some((name, _)) => name.to_owned(),
            None => host.to_owned(),
        };
        self.hosts.split(',').any(|h| h.starts_with("|1|") || h.contains(['*', '?']) || h.eq_ignore_ascii_case(&written))
    }
}

/// The same known hosts in a stable order, without comments and empty lines: what `ssh-keyscan` finds comes in any order.
pub fn sorted(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    lines.sort_unstable();
    lines.dedup();
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests;
