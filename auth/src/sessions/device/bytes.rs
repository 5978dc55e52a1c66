//! A device as stores keep it: kind, length of the address, address, whether there is a user agent, user agent.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Device, SessionType};

impl Device {
    /// The most bytes that one takes.
    pub(in crate::sessions) const MAX_BYTES: usize = 3 + 16 + Self::MAX_USER_AGENT * 4;

    /// As stores keep it.
    pub(in crate::sessions) fn encode(&self) -> Vec<u8> {
        let session_type = match self.session_type {
            SessionType::Web => 0,
            SessionType::Api => 1,
            SessionType::Mobile => 2,
        };
        let mut bytes = vec![session_type];
        match self.ip {
            None => bytes.push(0),
            Some(IpAddr::V4(ip)) => {
                bytes.push(4);
                bytes.extend(ip.octets());
            }
            Some(IpAddr::V6(ip)) => {
                bytes.push(16);
                bytes.extend(ip.octets());
            }
        }
        bytes.push(self.user_agent.is_some().into());
        bytes.extend(self.user_agent.as_deref().unwrap_or_default().as_bytes());
        bytes
    }

    /// `None` when that is no device.
    pub(in crate::sessions) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes = Some(bytes).filter(|bytes| bytes.len() <= Self::MAX_BYTES)?;
        let (&[session_type, length], rest) = bytes.split_first_chunk()?;
        let session_type = match session_type {
            0 => SessionType::Web,
            1 => SessionType::Api,
            2 => SessionType::Mobile,
            _ => return None,
        };
        let (ip, rest) = rest.split_at_checked(length.into())?;
        let ip = match ip.len() {
            0 => None,
            4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(ip).ok()?).into()),
            16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(ip).ok()?).into()),
            _ => return None,
        };
        let user_agent = match rest.split_first()? {
            (0, []) => None,
            (1, text) => Some(std::str::from_utf8(text).ok()?),
            _ => return None,
        };
        if user_agent.is_some_and(|text| text.chars().count() > Self::MAX_USER_AGENT) {
            return None;
        }
        Some(Self { session_type, ip, user_agent: user_agent.map(Into::into) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_survives_its_bytes() {
        let (four, six) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([7; 16]));
        for device in [
            Device::default(),
            Device::new(SessionType::Api).with_ip(four),
            Device::new(SessionType::Mobile).with_ip(six).with_user_agent(""),
            Device::new(SessionType::Web).with_ip(six).with_user_agent(&"🔑".repeat(300)),
        ] {
            let bytes = device.encode();
            assert!(bytes.len() <= Device::MAX_BYTES);
            assert_eq!(Device::decode(&bytes), Some(device));
        }
    }

    #[test]
    fn what_is_damaged_is_no_device() {
        let whole = Device::new(SessionType::Web).with_ip([127, 0, 0, 1].into()).encode();
        for length in 0..whole.len() {
            assert_eq!(Device::decode(&whole[..length]), None, "{length}");
        }
        for bad in [&b"\x03\0\0"[..], b"\0\x05xxxxx\0", b"\0\0\x02", b"\0\0\0x", b"\0\0\x01\xff"] {
            assert_eq!(Device::decode(bad), None, "{bad:?}");
        }
    }
}
