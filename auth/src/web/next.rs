/// Whether a browser may be sent to this address after a login: a path on this site and nothing else (ASVS 3.7.2).
///
/// Browsers drop tabs and line ends, and take a backslash for a slash: `/\evil.com` would lead away.
pub fn is_safe_next(next: &str) -> bool {
    next.starts_with('/')
        && next.len() <= 2048
        && !next.starts_with("//")
        && next.chars().all(|c| c != '\\' && !c.is_control() && !c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::is_safe_next;

    #[test]
    fn only_paths_on_this_site_are_safe() {
        for good in ["/", "/posts/1?page=2#top", "/a//b", "/%2F%2Fevil.com", "/@evil.com"] {
            assert!(is_safe_next(good), "{good}");
        }
        for bad in [
            "",
            "evil.com",
            "//evil.com",
            "///evil.com",
            "/\\evil.com",
            "\\/evil.com",
            "https://evil.com",
            "javascript:alert(1)",
            "/\t/evil.com",
            "/\n/evil.com",
            "\u{8}/evil",
            " /x",
            "/ /x",
            "/\u{a0}",
            &format!("/{}", "a".repeat(4096)),
        ] {
            assert!(!is_safe_next(bad), "{bad:?}");
        }
    }
}
