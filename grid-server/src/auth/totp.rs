//! Second factors: codes of six digits for steps of half a minute (RFC 6238), each used once, and recovery codes.

use data_encoding::{BASE32_NOPAD, HEXUPPER};
use fallow_protocol::Digest;
use totp_rs::{Algorithm, TOTP};

/// One step of time, seconds.
const STEP_S: u64 = 30;
const DIGITS: usize = 6;
/// A clock may be wrong by one step.
const SKEW: u64 = 1;
/// Bytes of a secret: as many as SHA-1's.
const SECRET_BYTES: usize = 20;
/// Recovery codes that an account gets.
pub const RECOVERY_CODES: usize = 10;
/// Letters of one: 80 random bits.
const RECOVERY_LETTERS: usize = 16;

/// A new secret.
pub fn new_secret() -> Vec<u8> {
    let mut secret = vec![0u8; SECRET_BYTES];
    getrandom::fill(&mut secret).expect("the operating system gives random bytes");
    secret
}

/// The secret as people type it.
pub fn base32(secret: &[u8]) -> String {
    BASE32_NOPAD.encode(secret)
}

/// The `otpauth://` address for a QR code.
pub fn url(secret: &[u8], grid: &str, account: &str) -> String {
    let (grid, account) = (escape(grid), escape(account));
    format!("otpauth://totp/{grid}:{account}?secret={}&issuer={grid}", base32(secret))
}

fn escape(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        other => format!("%{}", HEXUPPER.encode(&[other])),
    };
    text.bytes().map(one).collect()
}

/// The step of time that a code is of, newer than `used`; none where it is not right. `now_ms` since 1970.
pub fn step_of(secret: &[u8], code: &str, used: u64, now_ms: u64) -> Option<u64> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let totp = TOTP::new_unchecked(Algorithm::SHA1, DIGITS, 0, STEP_S, secret.to_vec());
    let now = now_ms / 1_000 / STEP_S;
    let right = |step: &u64| totp.check(&code, step * STEP_S);
    (now.saturating_sub(SKEW)..=now + SKEW).filter(|step| *step > used).find(right)
}

/// New recovery codes, in groups of four letters.
pub fn recovery_codes() -> Vec<String> {
    let one = |_| {
        let letters = &super::random_secret()[..RECOVERY_LETTERS];
        let groups: Vec<&str> = (0..RECOVERY_LETTERS).step_by(4).map(|at| &letters[at..at + 4]).collect();
        groups.join("-")
    };
    (0..RECOVERY_CODES).map(one).collect()
}

/// What is kept of a recovery code; none where the text is no such code.
pub fn recovery_hash(code: &str) -> Option<Digest> {
    let letters: String = code.chars().filter(char::is_ascii_alphanumeric).take(RECOVERY_LETTERS + 1).collect();
    (letters.len() == RECOVERY_LETTERS).then(|| super::hash(&letters.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, with the last six digits.
        let secret = b"12345678901234567890";
        for (time_s, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(step_of(secret, code, 0, time_s * 1_000), Some(time_s / 30), "{time_s}");
        }
    }

    #[test]
    fn a_code_counts_once_and_for_a_step_around() {
        let secret = b"12345678901234567890";
        let (now, step) = (59_000, 1);
        assert_eq!(step_of(secret, "287 082", 0, now + 30_000), Some(step));
        assert_eq!(step_of(secret, "287082", 0, now + 60_000), None);
        assert_eq!(step_of(secret, "287082", step, now), None, "used");
        assert_eq!(step_of(secret, "287083", 0, now), None);
        assert_eq!(step_of(secret, "", 0, now), None);
        assert_eq!(step_of(secret, &"2".repeat(1_000), 0, now), None);
    }

    #[test]
    fn recovery_codes_are_read_as_people_type_them() {
        let codes = recovery_codes();
        assert_eq!(codes.len(), RECOVERY_CODES);
        assert_eq!(recovery_hash(&codes[0]), recovery_hash(&codes[0].to_uppercase().replace('-', " ")));
        assert_ne!(recovery_hash(&codes[0]), recovery_hash(&codes[1]));
        assert_eq!(recovery_hash("123456"), None);
        assert_eq!(recovery_hash(&"a".repeat(2_000)), None);
    }

    #[test]
    fn addresses_for_authenticators_are_escaped() {
        let url = url(b"12345678901234567890", "my grid", "a&b:c");
        assert_eq!(url, "otpauth://totp/my%20grid:a%26b%3Ac?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=my%20grid");
    }
}
