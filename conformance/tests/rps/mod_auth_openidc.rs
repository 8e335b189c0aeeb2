//! Apache's `mod_auth_openidc`, as Debian has it, before an application that knows nothing of OpenID Connect.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use axum::http::{HeaderMap, Uri};
use axum::{Json, Router};
use conformance::program::free_port;
use serde_json::{Map, Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::stage::{Key, Stage};
use crate::visitor::{Page, Visitor};

const SECRET: &str = "en-hemmelighet-som-er-lang-nok";
const MODULES: &str = "/usr/lib/apache2/modules";
/// What the visitor sees first when there is no session.
const INSIDE: &str = "/inne/saker?aar=2026";

/// A running httpd; stopped when dropped.
struct Httpd {
    child: Child,
    url: String,
}

impl Httpd {
    /// One whose service may not be registered yet: nothing is asked of Porten before somebody comes.
    async fn start(stage: &Stage, port: u16, authentication: &str) -> anyhow::Result<Httpd> {
        let module = std::path::Path::new(MODULES).join("mod_auth_openidc.so");
        ensure!(
            module.exists(),
            "mod_auth_openidc is missing: apt-get install apache2 libapache2-mod-auth-openidc, or conformance/run"
        );
        stage.certificate("httpd")?;
        let settings = settings(stage, port, authentication, &application().await?);
        let file = stage.file("httpd.conf", &settings)?;
        readable(stage)?;
        let mut command = Command::new("/usr/sbin/apache2");
        command.args(["-X", "-d"]).arg(stage.folder.path()).arg("-f").arg(file);
        let child = command.stdin(Stdio::null()).spawn().context("cannot start apache2")?;
        let mut httpd = Httpd { child, url: format!("https://localhost:{port}") };
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Ok(httpd);
            }
            ensure!(httpd.child.try_wait()?.is_none(), "apache2 ended: {}", log(stage));
            sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("apache2 does not answer: {}", log(stage))
    }
}

impl Drop for Httpd {
    /// It clears away what it shares with nobody when it is asked to stop.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        }
        for _ in 0..250 {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(20)),
                _ => break,
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn log(stage: &Stage) -> String {
    std::fs::read_to_string(stage.path("httpd.log")).unwrap_or_default()
}

/// Who starts httpd as root has it work as somebody who may read little.
fn readable(stage: &Stage) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::set_permissions(stage.folder.path(), std::fs::Permissions::from_mode(0o755))?)
}

fn settings(stage: &Stage, port: u16, authentication: &str, application: &str) -> String {
    let (folder, issuer) = (stage.folder.path().display(), &stage.issuer);
    let modules = ["mpm_event", "authn_core", "authz_core", "authz_user", "auth_openidc", "proxy", "proxy_http", "ssl"];
    let modules = modules.map(|name| format!("LoadModule {name}_module {MODULES}/mod_{name}.so\n")).concat();
    format!(
        r#"{modules}
ServerName localhost
Listen 127.0.0.1:{port}
User www-data
Group www-data
DefaultRuntimeDir {folder}
PidFile {folder}/httpd.pid
ErrorLog {folder}/httpd.log
LogLevel warn
SSLEngine on
SSLCertificateFile {folder}/httpd.pem
SSLCertificateKeyFile {folder}/httpd.key

OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCCABundlePath {folder}/ca.pem
OIDCClientID httpd
{authentication}
OIDCRedirectURI https://localhost:{port}/inne/svar
OIDCScope "openid profile"
OIDCPKCEMethod S256
OIDCRemoteUserClaim pid
OIDCCryptoPassphrase "a passphrase of this test"
OIDCCacheType shm

<Location /inne>
    AuthType openid-connect
    Require valid-user
    ProxyPass {application}/inne
</Location>
<Location /ute>
    Require all granted
    ProxyPass {application}/ute
</Location>
"#
    )
}

/// The application behind httpd: it shows what it was asked, and what httpd says of the citizen.
async fn application() -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let show = async |uri: Uri, headers: HeaderMap| {
        let told = headers.iter().filter(|(name, _)| name.as_str().starts_with("oidc_"));
        let told = told.filter_map(|(name, value)| Some((name.to_string(), json!(value.to_str().ok()?))));
        Json(json!({ "asked": uri.to_string(), "told": told.collect::<Map<String, Value>>() }))
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(show)).await });
    Ok(url)
}

/// The service as it is registered, with what a story adds; and httpd with the settings that go with it.
async fn open(authentication: &str, more: impl Fn(&str) -> Value) -> anyhow::Result<(Stage, Httpd, Visitor)> {
    let (mut stage, port) = (Stage::open().await?, free_port()?);
    let url = format!("https://localhost:{port}");
    let mut fields = json!({
        "client_id": "httpd",
        "client_name": "Saker",
        "redirect_uris": [format!("{url}/inne/svar")],
        "post_logout_redirect_uris": [format!("{url}/ute/hade")],
    });
    if let (Some(fields), Value::Object(more)) = (fields.as_object_mut(), more(&url)) {
        fields.extend(more);
    }
    stage.register(&fields)?;
    stage.serve().await?;
    let httpd = Httpd::start(&stage, port, authentication).await?;
    let visitor = Visitor::new(&stage, &[&httpd.url])?;
    Ok((stage, httpd, visitor))
}

fn with_secret() -> String {
    format!("OIDCClientSecret {SECRET}\nOIDCProviderTokenEndpointAuth client_secret_basic")
}

/// The key lies in files; it crashes without the public half, and takes the method only after it has the key.
fn with_key(stage: &std::path::Path, key: &Key) -> anyhow::Result<String> {
    let (private, public) = (stage.join("rp.key"), stage.join("rp.pem"));
    std::fs::write(&private, key.pem())?;
    std::fs::write(&public, key.public_pem())?;
    Ok(format!(
        "OIDCPrivateKeyFiles key-1#{}\nOIDCPublicKeyFiles key-1#{}\nOIDCProviderTokenEndpointAuth private_key_jwt",
        private.display(),
        public.display()
    ))
}

/// The visitor goes to a protected page, and logs in if asked.
async fn enter(stage: &Stage, httpd: &Httpd, visitor: &mut Visitor) -> anyhow::Result<Page> {
    let page = visitor.go(&format!("{}{INSIDE}", httpd.url)).await?;
    visitor.log_in(stage, page).await
}

/// The page is the application's, and it knows who has come.
fn knows(stage: &Stage, page: &Page) -> anyhow::Result<Value> {
    ensure!(page.status == 200, "{} at {}: {} {}", page.status, page.at, page.text, log(stage));
    let shown: Value = serde_json::from_str(&page.text).with_context(|| page.text.clone())?;
    ensure!(shown["asked"] == INSIDE, "another page: {shown}");
    ensure!(shown["told"]["oidc_claim_pid"] == stage.fnr.as_str(), "somebody else: {shown}");
    Ok(shown)
}

/// Who comes to the protected page is asked to log in at Porten.
async fn is_out(stage: &Stage, httpd: &Httpd, visitor: &mut Visitor) -> anyhow::Result<()> {
    let page = visitor.go(&format!("{}{INSIDE}", httpd.url)).await?;
    ensure!(page.asks_for_login() && page.at.as_str().starts_with(&stage.issuer), "still in: {page:?}");
    Ok(())
}

#[tokio::test]
async fn with_a_secret_in_and_out() -> anyhow::Result<()> {
    let (stage, httpd, mut visitor) = open(&with_secret(), |_| json!({ "client_secret": SECRET })).await?;
    // What the visitor says of themselves is nothing to the application.
    visitor.headers = vec![("OIDC_CLAIM_pid", "12345678901"), ("OIDC_CLAIM_rolle", "sjef")];
    let page = enter(&stage, &httpd, &mut visitor).await?;
    let shown = knows(&stage, &page)?;
    for (name, value) in [("acr", "idporten-loa-substantial"), ("amr", "Minid-OTC"), ("iss", &stage.issuer)] {
        assert_eq!(shown["told"][format!("oidc_claim_{name}")], value, "{shown}");
    }
    assert_eq!(shown["told"]["oidc_claim_rolle"], json!(null));
    knows(&stage, &enter(&stage, &httpd, &mut visitor).await?)?;

    let bye = format!("{}/ute/hade", httpd.url);
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("logout", &bye).finish();
    let page = visitor.go(&format!("{}/inne/svar?{query}", httpd.url)).await?;
    assert!(page.status == 200 && page.at.as_str().starts_with(&bye), "{page:?}");
    is_out(&stage, &httpd, &mut visitor).await
}

#[tokio::test]
async fn with_a_key_and_an_exception_for_its_audience() -> anyhow::Result<()> {
    let (key, folder) = (Key::rsa("RS256")?, tempfile::TempDir::new()?);
    let jwks = key.jwks()?;
    let (stage, httpd, mut visitor) = open(&with_key(folder.path(), &key)?, |_| {
        json!({
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": jwks,
            "client_assertion_audience_exception_until": "2099-12-31",
        })
    })
    .await?;
    knows(&stage, &enter(&stage, &httpd, &mut visitor).await?)?;
    Ok(())
}

#[tokio::test]
async fn with_a_key_and_no_exception_it_is_refused() -> anyhow::Result<()> {
    let (key, folder) = (Key::rsa("RS256")?, tempfile::TempDir::new()?);
    let jwks = key.jwks()?;
    let more = |_: &str| json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks });
    let (stage, httpd, mut visitor) = open(&with_key(folder.path(), &key)?, more).await?;
    let page = enter(&stage, &httpd, &mut visitor).await?;
    assert!(knows(&stage, &page).is_err() && page.at.path() == "/inne/svar", "{page:?}");
    assert!(log(&stage).contains("aud must be the issuer."), "{}", log(&stage));
    Ok(())
}

/// Back-Channel Logout 1.0: the citizen logs out elsewhere, and Porten tells httpd behind the browser's back.
#[tokio::test]
async fn told_by_porten_that_a_session_has_ended() -> anyhow::Result<()> {
    let more = |url: &str| {
        json!({
            "client_secret": SECRET,
            "backchannel_logout_uri": format!("{url}/inne/svar?logout=backchannel"),
            "backchannel_logout_session_required": true,
        })
    };
    let (stage, httpd, mut visitor) = open(&with_secret(), more).await?;
    knows(&stage, &enter(&stage, &httpd, &mut visitor).await?)?;
    let page = visitor.log_out(&stage).await?;
    assert!(!page.text.contains("fortsatt er logget inn"), "{} {}", page.text, log(&stage));
    is_out(&stage, &httpd, &mut visitor).await
}

/// Front-Channel Logout 1.0: the browser tells httpd, from a frame on Porten's page.
#[tokio::test]
async fn told_by_the_browser_that_a_session_has_ended() -> anyhow::Result<()> {
    let more = |url: &str| {
        json!({
            "client_secret": SECRET,
            "frontchannel_logout_uri": format!("{url}/inne/svar?logout=get"),
            "frontchannel_logout_session_required": true,
        })
    };
    let (stage, httpd, mut visitor) = open(&with_secret(), more).await?;
    knows(&stage, &enter(&stage, &httpd, &mut visitor).await?)?;
    let frame = visitor.log_out(&stage).await?.frame()?;
    assert!(frame.starts_with(&format!("{}/inne/svar?logout=get&iss=", httpd.url)), "{frame}");
    let page = visitor.go(&frame).await?;
    assert_eq!(page.status, 200, "{page:?} {}", log(&stage));
    is_out(&stage, &httpd, &mut visitor).await
}
