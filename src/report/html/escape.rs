//! Foreign text made harmless for HTML and for JSON inside HTML.

use std::fmt;

/// Text for an element's content or a quoted attribute.
pub(super) struct Text<'a>(pub(super) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => out.write_str("&amp;")?,
                '<' => out.write_str("&lt;")?,
                '>' => out.write_str("&gt;")?,
                '"' => out.write_str("&quot;")?,
                '\'' => out.write_str("&#39;")?,
                // HTML has no way to write the other control characters.
                c if c.is_control() && c != '\n' && c != '\t' => {
                    out.write_str(char::REPLACEMENT_CHARACTER.encode_utf8(&mut [0; 4]))?;
                }
                c => write!(out, "{c}")?,
            }
        }
        Ok(())
    }
}

/// JSON that cannot end the script element around it.
pub(super) fn json(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}
