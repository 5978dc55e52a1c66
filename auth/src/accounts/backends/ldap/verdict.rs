//! What a directory means by the answer to a bind. (RFC 4511 §4.1.9 and appendix A)

use super::LdapBackendError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    Yes,
    No,
    /// There is such an account, and it may not log in.
    Refused,
}

/// Of the codes that Active Directory writes into the text of "invalid credentials": not permitted at this time or place,
/// the password expired, the account disabled or expired, the password to be changed, the account locked.
const REFUSED: [&str; 7] = ["530", "531", "532", "533", "701", "773", "775"];

pub(super) fn of_bind(code: u32, text: &str) -> Result<Bound, LdapBackendError> {
    match code {
        0 => Ok(Bound::Yes),
        49 if active_directory(text).is_some_and(|code| REFUSED.contains(&code)) => Ok(Bound::Refused),
        // No such object, no such DN, no password in the entry, wrong password.
        32 | 34 | 48 | 49 => Ok(Bound::No),
        // 389 Directory Server says so of an account with too many tries, and of one that is not in use.
        19 | 53 => Ok(Bound::Refused),
        code => Err(LdapBackendError::Answer(code)),
    }
}

/// `80090308: LdapErr: DSID-0C09042F, comment: AcceptSecurityContext error, data 52e, v2580`
fn active_directory(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("AcceptSecurityContext error, data ")?;
    rest.split(',').next().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_password_is_none_and_a_locked_account_is_refused() {
        let of = |code, text| of_bind(code, text).ok();
        assert_eq!(of(0, ""), Some(Bound::Yes));
        for code in [32, 34, 48, 49] {
            assert_eq!(of(code, ""), Some(Bound::No));
        }
        for code in [19, 53] {
            assert_eq!(of(code, "Account inactivated"), Some(Bound::Refused));
        }
        // Busy, unavailable, a referral, a stronger way wanted: nothing is known.
        for code in [1, 2, 3, 7, 8, 10, 13, 14, 51, 52, 80, u32::MAX] {
            assert_eq!(of(code, ""), None, "{code}");
        }
    }

    #[test]
    fn active_directory_tells_why_in_the_text() {
        let of = |data: &str| {
            let text =
                format!("80090308: LdapErr: DSID-0C09042F, comment: AcceptSecurityContext error, data {data}, v2580");
            of_bind(49, &text).unwrap()
        };
        for data in ["530", "531", "532", "533", "701", "773", "775"] {
            assert_eq!(of(data), Bound::Refused);
        }
        for data in ["52e", "525", "", "7750"] {
            assert_eq!(of(data), Bound::No);
        }
        assert_eq!(of_bind(49, "data 775").unwrap(), Bound::No);
    }
}
