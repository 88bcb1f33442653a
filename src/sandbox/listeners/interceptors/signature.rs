//! The signature that a forge puts on an event: `sha256=` and an HMAC of the body in hexadecimal. Pure.

use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

/// Checks a signature in constant time.
///
/// # Errors
/// With the sentence that Triggers says: no signature at all, an unknown kind, or not the right one.
pub fn check(signature: &str, body: &[u8], key: &[u8]) -> Result<(), String> {
    let (kind, digits) = signature.split_once('=').ok_or_else(|| format!("error parsing signature {signature:?}"))?;
    let verify: fn(&[u8], &[u8], &[u8]) -> bool = match kind {
        "sha1" => verify::<Hmac<Sha1>>,
        "sha256" => verify::<Hmac<Sha256>>,
        "sha512" => verify::<Hmac<Sha512>>,
        _ => return Err(format!("unknown hash type prefix: {kind:?}")),
    };
    let mac = bytes(digits).ok_or_else(|| format!("error decoding signature {signature:?}: it is not hexadecimal"))?;
    if verify(key, body, &mac) { Ok(()) } else { Err("payload signature check failed".to_owned()) }
}

fn verify<M: Mac + hmac::digest::KeyInit>(key: &[u8], body: &[u8], mac: &[u8]) -> bool {
    <M as Mac>::new_from_slice(key).is_ok_and(|hmac| hmac.chain_update(body).verify_slice(mac).is_ok())
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_fits_its_body_and_key_and_no_other() {
        // The example of GitHub's documentation.
        let (key, body) = (b"It's a Secret to Everybody", b"Hello, World!");
        let right = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert_eq!(check(right, body, key), Ok(()));
        let wrong = Err("payload signature check failed".to_owned());
        assert_eq!(check(right, b"Hello, World", key), wrong);
        assert_eq!(check(right, body, b"another"), wrong);
        assert_eq!(check("sha256=75", body, key), wrong);
        // RFC 2202, case 2.
        assert_eq!(check("sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", b"what do ya want for nothing?", b"Jefe"), Ok(()));
    }

    #[test]
    fn what_is_no_signature_is_said() {
        let problem = |signature: &str| check(signature, b"", b"").expect_err("it is none");
        assert_eq!(problem("757107"), "error parsing signature \"757107\"");
        assert_eq!(problem("md5=75"), "unknown hash type prefix: \"md5\"");
        assert!(problem("sha256=7x").starts_with("error decoding signature"));
        assert!(problem("sha256=757").starts_with("error decoding signature"));
    }
}
