use syn::LitStr;

/// The longest that a session lives, if nothing is said: what asks for more asks for nothing.
const LONGEST: u64 = 24 * 60 * 60;

/// The seconds in `30s`, `5m`, `1h`: one second to a day.
pub(super) fn parse(text: &LitStr) -> syn::Result<u64> {
    let value = text.value();
    let split = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let (digits, unit) = value.split_at(split);
    let unit = match unit {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(60 * 60),
        _ => None,
    };
    let number = digits.parse::<u64>().ok();
    let seconds = number.zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
    match seconds {
        Some(seconds @ 1..=LONGEST) => Ok(seconds),
        Some(_) => Err(syn::Error::new(text.span(), format!("`{value}` is not between \"1s\" and \"24h\""))),
        None => {
            let message = format!("`{value}` is no duration; write it as \"30s\", \"5m\" or \"1h\"");
            Err(syn::Error::new(text.span(), message))
        }
    }
}
