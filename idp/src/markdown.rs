//! The Markdown that a scope's owner may write: paragraphs, `**bold**`, `*italic*`, `[links](https://…)`. It is
//! read into values and never into HTML, so that whatever else is written there is shown as it stands.

use url::Url;

/// A piece of a paragraph.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// As it stands.
    Plain(String),
    /// `**so**`
    Bold(String),
    /// `*so*`
    Italic(String),
    /// `[so](https://…)`
    Link {
        /// Its words.
        label: String,
        /// Where it leads.
        href: String,
    },
}

/// Reads a text into its paragraphs.
pub fn read(text: &str) -> Vec<Vec<Piece>> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let paragraphs = lines.split(|line| line.is_empty()).map(|lines| lines.join(" "));
    paragraphs.filter(|paragraph| !paragraph.is_empty()).map(|paragraph| pieces(&paragraph)).collect()
}

fn pieces(paragraph: &str) -> Vec<Piece> {
    let (mut pieces, mut plain, mut rest) = (Vec::new(), String::new(), paragraph);
    while let Some(letter) = rest.chars().next() {
        let marked = delimited(rest, "**")
            .map(|(text, rest)| (Piece::Bold(text.to_owned()), rest))
            .or_else(|| delimited(rest, "*").map(|(text, rest)| (Piece::Italic(text.to_owned()), rest)))
            .or_else(|| link(rest));
        match marked {
            Some((piece, after)) => {
                pieces.extend((!plain.is_empty()).then(|| Piece::Plain(std::mem::take(&mut plain))));
                pieces.push(piece);
                rest = after;
            }
            None => {
                plain.push(letter);
                rest = rest.strip_prefix(letter).unwrap_or_default();
            }
        }
    }
    pieces.extend((!plain.is_empty()).then_some(Piece::Plain(plain)));
    pieces
}

fn delimited<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    let (inner, rest) = text.strip_prefix(mark)?.split_once(mark)?;
    let fits = !inner.is_empty() && inner.trim() == inner && !inner.starts_with('*');
    fits.then_some((inner, rest))
}

fn link(text: &str) -> Option<(Piece, &str)> {
    let (label, rest) = text.strip_prefix('[')?.split_once("](")?;
    let (href, rest) = rest.split_once(')')?;
    let url = Url::parse(href).ok()?;
    let fits = url.scheme() == "https" && url.username().is_empty() && !label.is_empty() && !label.contains('[');
    fits.then(|| (Piece::Link { label: label.to_owned(), href: url.to_string() }, rest))
}

#[cfg(test)]
mod tests {
    use super::Piece::{Bold, Italic, Link, Plain};
    use super::*;

    #[test]
    fn what_is_understood() {
        let text = "Vi ser **alt** og *litt*.\nSe [mer](https://a.test/x).\n\n\n<b>2 * 3 * 4</b>\n";
        let link = Link { label: "mer".into(), href: "https://a.test/x".into() };
        assert_eq!(
            read(text),
            [
                vec![
                    Plain("Vi ser ".into()),
                    Bold("alt".into()),
                    Plain(" og ".into()),
                    Italic("litt".into()),
                    Plain(". Se ".into()),
                    link,
                    Plain(".".into()),
                ],
                vec![Plain("<b>2 * 3 * 4</b>".into())],
            ]
        );
        assert_eq!(read(" \n "), Vec::<Vec<Piece>>::new());
    }

    #[test]
    fn what_stands_as_it_is() {
        for text in
            ["[x](javascript:alert(1))", "[x](http://a.test)", "[x](//a.test)", "[](https://a.test)", "**", "***", "[x"]
        {
            assert!(read(text).iter().flatten().all(|piece| matches!(piece, Plain(_))), "{text}: {:?}", read(text));
        }
    }
}
