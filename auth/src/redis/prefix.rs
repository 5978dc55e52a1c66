use super::RedisFailure;

/// What keys may begin with.
pub(crate) fn valid_prefix(prefix: &str) -> Result<&str, RedisFailure> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:".contains(&byte);
    let name = prefix.strip_suffix(':').unwrap_or_default();
    if name.is_empty() || prefix.len() > 64 || !prefix.bytes().all(is_plain) {
        let rule = "a prefix of keys is at most 64 letters, digits, `_-./:`, and ends with a colon";
        return Err(RedisFailure::Configuration(rule.to_owned()));
    }
    Ok(prefix)
}
