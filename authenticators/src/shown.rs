//! What somebody else has written and people read: without the characters that nobody sees and that change what the others
//! look like.

/// Whether a character shows nothing and turns, joins, hides or ends what stands around it.
pub fn is_odd(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // The soft hyphen, and the Arabic and the Mongolian mark.
            '\u{ad}' | '\u{61c}' | '\u{180e}'
            // Of no width, and the marks of direction.
            | '\u{200b}'..='\u{200f}'
            // The ends of lines and paragraphs, embeddings and overrides of direction.
            | '\u{2028}'..='\u{202e}'
            // Joiners, what mathematics does not show, and isolates of direction.
            | '\u{2060}'..='\u{206f}'
            // The mark of the order of bytes, annotations, and tags.
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// What is left of a line from elsewhere. What stood for a space still does.
pub fn line(text: &str) -> String {
    let spaced = text.replace(['\r', '\n', '\t', '\u{2028}', '\u{2029}'], " ");
    let shown: String = spaced.chars().filter(|c| !is_odd(*c)).collect();
    shown.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_left_out_and_letters_stay() {
        for odd in ['\0', '\u{1b}', '\u{7f}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{2069}', '\u{200f}', '\u{61c}'] {
            assert_eq!(line(&format!("Ka{odd}ri")), "Kari", "{odd:?}");
        }
        for space in ["\n", "\r\n", "\t", "\u{2028}", "\u{2029}", "  "] {
            assert_eq!(line(&format!(" Kari{space}Nordmann")), "Kari Nordmann", "{space:?}");
        }
        for name in ["Áhkká Čáhppe Ŋilas", "محمد", "字 \u{1f600}", "O'Neill-Åsen", "Storgata\u{a0}1", "<b>{{7*7}}</b>"]
        {
            assert_eq!(line(name), name);
        }
    }
}
