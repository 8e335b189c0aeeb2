//! Enterprise certificates (virksomhetssertifikat): a client that is known by the organisation number of its owner,
//! which an issuer has put its name to.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context, bail};
use authenticators::clock::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::DecodingKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, TrustAnchor, UnixTime};
use serde_json::Value;
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, ExtendedKeyUsageValidator, KeyPurposeIdIter,
    OwnedCertRevocationList, RevocationCheckDepth, RevocationOptionsBuilder, UnknownStatusPolicy,
};
use x509_parser::asn1_rs::{Oid, oid};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;

use crate::client_keys::{self, Expected, Unproved, Verified};
use crate::config::EnterpriseConfig;

/// No honest chain is longer.
const CHAIN_AT_MOST: usize = 6;
const ORGANIZATION_IDENTIFIER: Oid<'static> = oid!(2.5.4.97);
const SERIAL_NUMBER: Oid<'static> = oid!(2.5.4.5);

/// The issuers that are trusted, and for what.
#[derive(Debug)]
pub struct Roots {
    anchors: Vec<TrustAnchor<'static>>,
    policies: Vec<String>,
    crl_files: Vec<PathBuf>,
    revoked: RwLock<Arc<Vec<CertRevocationList<'static>>>>,
}

impl Roots {
    /// Reads the files.
    pub fn open(config: &EnterpriseConfig) -> anyhow::Result<Roots> {
        let read = |file: &Path| std::fs::read(file).with_context(|| format!("cannot read {}", file.display()));
        let mut roots = Roots::new(&read(&config.roots_file)?, config.policies.clone())
            .with_context(|| format!("in {}", config.roots_file.display()))?;
        roots.crl_files.clone_from(&config.crl_files);
        roots.refresh()?;
        Ok(roots)
    }

    /// Reads the lists of revoked certificates again. If one of them cannot be read, those that were read before stay.
    pub fn refresh(&self) -> anyhow::Result<()> {
        let mut all = Vec::new();
        for file in &self.crl_files {
            let list = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            all.extend(revocation_lists(&list).with_context(|| format!("in {}", file.display()))?);
        }
        *self.revoked.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(all);
        Ok(())
    }

    /// Roots in PEM.
    pub fn new(pem: &[u8], policies: Vec<String>) -> anyhow::Result<Roots> {
        let mut anchors = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.ok().context("not certificates in PEM")?;
            anchors.push(webpki::anchor_from_trusted_cert(&certificate).context("not a certificate")?.to_owned());
        }
        if anchors.is_empty() || policies.is_empty() {
            bail!("without a root and a policy no certificate is any good");
        }
        Ok(Roots { anchors, policies, crl_files: Vec::new(), revoked: RwLock::default() })
    }

    /// RFC 5280 6, with what the leaf must be besides.
    fn validate(&self, chain: &[CertificateDer<'_>], now: Timestamp) -> Result<(), webpki::Error> {
        let (leaf, between) = chain.split_first().ok_or(webpki::Error::BadDer)?;
        let leaf = EndEntityCert::try_from(leaf)?;
        let time = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now.seconds()).unwrap_or(0)));
        let revoked = self.revoked.read().unwrap_or_else(PoisonError::into_inner).clone();
        let lists: Vec<&CertRevocationList<'_>> = revoked.iter().collect();
        // Of the leaf it must be known that it stands; of those above it must not be known that they don't.
        let rounds = [
            (RevocationCheckDepth::EndEntity, UnknownStatusPolicy::Deny),
            (RevocationCheckDepth::Chain, UnknownStatusPolicy::Allow),
        ];
        for (depth, unknown) in rounds {
            let revocation = RevocationOptionsBuilder::new(&lists).ok();
            // A list that should have been followed by another says nothing any more (RFC 5280 6.3.3).
            let revocation = revocation.map(|options| {
                let options = options.with_depth(depth).with_status_policy(unknown);
                options.with_expiration_policy(ExpirationPolicy::Enforce).build()
            });
            let algorithms = webpki::ALL_VERIFICATION_ALGS;
            leaf.verify_for_usage(algorithms, &self.anchors, between, time, AnyPurpose, revocation, None)?;
        }
        Ok(())
    }

    fn accepts(&self, policy: &str) -> bool {
        self.policies.iter().any(|accepted| match accepted.strip_suffix('*') {
            Some(prefix) => prefix.ends_with('.') && policy.starts_with(prefix),
            None => policy == accepted,
        })
    }
}

/// Lists of revoked certificates, in PEM or DER (RFC 5280 5).
fn revocation_lists(text: &[u8]) -> anyhow::Result<Vec<CertRevocationList<'static>>> {
    let lists = match text.starts_with(b"-----BEGIN") {
        true => CertificateRevocationListDer::pem_slice_iter(text).collect::<Result<_, _>>().ok(),
        false => Some(vec![CertificateRevocationListDer::from(text)]),
    };
    let read = |list: CertificateRevocationListDer<'_>| {
        Ok(OwnedCertRevocationList::from_der(&list).context("not a list of revoked ones")?.into())
    };
    lists.context("not a list in PEM")?.into_iter().map(read).collect()
}

/// Issuers differ in what they say of extended key usage; the policy tells what a certificate is for.
struct AnyPurpose;

impl ExtendedKeyUsageValidator for AnyPurpose {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        Ok(())
    }
}

/// Reads a JWT that is signed by the enterprise certificate in its header (`x5c`, RFC 7515 4.1.6), if that is
/// `organisation`'s.
pub fn verify(
    roots: &Roots,
    token: &str,
    organisation: &str,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<Verified, &'static str> {
    let token = Unproved::read(token, expected)?;
    let chain = chain(token.header.get("x5c"))?;
    if let Err(error) = roots.validate(&chain, now) {
        tracing::info!(%error, "an enterprise certificate was refused");
        return Err(match error {
            webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. } => {
                "The certificate is not valid now."
            }
            webpki::Error::CertRevoked => "The certificate is revoked.",
            _ => "The certificate is by nobody who is trusted.",
        });
    }
    let leaf = chain.first().and_then(|leaf| X509Certificate::from_der(leaf).ok());
    let (_, leaf) = leaf.ok_or("The certificate cannot be read.")?;
    check_purpose(roots, &leaf)?;
    if owner(&leaf) != Some(organisation) {
        return Err("The certificate is of another organisation.");
    }
    let claims = token.proved_by(&key(&leaf)?)?;
    let expires = Timestamp::from_seconds(leaf.validity().not_after.timestamp());
    Ok(Verified { claims, key_expires: Some(expires) })
}

fn chain(header: Option<&Value>) -> Result<Vec<CertificateDer<'static>>, &'static str> {
    let list = header.and_then(Value::as_array).ok_or("The JWT has no certificate.")?;
    if !(1..=CHAIN_AT_MOST).contains(&list.len()) {
        return Err("The JWT has too many certificates, or none.");
    }
    let read = |text: &Value| STANDARD.decode(text.as_str()?).ok().map(CertificateDer::from);
    list.iter().map(read).collect::<Option<_>>().ok_or("The certificate cannot be read.")
}

fn check_purpose(roots: &Roots, leaf: &X509Certificate<'_>) -> Result<(), &'static str> {
    match leaf.key_usage() {
        Ok(Some(usage)) if usage.critical && usage.value.digital_signature() => {}
        _ => return Err("The certificate is not for signatures."),
    }
    let accepted = leaf.extensions().iter().any(|extension| match extension.parsed_extension() {
        ParsedExtension::CertificatePolicies(policies) => {
            policies.iter().any(|policy| roots.accepts(&policy.policy_id.to_id_string()))
        }
        _ => false,
    });
    if accepted { Ok(()) } else { Err("The certificate is of a kind that is not accepted.") }
}

/// The organisation number: `NTRNO-…` in the profiles of SEID 2, or bare in the older ones.
fn owner<'a>(leaf: &'a X509Certificate<'_>) -> Option<&'a str> {
    let values = |name: &Oid<'static>| {
        leaf.subject().iter_by_oid(name).map(|value| value.as_str().unwrap_or_default()).collect::<Vec<_>>()
    };
    match (values(&ORGANIZATION_IDENTIFIER).as_slice(), values(&SERIAL_NUMBER).as_slice()) {
        ([identifier], _) => identifier.strip_prefix("NTRNO-"),
        ([], [number]) => Some(number),
        _ => None,
    }
}

fn key(leaf: &X509Certificate<'_>) -> Result<DecodingKey, &'static str> {
    match leaf.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => {
            client_keys::rsa(key.modulus, key.exponent).map_err(|_| "The key of the certificate is not accepted.")
        }
        _ => Err("The key of the certificate is not accepted."),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jsonwebtoken::{Algorithm, EncodingKey};
    use rcgen::{
        BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams, CustomExtension, DnType,
        IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, RevokedCertParams, SerialNumber,
        date_time_ymd,
    };
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const POLICY: &str = "2.16.578.1.26.1.3.5";
    const ORGANISATION: &str = "991825827";
    const RS: Expected<'_> = Expected { algorithms: &[Algorithm::RS256], types: &["", "JWT"] };
    static KEY: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap());

    struct Authority {
        certificate: Certificate,
        issuer: Issuer<'static, KeyPair>,
    }

    fn authority(name: &str, change: impl FnOnce(&mut CertificateParams), above: Option<&Authority>) -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
        params.serial_number = Some(SerialNumber::from(7));
        change(&mut params);
        let certificate = match above {
            Some(above) => params.signed_by(&key, &above.issuer).unwrap(),
            None => params.self_signed(&key).unwrap(),
        };
        Authority { certificate, issuer: Issuer::new(params, key) }
    }

    impl Authority {
        fn revokes(&self, serial: u64) -> Vec<u8> {
            let list = CertificateRevocationListParams {
                this_update: date_time_ymd(2027, 1, 1),
                next_update: date_time_ymd(2027, 2, 1),
                crl_number: SerialNumber::from(1),
                issuing_distribution_point: None,
                revoked_certs: vec![RevokedCertParams {
                    serial_number: SerialNumber::from(serial),
                    revocation_time: date_time_ymd(2027, 1, 1),
                    reason_code: None,
                    invalidity_date: None,
                }],
                key_identifier_method: KeyIdMethod::Sha256,
            };
            list.signed_by(&self.issuer).unwrap().der().to_vec()
        }
    }

    /// RFC 5280 4.2.1.4
    fn policies(policy: &str) -> CustomExtension {
        let arcs: Vec<u64> = policy.split('.').map(|arc| arc.parse().unwrap()).collect();
        let mut content = vec![u8::try_from(arcs[0] * 40 + arcs[1]).unwrap()];
        for arc in &arcs[2..] {
            for shift in (0..5).rev().filter(|shift| *shift == 0 || arc >> (7 * shift) != 0) {
                content.push(u8::try_from(arc >> (7 * shift) & 0x7f).unwrap() | if shift == 0 { 0 } else { 0x80 });
            }
        }
        let wrap = |tag: u8, inner: &[u8]| [&[tag, u8::try_from(inner.len()).unwrap()], inner].concat();
        CustomExtension::from_oid_content(&[2, 5, 29, 32], wrap(0x30, &wrap(0x30, &wrap(6, &content))))
    }

    fn subject(params: &mut CertificateParams, kind: u64, value: &str) {
        params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, kind]), value);
    }

    fn leaf(by: &Authority, change: impl FnOnce(&mut CertificateParams)) -> Certificate {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2029, 1, 1);
        params.serial_number = Some(SerialNumber::from(42));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.custom_extensions = vec![policies(POLICY)];
        change(&mut params);
        params.signed_by(&*KEY, &by.issuer).unwrap()
    }

    fn ours(params: &mut CertificateParams) {
        subject(params, 97, &format!("NTRNO-{ORGANISATION}"));
    }

    fn sign(header: &Value, key: &KeyPair) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(&json!({ "iss": "a" })));
        let key = EncodingKey::from_rsa_pem(key.serialize_pem().as_bytes()).unwrap();
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::RS256).unwrap();
        format!("{message}.{signature}")
    }

    fn token(chain: &[&Certificate]) -> String {
        let chain: Vec<String> = chain.iter().map(|certificate| STANDARD.encode(certificate.der())).collect();
        sign(&json!({ "alg": "RS256", "x5c": chain }), &KEY)
    }

    fn roots(root: &Authority) -> Roots {
        Roots::new(root.certificate.pem().as_bytes(), vec![POLICY.into(), "2.16.578.1.29.13.200.*".into()]).unwrap()
    }

    #[test]
    fn a_good_one() {
        let root = authority("root", |_| {}, None);
        let between = authority("between", |_| {}, Some(&root));
        let check = |token: &str| verify(&roots(&root), token, ORGANISATION, &RS, NOW);
        let good = leaf(&between, ours);
        let verified = check(&token(&[&good, &between.certificate])).unwrap();
        assert_eq!(verified.claims["iss"], "a");
        assert_eq!(verified.key_expires, Some(Timestamp::from_seconds(1_861_920_000)));
        assert!(check(&token(&[&good, &between.certificate, &root.certificate])).is_ok());
        assert!(check(&token(&[&leaf(&root, ours)])).is_ok());
        // An older profile, and a policy below one that is accepted.
        assert!(check(&token(&[&leaf(&root, |params| subject(params, 5, ORGANISATION))])).is_ok());
        let below = |params: &mut CertificateParams| {
            ours(params);
            params.custom_extensions = vec![policies("2.16.578.1.29.13.200.1.0")];
        };
        assert!(check(&token(&[&leaf(&root, below)])).is_ok());
    }

    #[test]
    fn others_are_refused() {
        let (root, other) = (authority("root", |_| {}, None), authority("root", |_| {}, None));
        let check = |token: &str| verify(&roots(&root), token, ORGANISATION, &RS, NOW).unwrap_err();
        let with = |change: fn(&mut CertificateParams)| {
            token(&[&leaf(&root, |params| {
                ours(params);
                change(params);
            })])
        };
        let owned = |kind, value: &str| token(&[&leaf(&root, |params| subject(params, kind, value))]);
        for foreign in [
            owned(97, "NTRNO-991825828"),
            owned(97, ORGANISATION),
            owned(97, "NTRNO-"),
            owned(97, "VATNO-991825827"),
            owned(5, "991825828"),
            owned(5, "NTRNO-991825827"),
            owned(10, ORGANISATION),
            with(|params| subject(params, 97, "NTRNO-991825828")),
            token(&[&leaf(&root, |params| {
                subject(params, 97, "NTRNO-991825828");
                subject(params, 5, ORGANISATION);
            })]),
        ] {
            assert!(check(&foreign).contains("another organisation"), "{foreign}");
        }
        assert!(check(&with(|params| params.not_after = date_time_ymd(2027, 1, 15))).contains("not valid"));
        assert!(check(&with(|params| params.not_before = date_time_ymd(2027, 1, 16))).contains("not valid"));
        assert!(check(&with(|params| params.custom_extensions = vec![])).contains("kind"));
        for policy in ["2.16.578.1.26.1.3.50", "2.16.578.1.26.1.3", "2.16.578.1.29.13.200", "2.16.578.1.29.13.2000"] {
            let wrong = leaf(&root, |params| {
                ours(params);
                params.custom_extensions = vec![policies(policy)];
            });
            assert!(check(&token(&[&wrong])).contains("kind"), "{policy}");
        }
        assert!(check(&with(|params| params.key_usages = vec![])).contains("signatures"));
        let encrypts = |params: &mut CertificateParams| params.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
        assert!(check(&with(encrypts)).contains("signatures"));
        assert!(check(&token(&[&leaf(&other, ours)])).contains("nobody"));
        assert!(check(&token(&[&leaf(&other, ours), &other.certificate])).contains("nobody"));
    }

    #[test]
    fn chains_that_are_none() {
        let root = authority("root", |_| {}, None);
        let check = |token: &str| verify(&roots(&root), token, ORGANISATION, &RS, NOW).unwrap_err();
        let mut own = CertificateParams::new(Vec::new()).unwrap();
        ours(&mut own);
        own.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        own.custom_extensions = vec![policies(POLICY)];
        assert!(check(&token(&[&own.self_signed(&*KEY).unwrap()])).contains("nobody"));
        let no_authority = authority("between", |params| params.is_ca = IsCa::NoCa, Some(&root));
        assert!(check(&token(&[&leaf(&no_authority, ours), &no_authority.certificate])).contains("nobody"));
        let old = authority("between", |params| params.not_after = date_time_ymd(2027, 1, 1), Some(&root));
        assert!(check(&token(&[&leaf(&old, ours), &old.certificate])).contains("not valid"));
        let between = authority("between", |_| {}, Some(&root));
        assert!(check(&token(&[&leaf(&between, ours)])).contains("nobody"));
        let good = leaf(&root, ours);
        assert!(check(&token(&[&good; 7])).contains("too many"));
        assert!(check(&token(&[])).contains("none"));
        for x5c in [Value::Null, json!("x"), json!(["x"]), json!([1]), json!([""]), json!(["AAAA"])] {
            assert!(!check(&sign(&json!({ "alg": "RS256", "x5c": x5c }), &KEY)).is_empty());
        }
        // A certificate is public: who shows it must have its key.
        let thief = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let shown = json!({ "alg": "RS256", "x5c": [STANDARD.encode(good.der())] });
        assert!(check(&sign(&shown, &thief)).contains("signature"));
        let none = json!({ "alg": "none", "x5c": [STANDARD.encode(good.der())] });
        assert!(check(&sign(&none, &KEY)).contains("algorithm"));
    }

    #[test]
    fn revoked_ones() {
        let folder = tempfile::TempDir::new().unwrap();
        let root = authority("root", |_| {}, None);
        let between = authority("between", |_| {}, Some(&root));
        let good = token(&[&leaf(&between, ours), &between.certificate]);
        let with = |lists: &[Vec<u8>]| {
            let mut roots = roots(&root);
            for (number, list) in lists.iter().enumerate() {
                let file = folder.path().join(number.to_string());
                std::fs::write(&file, list).unwrap();
                roots.crl_files.push(file);
            }
            roots.refresh().map(|()| roots)
        };
        let check_at = |lists: &[Vec<u8>], now: Timestamp| {
            verify(&with(lists).unwrap(), &good, ORGANISATION, &RS, now).map(|_| ())
        };
        let check = |lists: &[Vec<u8>]| check_at(lists, NOW);
        assert_eq!(check(&[between.revokes(41)]), Ok(()));
        assert_eq!(check(&[between.revokes(42)]), Err("The certificate is revoked."));
        assert_eq!(check(&[between.revokes(41), root.revokes(8)]), Ok(()));
        assert_eq!(check(&[between.revokes(41), root.revokes(7)]), Err("The certificate is revoked."));
        // Of the leaf it must be known.
        assert!(check(&[root.revokes(8)]).is_err());
        // A list by somebody who only has the name.
        assert!(check(&[authority("between", |_| {}, None).revokes(41)]).is_err());
        assert!(with(&[b"nothing".to_vec()]).is_err());
        // A list that nobody has renewed.
        let february = NOW.plus(Duration::from_hours(24 * 20));
        assert!(check_at(&[between.revokes(41)], february).is_err());
        // One that is renewed while the program runs.
        let roots = with(&[between.revokes(41)]).unwrap();
        assert!(verify(&roots, &good, ORGANISATION, &RS, NOW).is_ok());
        std::fs::write(folder.path().join("0"), between.revokes(42)).unwrap();
        roots.refresh().unwrap();
        assert!(verify(&roots, &good, ORGANISATION, &RS, NOW).is_err());
        std::fs::write(folder.path().join("0"), "torn").unwrap();
        assert!(roots.refresh().is_err() && verify(&roots, &good, ORGANISATION, &RS, NOW).is_err());
    }

    #[test]
    fn roots_that_are_none() {
        let root = authority("root", |_| {}, None).certificate.pem();
        assert!(Roots::new(b"", vec![POLICY.into()]).is_err());
        assert!(Roots::new(root.as_bytes(), Vec::new()).is_err());
        assert!(
            Roots::new(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", vec![POLICY.into()]).is_err()
        );
    }
}
