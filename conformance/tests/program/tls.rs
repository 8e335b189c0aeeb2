//! TLS without a proxy: versions, headers, cookies, certificates that change.

use std::time::Duration;

use conformance::program::install_tls;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Version};
use tokio::time::sleep;

use crate::outside::Gateway;
use crate::site::{Server, Site};
use crate::visitor::{Person, Service, Visitor, code_in};

/// Somebody who hands out certificates.
pub(crate) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> anyhow::Result<Authority> {
        install_tls();
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Each has a name of its own, so that no client takes one for the other.
        params.distinguished_name.push(DnType::CommonName, format!("authority {:x}", crate::site::random()));
        let pem = params.self_signed(&key)?.pem();
        Ok(Authority { pem, issuer: Issuer::new(params, key) })
    }

    /// A fresh certificate for `localhost`, and its private key.
    pub(crate) fn certificate(&self) -> anyhow::Result<(String, String)> {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&key, &self.issuer)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }

    /// An HTTP client that trusts nobody else.
    fn client(&self) -> anyhow::Result<ClientBuilder> {
        let own = Certificate::from_pem(self.pem.as_bytes())?;
        Ok(Client::builder().tls_certs_only([own]).redirect(Policy::none()))
    }

    /// Whether a server's certificate is one of ours.
    async fn vouches_for(&self, server: &Server) -> anyhow::Result<bool> {
        let answer = self.client()?.build()?.get(format!("{}/health/live", server.url)).send().await;
        match answer {
            Ok(answer) => Ok(answer.status().is_success()),
            Err(error) if format!("{error:?}").contains("InvalidCertificate") => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// A site with a certificate of this authority.
async fn site(authority: &Authority) -> anyhow::Result<Site> {
    let mut site = Site::new().await?;
    install(&site, authority)?;
    let (port, folder) = (site.port, site.folder.path().to_owned());
    let (certificate, key) = (folder.join("tls.pem"), folder.join("tls.key"));
    let tls = format!("[server.tls]\ncertificate_file = {certificate:?}\nkey_file = {key:?}");
    let server = "trusted_proxies = [\"127.0.0.1/32\"]";
    site.set(
        "server",
        format!("address = \"127.0.0.1:{port}\"\nissuer = \"https://localhost:{port}\"\n{server}\n{tls}"),
    )?;
    Ok(site)
}

fn install(site: &Site, authority: &Authority) -> anyhow::Result<()> {
    let (certificate, key) = authority.certificate()?;
    site.file("tls.pem", &certificate)?;
    site.file("tls.key", &key).map(|_| ())
}

#[tokio::test]
async fn both_versions_of_http() -> anyhow::Result<()> {
    let authority = Authority::new()?;
    let site = site(&authority).await?;
    let server = site.serve().await?;
    for (client, version) in
        [(authority.client()?.build()?, Version::HTTP_2), (authority.client()?.http1_only().build()?, Version::HTTP_11)]
    {
        let answer = client.get(format!("{}/.well-known/openid-configuration", server.url)).send().await?;
        assert_eq!((answer.version(), answer.status().as_u16()), (version, 200));
        assert_eq!(answer.headers()["strict-transport-security"], "max-age=63072000");
        assert!(answer.text().await?.contains(&format!("\"issuer\":\"{}\"", server.url)));
    }
    // Who speaks without TLS gets no page.
    assert!(Client::new().get(server.url.replace("https:", "http:")).send().await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_login_leaves_cookies_that_no_neighbour_can_plant() -> anyhow::Result<()> {
    let (authority, gateway) = (Authority::new()?, Gateway::start().await?);
    let mut site = site(&authority).await?;
    site.set_gateway(&gateway.url)?;
    let server = site.serve().await?;
    let (person, service) = (Person::register(&site).await?, Service::register(&site).await?);
    let mut visitor = Visitor::with(&server.url, authority.client()?.build()?);
    let page = visitor.get(&service.request()).await?;
    let set: Vec<&str> = page
        .headers
        .get_all("set-cookie")
        .iter()
        .map(reqwest::header::HeaderValue::to_str)
        .collect::<Result<_, _>>()?;
    assert!(!set.is_empty());
    for cookie in set {
        for part in ["__Host-porten-", "; HttpOnly", "; Secure", "; Path=/", "; SameSite=Lax"] {
            assert!(cookie.contains(part), "{part} in {cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
    let page = visitor.password(&service, &person).await?;
    let end = visitor.code(&page, &code_in(&gateway.last()?)?).await?;
    end.code()?;
    assert!(end.headers.contains_key("strict-transport-security"));
    assert!(visitor.jar.len() >= 3, "{:?}", visitor.jar);
    assert!(visitor.jar.keys().all(|name| name.starts_with("__Host-")), "{:?}", visitor.jar);
    Ok(())
}

/// Waits until a server's certificate is this authority's.
async fn serves(server: &Server, authority: &Authority) -> anyhow::Result<()> {
    for _ in 0..80 {
        if authority.vouches_for(server).await? {
            return Ok(());
        }
        sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("eight seconds later it still serves another certificate: {}", server.said())
}

#[tokio::test]
async fn a_certificate_that_changes_is_read_again() -> anyhow::Result<()> {
    let (old, new) = (Authority::new()?, Authority::new()?);
    let site = site(&old).await?;
    let server = site.serve().await?;
    assert!(old.vouches_for(&server).await?);
    assert!(!new.vouches_for(&server).await?, "it trusts just anybody");
    install(&site, &new)?;
    serves(&server, &new).await?;
    assert!(!old.vouches_for(&server).await?, "the old certificate is still there");
    // And again, with files that are moved into place as certbot does.
    let (certificate, key) = old.certificate()?;
    for (name, text) in [("tls.key", key), ("tls.pem", certificate)] {
        let next = site.file("next", &text)?;
        std::fs::rename(next, site.folder.path().join(name))?;
    }
    serves(&server, &old).await
}

#[tokio::test]
async fn a_broken_certificate_leaves_the_old_one() -> anyhow::Result<()> {
    let (old, new) = (Authority::new()?, Authority::new()?);
    let site = site(&old).await?;
    let server = site.serve().await?;
    // A certificate whose key has not come yet, and then something that is none.
    let (certificate, key) = new.certificate()?;
    for broken in [certificate.as_str(), "nonsense"] {
        let before = server.said().len();
        site.file("tls.pem", broken)?;
        server.says("the new certificate cannot be read", before).await?;
        assert!(old.vouches_for(&server).await?, "{broken}");
    }
    site.file("tls.pem", &certificate)?;
    site.file("tls.key", &key)?;
    serves(&server, &new).await
}

#[tokio::test]
async fn without_its_certificate_it_does_not_start() -> anyhow::Result<()> {
    let authority = Authority::new()?;
    let site = site(&authority).await?;
    for (name, text) in [("tls.pem", ""), ("tls.pem", "nonsense"), ("tls.key", "nonsense")] {
        install(&site, &authority)?;
        site.file(name, text)?;
        let said = site.run("serve", [""; 0]).await?;
        // The log may have begun, but the last line says why it ended.
        let last = said.err.lines().last().unwrap_or_default();
        assert!(said.code == Some(1) && last.starts_with("porten: server.tls: "), "{name}: {said:?}");
    }
    Ok(())
}
