mod bytes;

use std::net::IpAddr;

/// What kind of client a session was made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionType {
    /// A browser.
    #[default]
    Web,
    /// A program.
    Api,
    /// An application on a phone.
    Mobile,
}

/// The device that a session was made on, as it described itself: for the list of a user's devices.
///
/// # Security
/// The user agent is whatever the client claims; show it as untrusted text, and decide nothing by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    session_type: SessionType,
    ip: Option<IpAddr>,
    user_agent: Option<Box<str>>,
}

impl Device {
    /// The most characters of a user agent that are kept.
    pub const MAX_USER_AGENT: usize = 256;

    /// A device of which no more than its kind is known.
    pub fn new(session_type: SessionType) -> Self {
        Self { session_type, ip: None, user_agent: None }
    }

    /// The same at this address.
    #[must_use]
    pub fn with_ip(self, ip: IpAddr) -> Self {
        Self { ip: Some(ip), ..self }
    }

    /// The same with this user agent: its first 256 characters, without control characters.
    #[must_use]
    pub fn with_user_agent(self, user_agent: &str) -> Self {
        let kept: String = user_agent.chars().filter(|c| !c.is_control()).take(Self::MAX_USER_AGENT).collect();
        Self { user_agent: Some(kept.into()), ..self }
    }

    /// What kind of client it is.
    pub fn session_type(&self) -> SessionType {
        self.session_type
    }

    /// Its address.
    pub fn ip(&self) -> Option<IpAddr> {
        self.ip
    }

    /// What it calls itself.
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_agent_is_bounded_and_holds_no_control_characters() {
        let device = Device::default().with_user_agent(&format!("a\0b\r\nc{}", "x".repeat(300)));
        let kept = device.user_agent().unwrap_or_default();
        assert!(kept.starts_with("abc") && kept.chars().count() == Device::MAX_USER_AGENT);
    }
}
