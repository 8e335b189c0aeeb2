//! Addresses that browsers are sent to: which may be registered, and which is a registered one.

use url::{Host, Url};

use crate::registration::{ApplicationType, Registration};

/// The registered address that `asked` is, byte for byte; a native client's may have any port on the loopback
/// address (RFC 8252 7.3).
pub fn matching<'a>(registration: &Registration, asked: &'a str) -> Option<&'a str> {
    let native = registration.application_type == ApplicationType::Native;
    let is_it = |registered: &String| {
        registered == asked || (native && without_port(registered).is_some_and(|own| without_port(asked) == Some(own)))
    };
    registration.redirect_uris.iter().any(is_it).then_some(asked)
}

/// A loopback address without its port.
fn without_port(uri: &str) -> Option<(&'static str, &str)> {
    let (host, rest) = ["http://127.0.0.1", "http://[::1]"]
        .into_iter()
        .find_map(|host| uri.strip_prefix(host).map(|rest| (host, rest)))?;
    let Some(port) = rest.strip_prefix(':') else { return rest.starts_with('/').then_some((host, rest)) };
    let (port, path) = port.split_at(port.find('/')?);
    port.parse::<u16>().ok().filter(|number| number.to_string() == port).map(|_| (host, path))
}

/// Whether an address may be registered; what is wrong with it, if not.
pub fn check(text: &str, kind: ApplicationType) -> Result<(), &'static str> {
    if !text.bytes().all(|b| b.is_ascii_graphic()) || text.contains(['\\', '"', '<', '>', '^', '`', '{', '|', '}', '*'])
    {
        return Err("has characters that a URL doesn't have");
    }
    let url = Url::parse(text).map_err(|_| "is not an absolute URL")?;
    if url.fragment().is_some() {
        return Err("has a fragment");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a user in it");
    }
    match url.scheme() {
        "https" if url.has_host() => Ok(()),
        "http" if is_loopback(&url) => Ok(()),
        "http" => Err("must be https"),
        // RFC 8252 7.1: a private-use scheme is a domain name turned round.
        scheme if kind == ApplicationType::Native && scheme.contains('.') => Ok(()),
        _ => Err("has a scheme that people cannot be sent to"),
    }
}

/// Whether an address is this machine's own.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The host of an address.
pub fn host(uri: &str) -> Option<String> {
    Url::parse(uri).ok().and_then(|url| url.host_str().map(str::to_owned))
}

/// An address as a source in a Content-Security-Policy (CSP 3, 2.3.1).
pub fn source(uri: &Url, kind: ApplicationType) -> String {
    let any_port = without_port(uri.as_str()).filter(|_| kind == ApplicationType::Native);
    match (any_port, uri.origin()) {
        (Some(("http://127.0.0.1", _)), _) => "http://127.0.0.1:*".to_owned(),
        // There is no word for an IPv6 address.
        (Some(_), _) => "http:".to_owned(),
        (None, origin) if origin.is_tuple() => origin.ascii_serialization(),
        (None, _) => format!("{}:", uri.scheme()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::registration::ApplicationType::{Native, Web};

    #[test]
    fn redirects_that_can_be_registered() {
        let fits = |uri: &str, kind, good: bool| assert_eq!(check(uri, kind).is_ok(), good, "{uri}");
        fits("https://a.test/cb", Web, true);
        fits("https://a.test/cb?x=1", Web, true);
        fits("http://localhost:3000/cb", Web, true);
        fits("http://127.0.0.1/cb", Web, true);
        fits("no.fjordvik.app:/cb", Native, true);
        for wrong in [
            "",
            "cb",
            "//a.test/cb",
            "http://a.test/cb",
            "https://a.test/cb#x",
            "https://u:p@a.test/cb",
            "javascript:alert(1)",
            "JaVaScript:alert(1)",
            "data:text/html,x",
            "https://a.test/c b",
            "https://a.test/*",
            "app:/cb",
            "file:///etc/passwd",
            "https://a.test\\@b.test/",
            "https://a.test/\u{202e}",
            "https:///cb\t",
        ] {
            fits(wrong, Web, false);
        }
        fits("javascript:alert(1)", Native, false);
    }

    #[test]
    fn a_native_client_may_have_any_port_on_loopback() {
        let registration = |kind: &str, uri: &str| -> Registration {
            let value = json!({
                "client_name": "x", "application_type": kind, "token_endpoint_auth_method": "none", "redirect_uris": [uri],
            });
            serde_json::from_value(value).unwrap()
        };
        let check = |kind: &str, uri: &str, asked: &str, good: bool| {
            assert_eq!(matching(&registration(kind, uri), asked).is_some(), good, "{kind} {uri} {asked}");
        };
        check("native", "http://127.0.0.1:0/cb", "http://127.0.0.1:51004/cb", true);
        check("native", "http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", true);
        check("native", "http://[::1]/cb", "http://[::1]:1/cb", true);
        check("browser", "http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", false);
        for asked in [
            "http://127.0.0.1:51004/other",
            "http://127.0.0.1:0x1/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:70000/cb",
            "http://127.0.0.1@evil.test/cb",
            "http://127.0.0.1:1@evil.test/cb",
            "http://127.0.0.1.evil.test/cb",
            "http://localhost:1/cb",
            "https://127.0.0.1:1/cb",
            "http://127.0.0.1:01/cb",
            "http://127.0.0.1:1/cb?x",
        ] {
            check("native", "http://127.0.0.1/cb", asked, false);
        }
    }

    /// A kind of client, its address, and on loopback of a native client what stands before and behind the port.
    type Address = (&'static str, &'static str, Option<(&'static str, &'static str)>);

    /// Registered addresses.
    const REGISTERED: [Address; 9] = [
        ("web", "https://a.test/cb", None),
        ("web", "https://a.test:8443/cb?x=1&y=%2f", None),
        ("web", "https://a.test/", None),
        ("web", "http://127.0.0.1:3000/cb", None),
        ("browser", "http://localhost:3000/cb", None),
        ("native", "no.fjordvik.app:/cb", None),
        ("native", "http://127.0.0.1/cb", Some(("http://127.0.0.1", "/cb"))),
        ("native", "http://127.0.0.1:4000/c/b?x=1", Some(("http://127.0.0.1", "/c/b?x=1"))),
        ("native", "http://[::1]:0/cb", Some(("http://[::1]", "/cb"))),
    ];
    /// What is put into an address at some place, or in the place of something.
    const PIECES: [&str; 40] = [
        "/",
        "//",
        "\\",
        "?",
        "#",
        "&",
        "@",
        ":",
        ";",
        ".",
        "..",
        "/../",
        "/./",
        "%2f",
        "%2F",
        "%00",
        "%0a",
        "%23",
        "\0",
        "\n",
        "\t",
        " ",
        "+",
        "*",
        "evil.test",
        ".evil.test",
        "@evil.test",
        "evil.test/",
        "a.test",
        "a.test@",
        "http:",
        "https://",
        "javascript:",
        "127.0.0.1",
        "[::1]",
        ":80",
        ":0",
        ":065535",
        "\u{202e}",
        "\u{ff0f}",
    ];

    /// One change of an address.
    fn changed(address: &str, how: u8, at: prop::sample::Index, piece: &str) -> String {
        let mut letters: Vec<char> = address.chars().collect();
        let place = at.index(letters.len());
        let letter = letters[place];
        match how {
            0 => letters.splice(place..place, piece.chars()).for_each(drop),
            1 => letters.splice(place..=place, piece.chars()).for_each(drop),
            2 => drop(letters.drain(place..)),
            3 => drop(letters.drain(..place)),
            4 => drop(letters.remove(place)),
            5 => letters.insert(place, letter),
            6 if letter.is_ascii_uppercase() => letters[place] = letter.to_ascii_lowercase(),
            6 => letters[place] = letter.to_ascii_uppercase(),
            7 => letters.splice(place..=place, format!("%{:02x}", u32::from(letter)).chars()).for_each(drop),
            8 => letters.extend(piece.chars()),
            _ => letters.splice(0..0, piece.chars()).for_each(drop),
        }
        letters.into_iter().collect()
    }

    /// The registered address, or its twin with another port, which is a number as numbers are written.
    fn is_meant(asked: &str, registered: &str, loopback: Option<(&str, &str)>) -> bool {
        let twin = |(host, tail): (&str, &str)| {
            let port = asked.strip_prefix(host)?.strip_suffix(tail)?;
            Some(port.is_empty() || (0..=u16::MAX).any(|number| port == format!(":{number}")))
        };
        asked == registered || loopback.and_then(twin).unwrap_or(false)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1000, ..ProptestConfig::default() })]

        // Attack: redirect addresses that nearly are registered ones, in 200 ways of changing each.
        #[test]
        fn nothing_but_a_registered_address_or_its_twin_matches(
            changes in prop::collection::vec((0..10u8, any::<prop::sample::Index>(), prop::sample::select(&PIECES[..])), 1..4),
            port in any::<u16>(),
        ) {
            for (kind, registered, loopback) in REGISTERED {
                let registration: Registration = serde_json::from_value(json!({
                    "client_name": "x", "application_type": kind, "redirect_uris": [registered],
                })).unwrap();
                prop_assert!(matching(&registration, registered).is_some());
                if let Some((host, tail)) = loopback {
                    let twin = format!("{host}:{port}{tail}");
                    prop_assert!(matching(&registration, &twin).is_some());
                }
                let mut asked = registered.to_owned();
                for (how, at, piece) in &changes {
                    asked = if asked.is_empty() { (*piece).to_owned() } else { changed(&asked, *how, *at, piece) };
                    let matched = matching(&registration, &asked);
                    prop_assert_eq!(matched.is_some(), is_meant(&asked, registered, loopback), "{} {}", kind, asked);
                    prop_assert!(matched.is_none_or(|matched| matched == asked));
                }
            }
        }
    }
}
