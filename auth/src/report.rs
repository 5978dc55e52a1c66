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
