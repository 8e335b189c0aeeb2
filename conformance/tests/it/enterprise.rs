//! Enterprise certificates (virksomhetssertifikat): the client is known by its owner's organisation number.

use std::path::Path;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use conformance::client_key::ClientKey;
use conformance::idp::{ASSERTION_TYPE, ISSUER, REDIRECT, TestClient, TestIdp, claims};
use idp::certificate::Roots;
use idp::config::EnterpriseConfig;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams, CustomExtension, DnType, IsCa,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, RevokedCertParams, SerialNumber, date_time_ymd,
};
use serde_json::{Value, json};

const OWNER: &str = "999999999";
/// Buypass's, as RFC 5280 4.2.1.4 encodes it: 2.16.578.1.26.1.3.5.
const POLICY: [u8; 14] = [0x30, 12, 0x30, 10, 6, 8, 0x60, 0x84, 0x42, 1, 26, 1, 3, 5];

/// An issuer of enterprise certificates.
struct Authority {
    root: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> anyhow::Result<Authority> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_after = date_time_ymd(2100, 1, 1);
        let root = params.self_signed(&key)?;
        Ok(Authority { root, issuer: Issuer::new(params, key) })
    }

    fn issues(&self, key: &KeyPair, organisation: &str) -> anyhow::Result<Certificate> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.not_after = date_time_ymd(2100, 1, 1);
        params.serial_number = Some(SerialNumber::from(42));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.custom_extensions = vec![CustomExtension::from_oid_content(&[2, 5, 29, 32], POLICY.to_vec())];
        params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 97]), format!("NTRNO-{organisation}"));
        Ok(params.signed_by(key, &self.issuer)?)
    }

    fn revokes(&self, serial: u64, file: &Path) -> anyhow::Result<()> {
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(2099, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![RevokedCertParams {
                serial_number: SerialNumber::from(serial),
                revocation_time: date_time_ymd(2026, 1, 1),
                reason_code: None,
                invalidity_date: None,
            }],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(std::fs::write(file, list.signed_by(&self.issuer)?.der())?)
    }
}

fn sign(key: &KeyPair, chain: &Certificate, claims: &Value) -> anyhow::Result<String> {
    let mut header = Header::new(Algorithm::RS256);
    header.x5c = Some(vec![STANDARD.encode(chain.der())]);
    let key = EncodingKey::from_rsa_pem(key.serialize_pem().as_bytes())?;
    Ok(jsonwebtoken::encode(&header, claims, &key)?)
}

#[tokio::test]
async fn a_certificate_of_the_owner_is_as_good_as_a_key() -> anyhow::Result<()> {
    let folder = tempfile::TempDir::new()?;
    let (authority, key) = (Authority::new()?, KeyPair::generate_for(&PKCS_RSA_SHA256)?);
    let (roots_file, list) = (folder.path().join("roots.pem"), folder.path().join("crl"));
    std::fs::write(&roots_file, authority.root.pem())?;
    authority.revokes(41, &list)?;
    let policies = vec!["2.16.578.1.26.1.3.5".to_owned()];
    let config = EnterpriseConfig { roots_file, policies, crl_files: vec![list.clone()] };
    let roots = std::sync::Arc::new(Roots::open(&config)?);
    let idp = TestIdp::with(|setup| setup.enterprise = Some(roots.clone())).await?;
    let fields = json!({ "token_endpoint_auth_method": "private_key_jwt", "client_orgno": OWNER });
    let client = idp.client_with(fields).await?;
    let (own, others) = (authority.issues(&key, OWNER)?, authority.issues(&key, "888888888")?);

    let redeem = async |certificate: &Certificate| {
        let mut browser = idp.logged_in(&client).await?;
        browser.get(&idp.authorize(&client, &[])).await?;
        let claims = ClientKey::assertion_claims(&client.id, ISSUER, idp.now())?;
        let assertion = sign(&key, certificate, &claims)?;
        let bare = TestClient { method: "none".into(), ..client.clone() };
        let code = browser.sent_back("code")?;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", conformance::idp::VERIFIER),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", &assertion),
        ];
        idp.token(&bare, &fields).await
    };
    let tokens = redeem(&own).await?.json()?;
    assert_eq!(claims(&tokens["access_token"])?["client_amr"], "virksomhetssertifikat", "{tokens}");
    let refused = redeem(&others).await?;
    assert!(refused.error()? == "invalid_client" && refused.body.contains("another organisation"), "{}", refused.body);
    // Revoked while the program runs.
    authority.revokes(42, &list)?;
    roots.refresh()?;
    let refused = redeem(&own).await?;
    assert!(refused.error()? == "invalid_client" && refused.body.contains("revoked"), "{}", refused.body);
    Ok(())
}

#[tokio::test]
async fn a_machine_may_come_with_its_owners_certificate() -> anyhow::Result<()> {
    const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    let folder = tempfile::TempDir::new()?;
    let (authority, key) = (Authority::new()?, KeyPair::generate_for(&PKCS_RSA_SHA256)?);
    let list = folder.path().join("crl");
    authority.revokes(41, &list)?;
    std::fs::write(folder.path().join("roots.pem"), authority.root.pem())?;
    let policies = vec!["2.16.578.1.26.1.3.*".to_owned()];
    let config = EnterpriseConfig { roots_file: folder.path().join("roots.pem"), policies, crl_files: vec![list] };
    let roots = Roots::open(&config)?;
    let idp = TestIdp::with(|setup| setup.enterprise = Some(std::sync::Arc::new(roots))).await?;
    let client = idp
        .client_with(json!({
            "token_endpoint_auth_method": "private_key_jwt", "client_orgno": OWNER, "redirect_uris": [],
            "post_logout_redirect_uris": [], "integration_type": "maskinporten", "grant_types": [GRANT],
            "scopes": ["free:api"],
        }))
        .await?;
    let mut asked = ClientKey::assertion_claims(&client.id, ISSUER, idp.now())?;
    asked["scope"] = json!("free:api");
    let assertion = sign(&key, &authority.issues(&key, OWNER)?, &asked)?;
    let bare = TestClient { method: String::new(), ..client };
    let answer = idp.token(&bare, &[("grant_type", GRANT), ("assertion", &assertion)]).await?.json()?;
    let token = claims(answer.get("access_token").context("no token")?)?;
    assert_eq!((&token["client_amr"], &token["scope"]), (&json!("virksomhetssertifikat"), &json!("free:api")));
    Ok(())
}
