//! Points in time as answers write them. An adapter has no clock: it says which, and the gateway judges.

use serde_json::{Number, Value};

use crate::{Moment, Refusal, Response};

/// A claim that is a NumericDate (RFC 7519 2): fractions are rounded down, what is out of range is cut to the range.
///
/// # Errors
/// Any other type than a number is refused: an expiry that cannot be read must not be taken for none.
pub(crate) fn numeric_date(name: &str, value: Option<&Value>) -> Result<Option<Moment>, Refusal> {
    match value {
        None => Ok(None),
        Some(Value::Number(number)) => Ok(Some(Moment::At(floor(number)))),
        Some(_) => Err(Refusal::invalid(format!("`{name}` is not a number of seconds"))),
    }
}

/// `2026-11-22T21:21:50Z` (RFC 3339, UTC only, fractions cut).
#[must_use]
pub fn rfc3339(text: &str) -> Option<Moment> {
    let text = text.strip_suffix(['Z', 'z'])?;
    let (date, time) = text.split_once(['T', 't'])?;
    let time = match time.split_once('.') {
        Some((time, fraction)) => fraction.bytes().all(|byte| byte.is_ascii_digit()).then_some(time)?,
        None => time,
    };
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    valid.then(|| Moment::At(days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second))
}

impl Response {
    /// When to try again: `Retry-After` in seconds (RFC 9110 10.2.3), or the end of the rate limit as seconds since 1970.
    #[must_use]
    pub fn retry(&self) -> Option<Moment> {
        if let Some(seconds) = self.header("retry-after").and_then(|value| value.trim().parse().ok()) {
            return Some(Moment::After(seconds));
        }
        let reset = self.header("x-ratelimit-reset").or_else(|| self.header("x-rate-limit-reset"))?;
        reset.trim().parse().ok().filter(|at| *at > 1_000_000_000).map(Moment::At)
    }
}

/// Exact for whole numbers; others by way of a double, where a cast saturates.
fn floor(number: &Number) -> i64 {
    let digits = number.to_string();
    digits.parse().unwrap_or_else(|_| {
        #[allow(clippy::cast_possible_truncation, reason = "saturating is what is wanted")]
        let cut = digits.parse::<f64>().map_or(i64::MIN, |value| value.floor() as i64);
        cut
    })
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let mut parts = text.split(separator).map(|part| {
        let digits = !part.is_empty() && part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten()
    });
    let three = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(three)
}

/// Days from 1970-01-01 in the Gregorian calendar; years begin in March so that the leap day comes last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * month + 2) / 5 + day
        - 1
        - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-11-22T21:21:50Z", Some(1_795_382_510)),
            ("2024-02-29T12:00:00.123Z", Some(1_709_208_000)),
            ("2026-11-22T21:21:50+01:00", None),
            ("2026-13-22T21:21:50Z", None),
            ("2026-11-22", None),
            ("never", None),
        ] {
            let got = rfc3339(text).map(|moment| match moment {
                Moment::At(at) => at,
                Moment::After(_) => panic!("a date is a point"),
            });
            assert_eq!(got, expected, "{text}");
        }
    }

    #[test]
    fn numeric_dates_are_cut_and_never_guessed() {
        let at = |json: &str| match numeric_date("exp", Some(&serde_json::from_str(json).unwrap())) {
            Ok(Some(Moment::At(at))) => Some(at),
            _ => None,
        };
        assert_eq!(at("1700003600"), Some(1_700_003_600));
        assert_eq!(at("1700003600.9"), Some(1_700_003_600));
        assert_eq!(at("-0.5"), Some(-1));
        assert_eq!(at("1e400"), Some(i64::MAX));
        assert_eq!(at("-99999999999999999999"), Some(i64::MIN));
        for refused in ["\"1700003600\"", "null", "true", "[1]", "{}"] {
            assert_eq!(at(refused), None, "{refused}");
        }
    }
}
