//! What a browser brings along: its cookies, its language, where it comes from.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use authenticators::chance::{Token, TokenHash, same};
use authenticators::clock::Timestamp;
use authenticators::throttle;
use authenticators::trail::Event;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite};

use crate::app::App;
use crate::text::Language;

/// The cookies that we set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieName {
    /// Binds login attempts and forms to the browser in which they were begun.
    Browser,
    /// Single sign-on.
    Session,
    /// A browser in which somebody has logged in before.
    Known,
    /// The reader's own choice of language.
    Language,
    /// The eID that was used last.
    Eid,
}

impl CookieName {
    /// The name. Over TLS it has the prefix that keeps neighbours from planting one (RFC 6265bis 4.1.3.2).
    fn on_the_wire(self, secure: bool) -> String {
        let name = match self {
            CookieName::Browser => "porten-browser",
            CookieName::Session => "porten-session",
            CookieName::Known => "porten-known",
            CookieName::Language => "porten-language",
            CookieName::Eid => "porten-eid",
        };
        if secure { format!("__Host-{name}") } else { name.to_owned() }
    }

    /// How long the browser keeps it; not after it is closed, if nothing is said.
    fn max_age(self) -> Option<cookie::time::Duration> {
        match self {
            CookieName::Browser | CookieName::Session => None,
            CookieName::Known | CookieName::Language | CookieName::Eid => Some(cookie::time::Duration::days(365)),
        }
    }
}

/// A browser and what it brought along.
#[derive(Debug, Clone)]
pub struct Browser {
    /// The secret that binds attempts and forms to it: its own, or a fresh one that the answer must set.
    pub secret: Token,
    is_new: bool,
    /// The single sign-on session.
    pub session: Option<Token>,
    /// The mark of earlier logins.
    pub known: Option<Token>,
    /// The reader's own choice.
    pub language: Option<Language>,
    /// What it says is the eID that was used last; it decides nothing.
    pub last_eid: Option<String>,
    /// Where it comes from.
    pub address: IpAddr,
    /// What it says it is (RFC 9110 10.1.5).
    pub agent: String,
    cross_site: bool,
}

impl Browser {
    /// The value that a form of ours carries for this purpose.
    pub fn csrf(&self, purpose: &str) -> String {
        self.secret.derive(&format!("csrf {purpose}"))
    }

    /// Whether a form came from a page that we gave this browser.
    pub fn has_sent(&self, purpose: &str, csrf: Option<&str>) -> bool {
        !self.cross_site && !self.is_new && csrf.is_some_and(|csrf| same(csrf, &self.csrf(purpose)))
    }

    /// Whether it says that a page of another site has sent this.
    pub fn is_cross_site(&self) -> bool {
        self.cross_site
    }

    /// Where it comes from, for those who count.
    pub fn neighbourhood(&self) -> TokenHash {
        throttle::neighbourhood(self.address)
    }

    /// Puts the browser's secret into the answer if it is new.
    pub fn settle(&self, app: &App, headers: &mut HeaderMap) {
        if self.is_new {
            set(app, headers, CookieName::Browser, self.secret.reveal());
        }
    }

    /// Reads the headers.
    pub fn read(app: &App, headers: &HeaderMap, peer: Option<SocketAddr>) -> anyhow::Result<Browser> {
        let mut cookies = Vec::new();
        for line in headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            cookies.extend(Cookie::split_parse(line.to_owned()).flatten());
        }
        let secure = app.config.issuer.is_https();
        let find = |name: CookieName| {
            let name = name.on_the_wire(secure);
            cookies.iter().find(|cookie| cookie.name() == name).map(|cookie| Token::presented(cookie.value()))
        };
        let secret = find(CookieName::Browser);
        Ok(Browser {
            is_new: secret.is_none(),
            secret: secret.map_or_else(|| app.world.chance.token(), Ok)?,
            session: find(CookieName::Session),
            known: find(CookieName::Known),
            language: find(CookieName::Language).and_then(|token| Language::parse(token.reveal())),
            last_eid: find(CookieName::Eid).map(|token| token.reveal().to_owned()),
            address: address(app, headers, peer),
            agent: text_of(headers, header::USER_AGENT.as_str()).chars().take(300).collect(),
            cross_site: is_cross_site(headers, app.config.issuer.as_str()),
        })
    }
}

/// Who sends forms: the browser says so itself, in one header or the other.
fn is_cross_site(headers: &HeaderMap, origin: &str) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    match (text("sec-fetch-site"), text("origin")) {
        (Some("same-origin" | "none"), _) => false,
        (Some(_), _) => true,
        (None, Some(sender)) => sender != origin,
        (None, None) => false,
    }
}

fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// What a browser and its system are called, for whoever has to recognise them: `("Chrome", "Windows")`. Nothing where
/// they do not say.
pub fn described(agent: &str) -> (&'static str, &'static str) {
    // Each pretends to be those behind it.
    const SOFTWARE: [(&str, &str); 9] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Vivaldi/", "Vivaldi"),
        ("FxiOS/", "Firefox"),
        ("Firefox/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "Mac"),
        ("CrOS", "Chromebook"),
        ("Linux", "Linux"),
    ];
    let find =
        |known: &[(&str, &'static str)]| known.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    (find(&SOFTWARE).unwrap_or_default(), find(&SYSTEMS).unwrap_or_default())
}

/// The peer's address, or the one that a proxy of ours vouches for: the last one that is no proxy.
fn address(app: &App, headers: &HeaderMap, peer: Option<SocketAddr>) -> IpAddr {
    let proxies = &app.config.trusted_proxies;
    let is_proxy = |address: &IpAddr| proxies.iter().any(|network| network.contains(address));
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.ip().to_canonical());
    if !is_proxy(&peer) {
        return peer;
    }
    let lines = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let mut named: Vec<IpAddr> = Vec::new();
    for entry in lines.flat_map(|line| line.split(',')) {
        match entry.trim().parse::<IpAddr>() {
            Ok(address) => named.push(address.to_canonical()),
            // What stands before something unreadable was not written by a proxy of ours.
            Err(_) => named.clear(),
        }
    }
    named.into_iter().rev().find(|address| !is_proxy(address)).unwrap_or(peer)
}

impl FromRequestParts<App> for Browser {
    type Rejection = crate::error::Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Browser, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
        Ok(Browser::read(app, &parts.headers, peer)?)
    }
}

/// One request of a browser: what is at hand, who asks, and when.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// The program's inside.
    pub app: &'a App,
    /// Who asks.
    pub browser: &'a Browser,
    /// When.
    pub now: Timestamp,
}

impl Call<'_> {
    /// What happened, with where it came from.
    pub fn told(&self, event: Event) -> Event {
        self.whence().into_iter().fold(event, |event, (name, value)| event.with(name, value))
    }

    /// Where it comes from, as the trail tells it.
    pub fn whence(&self) -> [(&'static str, String); 3] {
        let (software, system) = described(&self.browser.agent);
        let address = self.browser.address.to_string();
        [("address", address), ("browser", software.to_owned()), ("system", system.to_owned())]
    }
}

/// Sets a cookie.
pub fn set(app: &App, headers: &mut HeaderMap, name: CookieName, value: &str) {
    let secure = app.config.issuer.is_https();
    let mut cookie = Cookie::new(name.on_the_wire(secure), value.to_owned());
    cookie.set_path("/");
    cookie.set_http_only(true);
    cookie.set_secure(secure);
    // Lax and not Strict: people come here from the services.
    cookie.set_same_site(SameSite::Lax);
    cookie.set_max_age(name.max_age());
    append(headers, &cookie);
}

/// Makes the browser forget a cookie.
pub fn forget(app: &App, headers: &mut HeaderMap, name: CookieName) {
    let secure = app.config.issuer.is_https();
    let mut cookie = Cookie::new(name.on_the_wire(secure), "");
    cookie.set_path("/");
    cookie.set_secure(secure);
    cookie.set_http_only(true);
    cookie.set_max_age(cookie::time::Duration::ZERO);
    append(headers, &cookie);
}

fn append(headers: &mut HeaderMap, cookie: &Cookie<'_>) {
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        headers.append(header::SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_say_what_they_are() {
        let check = |agent: &str, expected| assert_eq!(described(agent), expected, "{agent}");
        let mozilla = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)";
        check(&format!("{mozilla} Chrome/156.0.0.0 Safari/537.36"), ("Chrome", "Windows"));
        check(&format!("{mozilla} Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0"), ("Edge", "Windows"));
        check("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", ("Firefox", "Linux"));
        check(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Safari/604.1",
            ("Safari", "iPhone"),
        );
        check(
            "Mozilla/5.0 (Linux; Android 16) SamsungBrowser/30.0 Chrome/140.0 Safari/537.36",
            ("Samsung Internet", "Android"),
        );
        check("curl/8.0", ("", ""));
        check("", ("", ""));
    }
}
