//! The frame of every built-in page. They work without scripts and load nothing.

use std::fmt;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// A text as it may stand in HTML, also between double quotes.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => write!(f, "{c}"),
        })
    }
}

/// A page with this title, around this HTML.
pub(crate) fn page(title: &str, content: &str) -> String {
    let title = Escaped(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<main>\n<h1>{title}</h1>\n{content}\n</main>\n</html>\n"
    )
}

/// A page that says one thing, and where to go on, if there is such a place.
pub(crate) fn message(title: &str, text: &str, way_on: Option<&str>) -> String {
    let link = way_on.map(|url| format!("\n<p><a href=\"{}\">Go on</a></p>", Escaped(url))).unwrap_or_default();
    page(title, &format!("<p>{}</p>{link}", Escaped(text)))
}

/// Forbids framing, sniffing, caching and referrer leaks (ASVS 3.4.3–3.4.6).
///
/// `Referrer-Policy: no-referrer` would make browsers send `Origin: null` with the page's own forms.
pub(crate) fn set_headers(headers: &mut HeaderMap) {
    const HEADERS: [(HeaderName, &str); 6] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::message;

    #[test]
    fn text_stays_text() {
        let html = message("<b>", "\"><script>alert('x')</script>&", Some("\"><script>"));
        assert!(!html.contains("<script>") && !html.contains("<b>"), "{html}");
        assert!(html.contains("&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;"), "{html}");
    }
}
