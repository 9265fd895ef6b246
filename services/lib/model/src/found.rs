//! How text from outside is shown in an error message: quoted, escaped, and short.

/// At most this many characters of the found text are shown.
const SHOWN_CHARACTERS: usize = 60;

/// The text in quotes, control characters escaped, cut after 60 characters.
pub(crate) fn shown(text: &str) -> String {
    let cut: String = text.chars().take(SHOWN_CHARACTERS).collect();
    let ellipsis = if cut.len() < text.len() { "..." } else { "" };
    let mut quoted = String::with_capacity(cut.len() + 5);
    quoted.push('"');
    for character in cut.chars() {
        if character.is_control() || character == '"' || character == '\\' {
            quoted.extend(character.escape_default());
        } else {
            quoted.push(character);
        }
    }
    quoted.push_str(ellipsis);
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn found_text_is_quoted_escaped_and_cut() {
        assert_eq!(shown("a\"b\n"), r#""a\"b\n""#);
        assert_eq!(shown("户"), "\"户\"");
        assert_eq!(shown(&"x".repeat(61)), format!("\"{}...\"", "x".repeat(60)));
    }
}
