//! What stands around the provider: who hands out certificates, the SMS gateway, and the relying parties' own server.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, ensure};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use axum_server::tls_rustls::RustlsConfig;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;

/// Somebody who hands out certificates.
pub(crate) struct Authority {
    pub(crate) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> anyhow::Result<Authority> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "the suite's authority");
        let pem = params.self_signed(&key)?.pem();
        Ok(Authority { pem, issuer: Issuer::new(params, key) })
    }

    /// A certificate for `localhost`, and its private key.
    pub(crate) fn certificate(&self) -> anyhow::Result<(String, String)> {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&key, &self.issuer)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }
}

/// An SMS gateway, which keeps the last message to each telephone.
#[derive(Clone)]
pub(crate) struct Gateway {
    pub(crate) url: String,
    messages: Arc<Mutex<BTreeMap<String, String>>>,
}

impl Gateway {
    pub(crate) async fn start() -> anyhow::Result<Gateway> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let gateway = Gateway { url: format!("http://{}/send", listener.local_addr()?), messages: Arc::default() };
        let routes = Router::new().route("/send", post(take)).with_state(gateway.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(gateway)
    }

    /// The one-time code in the last message to a telephone.
    pub(crate) fn code(&self, mobile: &str) -> anyhow::Result<String> {
        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        let text = messages.get(mobile).context("no message")?;
        let digits: String = text.chars().skip_while(|c| !c.is_ascii_digit()).take(5).collect();
        ensure!(digits.len() == 5, "no code in {text:?}");
        Ok(digits)
    }
}

async fn take(State(gateway): State<Gateway>, Json(message): Json<Value>) -> StatusCode {
    let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
    gateway.messages.lock().unwrap_or_else(PoisonError::into_inner).insert(text("to"), text("text"));
    StatusCode::ACCEPTED
}

/// What the provider, or a browser, has brought to a relying party.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) path: String,
    pub(crate) content_type: String,
    /// The form, or the query.
    pub(crate) fields: Vec<(String, String)>,
}

/// The relying parties' server: TLS 1.3 and nothing older.
#[derive(Clone)]
pub(crate) struct Party {
    pub(crate) url: String,
    visits: Arc<Mutex<Vec<Visit>>>,
    documents: Arc<Mutex<BTreeMap<String, String>>>,
}

impl Party {
    pub(crate) fn start(authority: &Authority) -> anyhow::Result<Party> {
        let (certificate, key) = authority.certificate()?;
        let mut config = rustls::ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(certificate.as_bytes())?],
                PrivateKeyDer::from_pem_slice(key.as_bytes())?,
            )?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let url = format!("https://localhost:{}", listener.local_addr()?.port());
        let party = Party { url, visits: Arc::default(), documents: Arc::default() };
        let routes = Router::new()
            .route("/backchannel/{client}", post(told))
            .route("/frontchannel/{client}", get(shown))
            .route("/documents/{name}", get(document))
            .with_state(party.clone());
        let server = axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(Arc::new(config)))?;
        tokio::spawn(async move { server.serve(routes.into_make_service()).await });
        Ok(party)
    }

    /// What has been brought to a path.
    pub(crate) fn visits(&self, path: &str) -> Vec<Visit> {
        let visits = self.visits.lock().unwrap_or_else(PoisonError::into_inner);
        visits.iter().filter(|visit| visit.path == path).cloned().collect()
    }

    /// Publishes a document, and says where.
    pub(crate) fn publish(&self, name: &str, text: String) -> String {
        self.documents.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), text);
        format!("{}/documents/{name}", self.url)
    }

    fn keep(&self, path: String, headers: &HeaderMap, fields: &str) {
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let visit = Visit {
            path,
            content_type: content_type.to_owned(),
            fields: url::form_urlencoded::parse(fields.as_bytes()).into_owned().collect(),
        };
        self.visits.lock().unwrap_or_else(PoisonError::into_inner).push(visit);
    }
}

async fn told(State(party): State<Party>, Path(client): Path<String>, headers: HeaderMap, body: String) -> Response {
    party.keep(format!("/backchannel/{client}"), &headers, &body);
    (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")]).into_response()
}

async fn shown(
    State(party): State<Party>,
    Path(client): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    party.keep(format!("/frontchannel/{client}"), &headers, &query.unwrap_or_default());
    (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")], "").into_response()
}

async fn document(State(party): State<Party>, Path(name): Path<String>) -> Response {
    let documents = party.documents.lock().unwrap_or_else(PoisonError::into_inner);
    match documents.get(&name) {
        Some(text) => (StatusCode::OK, text.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
