//! The way out to addresses that others have written: one HTTP client that is careful.
//!
//! What a service registers may name any host. Where its name leads is judged in the resolver, so that the address
//! that was judged is the address that is called.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Certificate, Client, RequestBuilder, Response, StatusCode, header, redirect, retry};
use url::{Host, Url};

const CONNECTS_WITHIN: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(5);
const BODY_AT_MOST: usize = 64 * 1024;

/// The client. Cheap to clone.
#[derive(Clone)]
pub struct Outbound(Arc<Inside>);

struct Inside {
    allowed: Arc<[IpNet]>,
    authorities: Vec<Certificate>,
    clients: OnceLock<Option<Clients>>,
}

struct Clients {
    https: Client,
    http: Client,
}

/// Why nothing was fetched; it tells nobody what listens where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutboundError {
    /// The address is one that is not called.
    Refused,
    /// No answer, or none in time.
    Failed,
    /// The body is longer than anybody needs.
    TooLarge,
    /// An answer that is no success; a redirect is none.
    Status(u16),
}

impl fmt::Display for OutboundError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OutboundError::Refused => f.write_str("the address is not called from here"),
            OutboundError::Failed => f.write_str("no answer"),
            OutboundError::TooLarge => f.write_str("the answer is too long"),
            OutboundError::Status(status) => write!(f, "the answer has status {status}"),
        }
    }
}

impl Error for OutboundError {}

impl Outbound {
    /// Calls the public Internet by https, and what lies in `allowed` by http as well. `authorities` are PEM
    /// certificates to trust beside the system's.
    pub fn new(allowed: Vec<IpNet>, authorities: Option<&[u8]>) -> anyhow::Result<Outbound> {
        let authorities = match authorities {
            Some(pem) => {
                let read = Certificate::from_pem_bundle(pem).context("certificates in PEM are needed")?;
                anyhow::ensure!(!read.is_empty(), "there is no certificate in it");
                read
            }
            None => Vec::new(),
        };
        Ok(Outbound(Arc::new(Inside { allowed: allowed.into(), authorities, clients: OnceLock::new() })))
    }

    /// Fetches a JSON document: its body, whole.
    pub async fn get_json(&self, url: &Url) -> Result<Vec<u8>, OutboundError> {
        self.get(url, &[("accept", "application/json".to_owned())]).await
    }

    /// Fetches a document with these headers: its body, whole.
    pub async fn get(&self, url: &Url, headers: &[(&'static str, String)]) -> Result<Vec<u8>, OutboundError> {
        let mut request = self.client(url)?.get(url.clone());
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let answer = send(url, request).await?;
        match answer.status() {
            status if status.is_success() => read(answer).await,
            status => Err(OutboundError::Status(status.as_u16())),
        }
    }

    /// Posts a form; only the status of the answer is read.
    pub async fn post_form(&self, url: &Url, fields: &[(&str, &str)]) -> Result<StatusCode, OutboundError> {
        Ok(send(url, self.client(url)?.post(url.clone()).form(fields)).await?.status())
    }

    /// Posts a form with these headers, and reads the answer whatever its status.
    pub async fn ask(
        &self,
        url: &Url,
        headers: &[(&'static str, String)],
        fields: &[(&str, &str)],
    ) -> Result<(StatusCode, Vec<u8>), OutboundError> {
        let mut request = self.client(url)?.post(url.clone()).header(header::ACCEPT, "application/json").form(fields);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let answer = send(url, request).await?;
        Ok((answer.status(), read(answer).await?))
    }

    /// Posts bytes with these headers; only the status of the answer is read.
    pub async fn post_bytes(
        &self,
        url: &Url,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<StatusCode, OutboundError> {
        let mut request = self.client(url)?.post(url.clone()).body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        Ok(send(url, request).await?.status())
    }

    fn client(&self, url: &Url) -> Result<&Client, OutboundError> {
        let scheme = match url.scheme() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            _ => return Err(OutboundError::Refused),
        };
        // An address in the URL passes no resolver; a name does.
        let called = match url.host() {
            Some(Host::Ipv4(address)) => scheme.calls(address.into(), &self.0.allowed),
            Some(Host::Ipv6(address)) => scheme.calls(address.into(), &self.0.allowed),
            Some(Host::Domain(_)) => true,
            None => false,
        };
        if !called || !url.username().is_empty() || url.password().is_some() {
            return Err(OutboundError::Refused);
        }
        let made = self.0.clients.get_or_init(|| {
            let made = Clients::new(&self.0);
            made.inspect_err(|error| tracing::error!(error = format!("{error:#}"), "cannot call anybody")).ok()
        });
        match (made, scheme) {
            (Some(clients), Scheme::Https) => Ok(&clients.https),
            (Some(clients), Scheme::Http) => Ok(&clients.http),
            (None, _) => Err(OutboundError::Failed),
        }
    }
}

impl Clients {
    fn new(inside: &Inside) -> anyhow::Result<Clients> {
        let builder = |scheme| {
            Client::builder()
                .redirect(redirect::Policy::none())
                .retry(retry::never())
                .no_proxy()
                .no_gzip()
                .no_brotli()
                .no_zstd()
                .no_deflate()
                .referer(false)
                .http1_only()
                .pool_max_idle_per_host(0)
                .connect_timeout(CONNECTS_WITHIN)
                .timeout(PATIENCE)
                .dns_resolver(Resolver { scheme, allowed: inside.allowed.clone() })
        };
        let https = builder(Scheme::Https).https_only(true).tls_certs_merge(inside.authorities.clone()).build()?;
        // It makes no TLS connection and needs to trust nobody.
        let http = builder(Scheme::Http).tls_certs_only([]).build()?;
        Ok(Clients { https, http })
    }
}

async fn send(url: &Url, request: RequestBuilder) -> Result<Response, OutboundError> {
    request.send().await.map_err(|error| {
        let why = if is_refusal(&error) { OutboundError::Refused } else { OutboundError::Failed };
        let cause = error.without_url();
        tracing::info!(host = url.host_str(), cause = format!("{:#}", anyhow::Error::new(cause)), "nothing fetched");
        why
    })
}

fn is_refusal(error: &(dyn Error + 'static)) -> bool {
    error.is::<OutboundError>() || error.source().is_some_and(is_refusal)
}

async fn read(mut answer: Response) -> Result<Vec<u8>, OutboundError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|_| OutboundError::Failed)? {
        if body.len() + chunk.len() > BODY_AT_MOST {
            return Err(OutboundError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Https,
    Http,
}

impl Scheme {
    fn calls(self, address: IpAddr, allowed: &[IpNet]) -> bool {
        let address = address.to_canonical();
        let named = allowed.iter().any(|net| net.contains(&address));
        match self {
            Scheme::Https => named || is_public(address),
            Scheme::Http => named,
        }
    }
}

struct Resolver {
    scheme: Scheme,
    allowed: Arc<[IpNet]>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (scheme, allowed) = (self.scheme, self.allowed.clone());
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // A name that leads to a good address and a bad one is somebody's trick.
            if found.iter().all(|address| scheme.calls(address.ip(), &allowed)) {
                Ok(Box::new(found.into_iter()) as Addrs)
            } else {
                Err(OutboundError::Refused.into())
            }
        })
    }
}

const fn v4(a: u8, b: u8, c: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, 0), prefix)
}

const fn v6(a: u16, b: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), prefix)
}

/// RFC 6890 and IANA's special-purpose registry.
const NOT_PUBLIC_V4: [Ipv4Net; 16] = [
    v4(0, 0, 0, 8),
    v4(10, 0, 0, 8),
    v4(100, 64, 0, 10),
    v4(127, 0, 0, 8),
    v4(169, 254, 0, 16),
    v4(172, 16, 0, 12),
    v4(192, 0, 0, 24),
    v4(192, 0, 2, 24),
    v4(192, 88, 99, 24),
    v4(192, 168, 0, 16),
    v4(198, 18, 0, 15),
    v4(198, 51, 100, 24),
    v4(203, 0, 113, 24),
    v4(224, 0, 0, 4),
    v4(240, 0, 0, 4),
    // Azure's metadata, at an address that looks like others.
    Ipv4Net::new_assert(Ipv4Addr::new(168, 63, 129, 16), 32),
];

/// All that is handed out to hosts (RFC 4291 2.4).
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 3);

/// Of these the protocol assignments with Teredo, documentation twice, and 6to4.
const NOT_PUBLIC_V6: [Ipv6Net; 4] = [v6(0x2001, 0, 23), v6(0x2001, 0xdb8, 32), v6(0x3fff, 0, 20), v6(0x2002, 0, 16)];

/// NAT64: an IPv4 address in its last 32 bits (RFC 6052 2.1).
const NAT64: Ipv6Net = v6(0x64, 0xff9b, 96);

/// Whether an address is one of the Internet, and none of a network of somebody's own.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NOT_PUBLIC_V4.iter().any(|net| net.contains(&address)),
        IpAddr::V6(address) if NAT64.contains(&address) => {
            let [.., a, b, c, d] = address.octets();
            is_public(Ipv4Addr::new(a, b, c, d).into())
        }
        IpAddr::V6(address) => GLOBAL_V6.contains(&address) && !NOT_PUBLIC_V6.iter().any(|net| net.contains(&address)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::time::Instant;

    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    use rustls::pki_types::PrivateKeyDer;

    use super::*;

    fn outbound(allowed: &[&str]) -> Outbound {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Outbound::new(allowed.iter().map(|net| net.parse().unwrap()).collect(), None).unwrap()
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    /// Reads one request's head from each caller and lets `answer` do the rest.
    fn serve(answer: impl Fn(&mut TcpStream, &str) + Send + 'static) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, mut head) = (stream.unwrap(), vec![0; 4096]);
                let length = stream.read(&mut head).unwrap_or(0);
                answer(&mut stream, &String::from_utf8_lossy(&head[..length]));
            }
        });
        port
    }

    #[test]
    fn which_addresses_are_public() {
        let check = |text: &str, public: bool| {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(Scheme::Https.calls(address, &[]), public, "{text}");
            assert!(!Scheme::Http.calls(address, &[]), "{text}");
        };
        for public in
            ["1.1.1.1", "100.63.255.255", "172.32.0.1", "193.156.1.1", "2a00:1450:400f::1", "64:ff9b::101:101"]
        {
            check(public, true);
        }
        for other in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:0101:0101::1",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "5f00::1",
        ] {
            check(other, false);
        }
    }

    #[test]
    fn what_is_allowed_is_called() {
        let allowed: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        for scheme in [Scheme::Https, Scheme::Http] {
            for inside in ["10.1.2.3", "::ffff:10.1.2.3", "fd00::1"] {
                assert!(scheme.calls(inside.parse().unwrap(), &allowed), "{inside}");
            }
            assert!(!scheme.calls("127.0.0.1".parse().unwrap(), &allowed));
        }
        assert!(!Scheme::Http.calls("1.1.1.1".parse().unwrap(), &allowed));
    }

    #[tokio::test]
    async fn addresses_inside_are_not_even_connected_to() {
        let outbound = outbound(&["10.0.0.0/8"]);
        let four = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = four.local_addr().unwrap().port();
        let six = TcpListener::bind(("::1", port)).ok();
        for scheme in ["http", "https"] {
            for host in [
                "127.0.0.1",
                "127.1",
                "2130706433",
                "0x7f000001",
                "0177.0.0.1",
                "127.0.0.1.",
                "0.0.0.0",
                "0",
                "[::1]",
                "[::]",
                "[::ffff:127.0.0.1]",
                "[::ffff:7f00:1]",
                "[::127.0.0.1]",
                "[64:ff9b::7f00:1]",
                "169.254.169.254",
                "[fe80::1]",
                "localhost",
                "LOCALHOST",
                "127.0.0.1\u{3002}",
                "①②⑦.0.0.1",
            ] {
                let url = url(&format!("{scheme}://{host}:{port}/jwks"));
                assert_eq!(outbound.get_json(&url).await, Err(OutboundError::Refused), "{url}");
                assert_eq!(outbound.post_form(&url, &[("a", "b")]).await, Err(OutboundError::Refused), "{url}");
            }
        }
        for other in ["ftp://1.1.1.1/", "file:///etc/passwd", "http://1.1.1.1/", "https://u:p@example.com/", "data:,x"]
        {
            assert_eq!(outbound.get_json(&url(other)).await, Err(OutboundError::Refused), "{other}");
        }
        for listener in [Some(four), six].into_iter().flatten() {
            listener.set_nonblocking(true).unwrap();
            assert!(listener.accept().is_err(), "somebody has called {listener:?}");
        }
    }

    #[tokio::test]
    async fn a_document_and_a_form() {
        let port = serve(|stream, head| {
            let answer = match head.starts_with("GET /jwks ") && head.contains("accept: application/json") {
                true => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
                false if head.starts_with("POST /logout ") && head.ends_with("logout_token=a.b.c%26") => {
                    "HTTP/1.1 204 No Content\r\n\r\n"
                }
                false => "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
            };
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let outbound = outbound(&["127.0.0.0/8", "::1/128"]);
        let at = |path: &str| url(&format!("http://localhost:{port}{path}"));
        assert_eq!(outbound.get_json(&at("/jwks")).await.unwrap(), b"{}");
        assert_eq!(outbound.get_json(&at("/other")).await, Err(OutboundError::Status(400)));
        let form = [("logout_token", "a.b.c&")];
        assert_eq!(outbound.post_form(&at("/logout"), &form).await, Ok(StatusCode::NO_CONTENT));
        assert_eq!(outbound.post_form(&at("/other"), &form).await, Ok(StatusCode::BAD_REQUEST));
        assert_eq!(outbound.ask(&at("/logout"), &[], &form).await, Ok((StatusCode::NO_CONTENT, Vec::new())));
        assert_eq!(outbound.ask(&at("/other"), &[], &form).await, Ok((StatusCode::BAD_REQUEST, Vec::new())));
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(outbound.get_json(&url(&format!("http://{closed}/"))).await, Err(OutboundError::Failed));
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_like_another() {
        let (count, counted) = std::sync::mpsc::channel();
        let target = serve(move |_, _| count.send(()).unwrap());
        let port = serve(move |stream, _| {
            let to = format!("Location: http://127.0.0.1:{target}/\r\nContent-Length: 0");
            stream.write_all(format!("HTTP/1.1 307 Temporary Redirect\r\n{to}\r\n\r\n").as_bytes()).unwrap();
        });
        let (outbound, url) = (outbound(&["127.0.0.0/8"]), url(&format!("http://127.0.0.1:{port}/")));
        assert_eq!(outbound.get_json(&url).await, Err(OutboundError::Status(307)));
        assert_eq!(outbound.post_form(&url, &[]).await, Ok(StatusCode::TEMPORARY_REDIRECT));
        assert!(counted.try_recv().is_err());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_endless_body_is_cut() {
        let (count, counted) = std::sync::mpsc::channel();
        let port = serve(move |stream, _| {
            let mut sent = 0_usize;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n");
            while sent < 1 << 30 && stream.write_all(&[b' '; 16 * 1024]).is_ok() {
                sent += 16 * 1024;
            }
            count.send(sent).unwrap();
        });
        let url = url(&format!("http://127.0.0.1:{port}/"));
        assert_eq!(outbound(&["127.0.0.0/8"]).get_json(&url).await, Err(OutboundError::TooLarge));
        let sent = counted.recv_timeout(Duration::from_secs(5)).unwrap();
        assert!(sent < 64 * 1024 * 1024, "{sent} bytes went out");
    }

    #[tokio::test]
    async fn who_drips_is_left() {
        let port = serve(|stream, _| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
            while stream.write_all(b" ").is_ok() {
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        #[expect(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
        let start = Instant::now();
        let url = url(&format!("http://127.0.0.1:{port}/"));
        assert_eq!(outbound(&["127.0.0.0/8"]).get_json(&url).await, Err(OutboundError::Failed));
        assert!(start.elapsed() < PATIENCE + Duration::from_secs(2), "{:?}", start.elapsed());
    }

    #[tokio::test]
    async fn an_authority_of_the_house() {
        let ours = outbound(&["127.0.0.0/8", "::1/128"]);
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        let authority = Issuer::new(params, key);
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let tls = rustls::ServerConfig::builder().with_no_client_auth();
        let tls = Arc::new(tls.with_single_cert(vec![leaf.der().clone()], private).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = url(&format!("https://localhost:{}/", listener.local_addr().unwrap().port()));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let connection = rustls::ServerConnection::new(tls.clone()).unwrap();
                let (mut stream, mut head) = (rustls::StreamOwned::new(connection, stream.unwrap()), [0; 4096]);
                let _ = stream.read(&mut head);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
                let _ = stream.flush();
            }
        });
        assert_eq!(ours.get_json(&url).await, Err(OutboundError::Failed));
        let trusting =
            Outbound::new(vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()], Some(pem.as_bytes()));
        assert_eq!(trusting.unwrap().get_json(&url).await.unwrap(), b"{}");
        assert!(Outbound::new(Vec::new(), Some(b"nothing")).is_err());
    }
}
