//! Durations as people write them: a whole number and a unit.

use std::time::Duration;

/// Reads `300ms`, `5s`, `2m`, `1h`. `None` for anything else, a bare number and zero among it; zero would mean "never" to
/// one reader and "at once" to another.
#[must_use]
pub fn parse(text: &str) -> Option<Duration> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(unit_at)?;
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(3600).map(Duration::from_secs),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let good = [("300ms", 300), ("5s", 5_000), ("2m", 120_000), ("1h", 3_600_000)];
        for (text, milliseconds) in good {
            assert_eq!(parse(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in [
            "",
            "5",
            "s",
            "0s",
            "-5s",
            "+5s",
            "1.5s",
            "5 s",
            "5S",
            "5d",
            "5s ",
            "18446744073709551616s",
            "18446744073709551615h",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
