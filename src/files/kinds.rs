//! The extensions that LlamaCloud documents. They keep `.env`, `id_rsa` and `.pem` out, but not `server.key`: `.key` is Keynote.

/// Source: API enum of supported file extensions, and `txt`, `602` and `123` of the documentation.
const EXTENSIONS: &str = "pdf abw awt cgm cwk doc docm docx dot dotm dotx fodg fodp fopd fodt fb2 hwp lwp mcw mw mwd odf odt otg ott pages pbd \
    psw rtf sda sdd sdp sdw sgl std stw sxd sxg sxm sxw uof uop uot vor wpd wps wpt wri wn xml zabw key odp odg otp pot potm potx ppt \
    pptm pptx sti sxi vsd vsdm vsdx vdx bmp gif heic heif jpg jpeg png svg tif tiff webp htm html xhtm csv dbf dif et eth fods numbers \
    ods ots prn qpw slk stc sxc sylk tsv uos1 uos2 uos wb1 wb2 wb3 wk1 wk2 wk3 wk4 wks wq1 wq2 xlr xls xlsb xlsm xlsx xlw azw azw3 \
    azw4 cb7 cbc cbr cbz chm djvu epub fbz htmlz lit lrf md mobi pdb pml prc rb snb tcr txtz m4a mp3 mp4 mpeg mpga wav webm yxmd txt \
    602 123";

/// How every ZIP file begins, Keynote documents included.
pub(super) const ZIP_SIGNATURE: [u8; 2] = *b"PK";

/// The extension of a file name in lower case, if LlamaCloud documents it.
pub(super) fn documented_extension(name: &str) -> Option<&'static str> {
    let (stem, extension) = name.rsplit_once('.')?;
    if stem.is_empty() {
        return None;
    }
    EXTENSIONS
        .split_ascii_whitespace()
        .find(|known| known.eq_ignore_ascii_case(extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documented_extensions_are_known_in_any_case() {
        assert_eq!(EXTENSIONS.split_ascii_whitespace().count(), 150);
        for (name, expected) in [
            ("a.pdf", Some("pdf")),
            ("A.PDF", Some("pdf")),
            ("notes.txt", Some("txt")),
            ("slides.key", Some("key")),
            ("archive.tar.md", Some("md")),
            (".pdf", None),
            ("pdf", None),
            ("id_rsa", None),
            ("server.pem", None),
            ("a.json", None),
            ("a.pdf.", None),
            ("a.pdf ", None),
        ] {
            assert_eq!(documented_extension(name), expected, "{name}");
        }
    }
}
