//! `/language`: the reader's own choice, kept.

use axum::extract::State;
use axum::response::Response;

use crate::app::App;
use crate::browser::{self, Browser, CookieName};
use crate::page;
use crate::params::Params;
use crate::text::Language;

/// `GET /language?to=nn&back=/…`
pub async fn choose(State(app): State<App>, _: Browser, params: Params) -> Response {
    let back = params.field("back").filter(|path| is_ours(path)).unwrap_or("/");
    let mut response = page::see_other(back);
    if let Some(language) = params.field("to").and_then(Language::parse) {
        browser::set(&app, response.headers_mut(), CookieName::Language, language.code());
    }
    response
}

/// A path on this site and nothing that a browser would take for another one.
fn is_ours(path: &str) -> bool {
    let plain = path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    plain && path.starts_with('/') && !path.starts_with("//")
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn only_paths_of_ours() {
        for good in ["/", "/login/a/b", "/?x=1"] {
            assert!(is_ours(good), "{good}");
        }
        for bad in
            ["", "//evil.test", "/\\evil.test", "https://evil.test", "\\\\evil.test", "/\t/evil.test", "javascript:x"]
        {
            assert!(!is_ours(bad), "{bad}");
        }
    }
}
