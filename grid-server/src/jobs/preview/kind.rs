//! What bytes are, by what they begin with. What a guest calls a file says nothing.

/// Kinds of files that can be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Portable Network Graphics.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    Webp,
    /// GIF.
    Gif,
    /// UTF-8 without control letters.
    Text,
    /// Anything else.
    Binary,
}

impl Kind {
    /// The kind of a file that begins like this; `whole` where this is all of it.
    pub fn of(head: &[u8], whole: bool) -> Self {
        match head {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Kind::Png,
            [0xff, 0xd8, 0xff, ..] => Kind::Jpeg,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Kind::Webp,
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Kind::Gif,
            _ if text(head, whole).is_some_and(|text| !text.chars().any(is_control)) => Kind::Text,
            _ => Kind::Binary,
        }
    }

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Png => "png",
            Kind::Jpeg => "jpeg",
            Kind::Webp => "webp",
            Kind::Gif => "gif",
            Kind::Text => "text",
            Kind::Binary => "binary",
        }
    }

    /// Whether it is a picture that browsers show.
    pub fn is_image(self) -> bool {
        matches!(self, Kind::Png | Kind::Jpeg | Kind::Webp | Kind::Gif)
    }

    /// Its media type, where it may be shown.
    pub fn media_type(self) -> Option<&'static str> {
        match self {
            Kind::Png => Some("image/png"),
            Kind::Jpeg => Some("image/jpeg"),
            Kind::Webp => Some("image/webp"),
            Kind::Gif => Some("image/gif"),
            Kind::Text => Some("text/plain; charset=utf-8"),
            Kind::Binary => None,
        }
    }
}

fn is_control(letter: char) -> bool {
    letter.is_control() && !matches!(letter, '\n' | '\r' | '\t' | '\u{c}' | '\u{1b}')
}

/// The text that bytes are; a letter that the end cuts through is left out.
pub fn text(bytes: &[u8], whole: bool) -> Option<&str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) if !whole && error.error_len().is_none() => std::str::from_utf8(&bytes[..error.valid_up_to()]).ok(),
        Err(_) => None,
    }
}

/// A name or a cell for people: no letters that do something, and not too many of them.
pub fn plain(text: &str, letters: usize) -> String {
    let shown = |letter: char| if letter.is_control() { '\u{fffd}' } else { letter };
    let mut plain: String = text.chars().take(letters).map(shown).collect();
    if text.chars().nth(letters).is_some() {
        plain.push('…');
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_their_first_bytes() {
        let kinds: [(&[u8], Kind); 9] = [
            (b"\x89PNG\r\n\x1a\n\0\0", Kind::Png),
            (b"\xff\xd8\xff\xe0", Kind::Jpeg),
            (b"RIFF\0\0\0\0WEBPVP8 ", Kind::Webp),
            (b"GIF89a", Kind::Gif),
            (b"<svg onload=alert(1)>", Kind::Text),
            (b"", Kind::Text),
            (b"a\0b", Kind::Binary),
            (b"\xff\xfe", Kind::Binary),
            ("größe".as_bytes(), Kind::Text),
        ];
        for (bytes, kind) in kinds {
            assert_eq!(Kind::of(bytes, true), kind, "{bytes:?}");
        }
        let cut = &"ö".as_bytes()[..1];
        assert_eq!((Kind::of(cut, false), Kind::of(cut, true)), (Kind::Text, Kind::Binary));
    }

    #[test]
    fn names_do_nothing() {
        assert_eq!(plain("a\u{1b}[2J\n", 10), "a\u{fffd}[2J\u{fffd}");
        assert_eq!(plain("öäü", 2), "öä…");
    }
}
