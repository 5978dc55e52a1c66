//! What whoever runs the program must learn, whether or not it collects logs.

use std::error::Error;
use std::fmt;

/// An error and its causes, each in its own words.
pub(crate) fn chain(error: &dyn Error, f: &mut dyn fmt::Write) -> fmt::Result {
    let mut said = error.to_string();
    f.write_str(&said)?;
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        // A transparent error says its cause's words already.
        if words != said {
            write!(f, ": {words}")?;
        }
        (said, source) = (words, cause.source());
    }
    Ok(())
}

/// The most characters of what others say.
#[cfg(any(feature = "oauth2-client", feature = "web-axum"))]
const MAX_SAID: usize = 200;

/// What somebody else says, as it may stand in a log: in quotes, escaped, and not too long.
#[cfg(any(feature = "oauth2-client", feature = "web-axum"))]
pub(crate) fn said(text: &str) -> String {
    let (short, rest) = text.split_at(text.char_indices().nth(MAX_SAID).map_or(text.len(), |(at, _)| at));
    format!("{short:?}{}", if rest.is_empty() { "" } else { "…" })
}

/// Logs a failure; where nothing collects the log, on standard error, so that a forgotten layer is not a riddle.
pub(crate) fn failure(text: &str) {
    if tracing::dispatcher::has_been_set() {
        tracing::error!("{text}");
    } else {
        eprintln!("auth: {text}");
    }
}

/// The same for an error, with its causes.
pub(crate) fn failed(what: &str, error: &(dyn Error + 'static)) {
    let mut text = format!("{what}: ");
    chain(error, &mut text).expect("a String takes everything");
    failure(&text);
}
