//! The kinds of arguments (`html_type`) and what a value of each must look like.

use jiff::civil;

use super::Problem;
use crate::catalogue::Argument;
use crate::number;
use crate::request::Value;

/// Whether a ticked box stands for the argument: its name is the word.
pub fn is_checkbox(declared: &Argument) -> bool {
    declared.html_type == "checkbox" && declared.choices.is_none()
}

/// The text of one value that is not empty, if it fits the declaration.
pub fn check(declared: &Argument, value: &Value) -> Result<String, Problem> {
    if let Some(choices) = &declared.choices {
        return check_choice(choices, value);
    }
    if matches!(declared.html_type.as_str(), "number" | "range") {
        return check_number(declared, value);
    }
    let text = match value {
        Value::Text(text) => text.clone(),
        Value::Number(digits) => exact_number(digits)?,
        Value::BrokenText => return Err(Problem::BrokenText),
        Value::Boolean(_) => return Err(Problem::WrongKind("text")),
        Value::List(_) | Value::Object | Value::Null => return Err(Problem::NestedValue),
    };
    check_text(declared, text)
}

fn check_choice(choices: &[String], value: &Value) -> Result<String, Problem> {
    let text = match value {
        Value::Text(text) => text.clone(),
        Value::Number(digits) => exact_number(digits)?,
        Value::BrokenText => return Err(Problem::BrokenText),
        _ => return Err(Problem::NotAChoice),
    };
    if choices.contains(&text) { Ok(text) } else { Err(Problem::NotAChoice) }
}

fn check_number(declared: &Argument, value: &Value) -> Result<String, Problem> {
    const NUMBER: Problem = Problem::WrongKind("a number such as 12, -3 or 0.5");
    let text = match value {
        Value::Number(digits) => exact_number(digits)?,
        Value::Text(text) if is_decimal(text) => text.clone(),
        _ => return Err(NUMBER),
    };
    let number: f64 = text.parse().map_err(|_| NUMBER)?;
    if !number.is_finite() || (number == 0.0 && text.starts_with('-')) {
        return Err(NUMBER);
    }
    let limits = &declared.restrictions;
    match (limits.min, limits.max) {
        (Some(min), _) if number < min => Err(Problem::TooSmall(number_text(min))),
        (_, Some(max)) if number > max => Err(Problem::TooLarge(number_text(max))),
        _ => Ok(text),
    }
}

fn number_text(number: f64) -> String {
    let text = number::python_float(number);
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

fn exact_number(digits: &str) -> Result<String, Problem> {
    let text = number::argument_text(digits).ok_or(Problem::WrongKind("a finite number"))?;
    if digits == "-0" || number::is_exact(digits, &text) { Ok(text) } else { Err(Problem::Inexact) }
}

/// `-?digits[.digits][e[+-]digits]` in ASCII, at most 400 characters.
fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let mantissa_fits = match mantissa.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(mantissa),
    };
    let exponent_fits = exponent
        .is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)));
    text.len() <= 400 && mantissa_fits && exponent_fits
}

fn check_text(declared: &Argument, text: String) -> Result<String, Problem> {
    let limits = &declared.restrictions;
    check_characters(&text, declared.html_type == "file")?;
    check_form(&declared.html_type, &text)?;
    let length = text.chars().count();
    if let Some(min) = limits.min_length.filter(|min| length < *min) {
        return Err(Problem::TooShort(min));
    }
    if let Some(max) = limits.max_length.filter(|max| length > *max) {
        return Err(Problem::TooLong(max));
    }
    if limits.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(&text)) {
        return Err(Problem::Pattern);
    }
    if !declared.is_input() && !limits.accept_option_like {
        check_option_like(&text)?;
    }
    Ok(text)
}

/// Text that a program could take for an option, or for a file to read arguments from.
pub fn check_option_like(text: &str) -> Result<(), Problem> {
    match text.chars().next() {
        Some(first @ ('-' | '@')) => Err(Problem::OptionLike(first)),
        _ => Ok(()),
    }
}

/// NUL never; byte order marks and direction controls only in files.
pub fn check_characters(text: &str, is_file: bool) -> Result<(), Problem> {
    for character in text.chars() {
        match character {
            '\0' => return Err(Problem::Character("NUL")),
            '\u{feff}' if !is_file => return Err(Problem::Character("a byte order mark")),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' if !is_file => {
                return Err(Problem::Character("a text direction control"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The form that HTML defines for the value of a control of this type.
fn check_form(html_type: &str, text: &str) -> Result<(), Problem> {
    let (fits, wanted) = match html_type {
        "date" => (is_date(text), "a date such as 2026-01-31"),
        "time" => (is_time(text), "a time such as 14:05"),
        "datetime-local" => (is_date_time(text), "a date and time such as 2026-01-31T14:05"),
        "month" => (is_month(text), "a month such as 2026-01"),
        "week" => (is_week(text), "a week such as 2026-W05"),
        "color" => (is_color(text), "a colour such as #7f8bff"),
        "email" => (is_email(text), "an e-mail address"),
        "url" => (is_url(text), "an address such as https://example.org/"),
        _ => (true, ""),
    };
    if fits { Ok(()) } else { Err(Problem::WrongKind(wanted)) }
}

/// Whether the digits and separators of `text` stand where `form` has `0` and separators.
fn has_form(text: &str, form: &str) -> bool {
    text.len() == form.len()
        && text.bytes().zip(form.bytes()).all(|(byte, place)| match place {
            b'0' => byte.is_ascii_digit(),
            separator => byte == separator,
        })
}

fn is_date(text: &str) -> bool {
    has_form(text, "0000-00-00") && !text.starts_with("0000") && text.parse::<civil::Date>().is_ok()
}

fn is_time(text: &str) -> bool {
    let seconds = text.split_once('.').map_or(text, |(seconds, _)| seconds);
    let fraction_fits = text.split_once('.').is_none_or(|(seconds, fraction)| {
        seconds.len() == 8
            && (1..=3).contains(&fraction.len())
            && fraction.bytes().all(|byte| byte.is_ascii_digit())
    });
    let field = |from: usize, below: u8| {
        seconds.get(from..from + 2).and_then(|d| d.parse::<u8>().ok()).is_some_and(|n| n < below)
    };
    let form_fits = has_form(seconds, "00:00") || has_form(seconds, "00:00:00");
    form_fits
        && fraction_fits
        && field(0, 24)
        && field(3, 60)
        && (seconds.len() == 5 || field(6, 60))
}

fn is_date_time(text: &str) -> bool {
    text.split_once('T').is_some_and(|(date, time)| is_date(date) && is_time(time))
}

fn is_month(text: &str) -> bool {
    has_form(text, "0000-00") && is_date(&format!("{text}-01"))
}

fn is_week(text: &str) -> bool {
    if !has_form(text, "0000-W00") {
        return false;
    }
    let year = text.get(0..4).and_then(|digits| digits.parse().ok()).unwrap_or(0);
    let week = text.get(6..8).and_then(|digits| digits.parse().ok()).unwrap_or(0);
    year > 0 && civil::ISOWeekDate::new(year, week, civil::Weekday::Monday).is_ok()
}

fn is_color(text: &str) -> bool {
    text.len() == 7
        && text.strip_prefix('#').is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    text.len() <= 254
        && !local.is_empty()
        && local.chars().all(|c| c.is_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c))
        && domain.split('.').all(label)
}

fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        && !rest.is_empty()
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}
