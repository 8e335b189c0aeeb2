//! Password hashes of older kinds, which an import brings along. Each is looked at once: the right password is hashed anew.

use std::num::NonZeroU32;

use aws_lc_rs::{constant_time, digest, pbkdf2};
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{NO_PAD, STANDARD, STANDARD_NO_PAD};
use base64::{Engine, alphabet};

/// More work than that nobody asked for, and a login would take too long.
const BCRYPT_AT_MOST: u32 = 14;
/// The least cost that bcrypt has.
const BCRYPT_AT_LEAST: u32 = 4;
/// How bcrypt writes its salt and its hash.
const BCRYPT_LETTERS: GeneralPurpose = GeneralPurpose::new(&alphabet::BCRYPT, NO_PAD);
const PBKDF2_AT_MOST: u32 = 2_000_000;
const SCRYPT_AT_MOST: u8 = 17;

/// A hash of an older kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegacyHash {
    /// `$2b$12$…`
    Bcrypt(String),
    /// `$pbkdf2-sha256$i=…$salt$hash`, or with the bare count as passlib has it.
    Pbkdf2 {
        /// SHA-1, SHA-256 or SHA-512.
        sha: Sha,
        /// Rounds.
        rounds: NonZeroU32,
        /// The salt.
        salt: Vec<u8>,
        /// What came out.
        hash: Vec<u8>,
    },
    /// `$scrypt$ln=…,r=…,p=…$salt$hash`
    Scrypt {
        /// Cost, block size and lanes.
        params: (u8, u32, u32),
        /// The salt.
        salt: Vec<u8>,
        /// What came out.
        hash: Vec<u8>,
    },
    /// `{SSHA}…`, `{SSHA256}…`, `{SSHA512}…`: base64 of the hash and the salt behind it (RFC 2307's kin).
    SaltedSha {
        /// SHA-1, SHA-256 or SHA-512.
        sha: Sha,
        /// The salt.
        salt: Vec<u8>,
        /// What came out.
        hash: Vec<u8>,
    },
}

/// Which SHA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sha {
    /// SHA-1.
    One,
    /// SHA-256.
    TwoFiveSix,
    /// SHA-512.
    FiveOneTwo,
}

impl Sha {
    fn length(self) -> usize {
        match self {
            Sha::One => 20,
            Sha::TwoFiveSix => 32,
            Sha::FiveOneTwo => 64,
        }
    }
}

impl LegacyHash {
    /// Reads one; none if it is of no kind that is taken, or wants more work than there may be.
    pub fn parse(text: &str) -> Option<LegacyHash> {
        if let Some((sha, rest)) =
            [("{SSHA}", Sha::One), ("{SSHA256}", Sha::TwoFiveSix), ("{SSHA512}", Sha::FiveOneTwo)]
                .into_iter()
                .find_map(|(head, sha)| Some((sha, text.strip_prefix(head)?)))
        {
            let bytes = STANDARD.decode(rest).ok()?;
            let (hash, salt) = bytes.split_at_checked(sha.length())?;
            return (!salt.is_empty()).then(|| LegacyHash::SaltedSha { sha, salt: salt.into(), hash: hash.into() });
        }
        let mut parts = text.strip_prefix('$')?.split('$');
        match parts.next()? {
            "2a" | "2b" | "2y" => {
                let (cost, letters) = (parts.next()?.parse::<u32>().ok()?, parts.next()?);
                let (salt, hash) = letters.split_at_checked(22).filter(|_| text.len() == 60)?;
                let decodes = |letters: &str| BCRYPT_LETTERS.decode(letters).is_ok();
                let fits = (BCRYPT_AT_LEAST..=BCRYPT_AT_MOST).contains(&cost) && decodes(salt) && decodes(hash);
                fits.then(|| LegacyHash::Bcrypt(text.to_owned()))
            }
            name if name.starts_with("pbkdf2") => {
                let sha = match name {
                    "pbkdf2" | "pbkdf2-sha1" => Sha::One,
                    "pbkdf2-sha256" => Sha::TwoFiveSix,
                    "pbkdf2-sha512" => Sha::FiveOneTwo,
                    _ => return None,
                };
                let rounds = number(parts.next()?, "i")?;
                let (salt, hash) = (decode(parts.next()?)?, decode(parts.next()?)?);
                let fits = rounds.get() <= PBKDF2_AT_MOST && hash.len() >= 16;
                fits.then_some(LegacyHash::Pbkdf2 { sha, rounds, salt, hash })
            }
            "scrypt" => {
                let params = parts.next()?;
                let (ln, r, p) = (number(params, "ln")?, number(params, "r")?, number(params, "p")?);
                let ln = u8::try_from(ln.get()).ok().filter(|ln| *ln <= SCRYPT_AT_MOST)?;
                let (salt, hash) = (decode(parts.next()?)?, decode(parts.next()?)?);
                let fits = r.get() <= 8 && p.get() <= 4 && hash.len() >= 16;
                fits.then_some(LegacyHash::Scrypt { params: (ln, r.get(), p.get()), salt, hash })
            }
            _ => None,
        }
    }

    /// Whether this is the password.
    pub fn is_of(&self, password: &str) -> bool {
        let password = password.as_bytes();
        match self {
            LegacyHash::Bcrypt(text) => bcrypt::verify(password, text).unwrap_or(false),
            LegacyHash::Pbkdf2 { sha, rounds, salt, hash } => {
                let algorithm = match sha {
                    Sha::One => pbkdf2::PBKDF2_HMAC_SHA1,
                    Sha::TwoFiveSix => pbkdf2::PBKDF2_HMAC_SHA256,
                    Sha::FiveOneTwo => pbkdf2::PBKDF2_HMAC_SHA512,
                };
                pbkdf2::verify(algorithm, *rounds, salt, password, hash).is_ok()
            }
            LegacyHash::Scrypt { params: (ln, r, p), salt, hash } => {
                let mut found = vec![0; hash.len()];
                let Ok(params) = scrypt::Params::new(*ln, *r, *p) else { return false };
                let done = scrypt::scrypt(password, salt, &params, &mut found).is_ok();
                done && constant_time::verify_slices_are_equal(&found, hash).is_ok()
            }
            LegacyHash::SaltedSha { sha, salt, hash } => {
                let algorithm = match sha {
                    Sha::One => &digest::SHA1_FOR_LEGACY_USE_ONLY,
                    Sha::TwoFiveSix => &digest::SHA256,
                    Sha::FiveOneTwo => &digest::SHA512,
                };
                let found = digest::digest(algorithm, &[password, salt].concat());
                constant_time::verify_slices_are_equal(found.as_ref(), hash).is_ok()
            }
        }
    }
}

/// A number in `a=1,b=2`, or the whole part where it is one number.
fn number(part: &str, name: &str) -> Option<NonZeroU32> {
    let named = part.split(',').find_map(|pair| pair.split_once('=').filter(|(own, _)| *own == name));
    named.map_or(part, |(_, value)| value).parse().ok()
}

/// Base64 without padding; passlib writes `.` for `+`.
fn decode(part: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(part.replace('.', "+").trim_end_matches('=')).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by Python: `bcrypt`, and `hashlib` for the rest.
    const KNOWN: [&str; 7] = [
        "$2b$04$WS7WDu3E3xUfkZJKXvW5lufzQAEzBA4FO/8DE32wwebDX6zZ41NGi",
        "$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$yi2mzpKV+jyiJI4DPqbMNF4TZwM0RS0MAKWIid8Dl3c",
        "$pbkdf2-sha512$1000$MDEyMzQ1Njc4OWFiY2RlZg$11ylPg6qR6XgQl22L0eZBcudDQVLgo4EHJgvjy.IJJvFiS/rXbl98AcL0CVYXMVQAbJrUZl25vi3MvotHpC9Og",
        "$scrypt$ln=4,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$qwHm+a9UaE93y9EK46TX+Xiv1Sdx1b2XfLOc3BnaN3A",
        "{SSHA}+T2vUxF34t1jjGrIfq7Qjy3o8i4wMTIzNDU2Nw==",
        "{SSHA256}mcRt2Az9bOEekXwm3rhPprfxNRu+nQlC9SsibXLaNPowMTIzNDU2Nw==",
        "{SSHA512}qr3G+pkRk//SeZ6BkImjgCt+pOIvhU8ZO8alJlGpjyK6ENFtFrSoOSxSpPsEGLu9z2Dez+5wey1xWdnEZH081zAxMjM0NTY3",
    ];

    #[test]
    fn each_kind_knows_its_password() {
        for text in KNOWN {
            let hash = LegacyHash::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert!(hash.is_of("Elva renner 7"), "{text}");
            for wrong in ["", "elva renner 7", "Elva renner 7 "] {
                assert!(!hash.is_of(wrong), "{text}");
            }
        }
    }

    #[test]
    fn others_are_not_taken() {
        for text in [
            "",
            "Elva",
            "$",
            "$argon2id$v=19$m=64,t=1,p=1$AAAA$AAAA",
            "$2b$31$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzABCDE",
            "$2b$10$short",
            "$pbkdf2-sha256$i=0$AAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$pbkdf2-md5$i=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$pbkdf2-sha256$i=4000000000$AAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$pbkdf2-sha256$i=1000$AAAA$AAAA",
            "$scrypt$ln=30,r=8,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=14,r=800,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA",
            "{SSHA}AAAA",
            "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
            "{SSHA}*",
        ] {
            assert_eq!(LegacyHash::parse(text), None, "{text}");
        }
    }
}
