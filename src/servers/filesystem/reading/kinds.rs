//! What a file is, told from its first bytes: in words for a sentence, and as a media type. Pure.

/// Bytes from which a kind is told.
pub const SNIFFED: u64 = 512;

/// One kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// For a sentence, such as `a PNG image`.
    pub words: &'static str,
    /// Its media type.
    pub mime: &'static str,
}

/// Where the bytes stand, the bytes, the words, the media type. The first that fits counts.
type Row = (usize, &'static [u8], &'static str, &'static str);

const TABLE: &[Row] = &[
    (0, b"\x89PNG\r\n\x1a\n", "a PNG image", "image/png"),
    (0, b"\xFF\xD8\xFF", "a JPEG image", "image/jpeg"),
    (0, b"GIF87a", "a GIF image", "image/gif"),
    (0, b"GIF89a", "a GIF image", "image/gif"),
    (8, b"WEBP", "a WebP image", "image/webp"),
    (8, b"WAVE", "WAV audio", "audio/wav"),
    (8, b"AVI ", "an AVI video", "video/x-msvideo"),
    (0, b"II*\0", "a TIFF image", "image/tiff"),
    (0, b"MM\0*", "a TIFF image", "image/tiff"),
    (4, b"ftypavif", "an AVIF image", "image/avif"),
    (4, b"ftypheic", "a HEIC image", "image/heic"),
    (4, b"ftypmif1", "a HEIF image", "image/heif"),
    (4, b"ftypM4A ", "M4A audio", "audio/mp4"),
    (4, b"ftypqt  ", "a QuickTime video", "video/quicktime"),
    (4, b"ftyp", "an MP4 video", "video/mp4"),
    (0, b"\0\0\x01\0", "an icon", "image/x-icon"),
    (0, b"ID3", "MP3 audio", "audio/mpeg"),
    (0, b"fLaC", "FLAC audio", "audio/flac"),
    (0, b"OggS", "Ogg audio", "audio/ogg"),
    (0, b"MThd", "a MIDI file", "audio/midi"),
    (8, b"AIFF", "AIFF audio", "audio/aiff"),
    (
        0,
        b"\x1A\x45\xDF\xA3",
        "a WebM or Matroska video",
        "video/webm",
    ),
    (0, b"%PDF-", "a PDF document", "application/pdf"),
    (
        0,
        b"PK\x03\x04",
        "a ZIP archive or an office document",
        "application/zip",
    ),
    (0, b"PK\x05\x06", "an empty ZIP archive", "application/zip"),
    (0, b"\x1F\x8B", "a gzip archive", "application/gzip"),
    (0, b"BZh", "a bzip2 archive", "application/x-bzip2"),
    (0, b"\xFD7zXZ\0", "an XZ archive", "application/x-xz"),
    (
        0,
        b"\x28\xB5\x2F\xFD",
        "a Zstandard archive",
        "application/zstd",
    ),
    (
        0,
        b"7z\xBC\xAF\x27\x1C",
        "a 7-Zip archive",
        "application/x-7z-compressed",
    ),
    (0, b"Rar!\x1A\x07", "a RAR archive", "application/vnd.rar"),
    (257, b"ustar", "a tar archive", "application/x-tar"),
    (
        0,
        b"!<arch>\n",
        "an ar archive or static library",
        "application/x-archive",
    ),
    (
        0,
        b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
        "an old office document",
        "application/x-ole-storage",
    ),
    (
        0,
        b"SQLite format 3\0",
        "an SQLite database",
        "application/vnd.sqlite3",
    ),
    (
        0,
        b"PAR1",
        "a Parquet table",
        "application/vnd.apache.parquet",
    ),
    (
        0,
        b"\x7FELF",
        "an ELF program or library",
        "application/x-elf",
    ),
    (
        0,
        b"MZ",
        "a Windows program or library",
        "application/vnd.microsoft.portable-executable",
    ),
    (
        0,
        b"\xCF\xFA\xED\xFE",
        "a Mach-O program or library",
        "application/x-mach-binary",
    ),
    (
        0,
        b"\xCA\xFE\xBA\xBE",
        "a Java class or a Mach-O program",
        "application/java-vm",
    ),
    (0, b"\0asm", "a WebAssembly module", "application/wasm"),
    (0, b"wOF2", "a WOFF2 font", "font/woff2"),
    (0, b"wOFF", "a WOFF font", "font/woff"),
    (0, b"OTTO", "an OpenType font", "font/otf"),
    (0, b"\0\x01\0\0\0", "a TrueType font", "font/ttf"),
    (
        0,
        b"\xFF\xFE\0\0",
        "UTF-32 text",
        "text/plain; charset=utf-32",
    ),
    (0, b"\xFF\xFE", "UTF-16 text", "text/plain; charset=utf-16"),
    (0, b"\xFE\xFF", "UTF-16 text", "text/plain; charset=utf-16"),
];

/// Kinds whose first bytes are too short to be trusted without the name's ending.
const WITH_ENDING: &[(&[u8], &str, Row)] = &[
    (b"BM", "bmp", (0, b"BM", "a BMP image", "image/bmp")),
    (b"\xFF", "mp3", (0, b"\xFF", "MP3 audio", "audio/mpeg")),
    (b"\xFF", "aac", (0, b"\xFF", "AAC audio", "audio/aac")),
];

/// The kind of a file that begins so and whose name has this ending.
pub fn of(beginning: &[u8], ending: &str) -> Option<Kind> {
    let fits = |(at, magic, ..): &&Row| beginning.get(*at..).is_some_and(|b| b.starts_with(magic));
    let weak = WITH_ENDING.iter().find(|(magic, known, _)| {
        beginning.starts_with(magic) && ending.eq_ignore_ascii_case(known)
    });
    // A frame's second byte has three bits set; a byte order mark in a mistitled text has all of them.
    let weak = weak.filter(|(magic, ..)| {
        magic.len() > 1 || beginning.get(1).is_some_and(|b| (0xE0..0xFE).contains(b))
    });
    let row = weak
        .map(|(_, _, row)| row)
        .or_else(|| TABLE.iter().find(fits))?;
    // These four bytes at the beginning hold the three that share them together.
    let riff = matches!(row.1, b"WEBP" | b"WAVE" | b"AVI ");
    let iff = row.1 == b"AIFF";
    if (riff && !beginning.starts_with(b"RIFF")) || (iff && !beginning.starts_with(b"FORM")) {
        return None;
    }
    Some(Kind {
        words: row.2,
        mime: row.3,
    })
}

/// What to call bytes that are not UTF-8 text.
pub fn words(beginning: &[u8], ending: &str) -> &'static str {
    let control = |b: &u8| *b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0C | 0x1B);
    match of(beginning, ending) {
        Some(kind) => kind.words,
        None if beginning.is_empty() || beginning.iter().any(control) => "binary data",
        None => "text in an older encoding such as Windows-1252, or binary data",
    }
}

/// Whether a block of its own can show it.
pub fn is_image_or_audio(mime: &str) -> bool {
    mime.starts_with("image/") || mime.starts_with("audio/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_reached() {
        for (at, magic, words, mime) in TABLE {
            let mut bytes = vec![b'.'; *at];
            match *magic {
                b"WEBP" | b"WAVE" | b"AVI " => bytes[..4].copy_from_slice(b"RIFF"),
                b"AIFF" => bytes[..4].copy_from_slice(b"FORM"),
                _ => {}
            }
            bytes.extend_from_slice(magic);
            let kind = of(&bytes, "").unwrap_or_else(|| panic!("{words}"));
            assert_eq!((kind.words, kind.mime), (*words, *mime));
        }
    }

    #[test]
    fn what_is_too_short_to_tell_wants_the_ending() {
        assert_eq!(of(b"BM and more", "txt"), None);
        assert_eq!(of(b"BM\x10\0\0\0", "BMP").unwrap().mime, "image/bmp");
        assert_eq!(of(b"\xFF\xFB\x90\0", "mp3").unwrap().mime, "audio/mpeg");
        assert_eq!(of(b"\xFF\xFEa\0", "mp3").unwrap().words, "UTF-16 text");
        assert_eq!(of(b"xxxxWAVE", "wav"), None);
    }

    #[test]
    fn what_is_not_known_is_called_what_it_looks_like() {
        assert_eq!(
            words(b"caf\xE9", "txt"),
            "text in an older encoding such as Windows-1252, or binary data"
        );
        assert_eq!(words(b"\0\x01\x02", "bin"), "binary data");
    }
}
