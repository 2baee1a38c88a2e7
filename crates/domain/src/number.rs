//! Numbers as text, as the reference hands them to scripts (scripts.md §6).

/// A JSON number as the argument it becomes: integers digit by digit, others in Python's shortest
/// form. `None` for numbers that are not finite, longer than 400 characters or not numbers.
pub fn argument_text(number: &str) -> Option<String> {
    if number.len() > 400 {
        return None;
    }
    let digits = number.strip_prefix('-').unwrap_or(number);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        // Python reads `-0` as the integer 0.
        return Some(if number == "-0" { "0".to_owned() } else { number.to_owned() });
    }
    let value: f64 = number.parse().ok()?;
    value.is_finite().then(|| python_float(value))
}

/// `repr(float)` of Python: shortest digits that read back, exponent below 1e-4 and from 1e16 on.
pub fn python_float(value: f64) -> String {
    if value == 0.0 {
        return if value.is_sign_negative() { "-0.0".to_owned() } else { "0.0".to_owned() };
    }
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{value}");
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

/// Whether `repr` says exactly what the JSON or decimal number `written` says: nothing was rounded.
pub fn is_exact(written: &str, repr: &str) -> bool {
    normal_form(written) == normal_form(repr)
}

/// Sign, significant digits and power of ten of a decimal number; zero has no digits.
fn normal_form(number: &str) -> Option<(bool, String, i64)> {
    let (negative, unsigned) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let without_end = digits.trim_end_matches('0');
    let dropped = i64::try_from(digits.len() - without_end.len()).ok()?;
    let significant = without_end.trim_start_matches('0').to_owned();
    if significant.is_empty() {
        return Some((negative, significant, 0));
    }
    let fraction_digits = i64::try_from(fraction.len()).ok()?;
    Some((negative, significant, exponent - fraction_digits + dropped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_the_text_python_writes() {
        let cases = [
            ("12", "12"),
            ("-5", "-5"),
            ("0", "0"),
            ("-0", "0"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("1.50", "1.5"),
            ("2.0", "2.0"),
            ("1e22", "1e+22"),
            ("1e300", "1e+300"),
            ("0.00001", "1e-05"),
            ("1e-07", "1e-07"),
            ("0.0001", "0.0001"),
            ("100000.0", "100000.0"),
            ("1e15", "1000000000000000.0"),
            ("1e16", "1e+16"),
            ("1.25e-10", "1.25e-10"),
            ("-0.0", "-0.0"),
            ("8.8", "8.8"),
        ];
        for (json, text) in cases {
            assert_eq!(argument_text(json).as_deref(), Some(text), "{json}");
        }
    }

    #[test]
    fn numbers_without_a_finite_value_have_no_text() {
        for json in ["1e309", "-1e400", "NaN", "Infinity", "", "-", "1e", &"1".repeat(401)] {
            assert_eq!(argument_text(json), None, "{json}");
        }
    }

    #[test]
    fn rounding_is_noticed() {
        for exact in ["1.50", "1e22", "0.00001", "100000.0", "-0.0", "8.8", "1E5", "12", "0.10"] {
            assert!(is_exact(exact, &argument_text(exact).unwrap()), "{exact}");
        }
        for rounded in ["0.10000000000000000001", "9007199254740993.0", "1e-400"] {
            assert!(!is_exact(rounded, &argument_text(rounded).unwrap()), "{rounded}");
        }
    }
}
