//! Values that stand for others: `<HOST>`, `<SESSION-1>` …

use std::collections::BTreeMap;

/// A date that `<DATE>` in a request stands for.
const DATE: &str = "Mon, 01 Jan 2024 00:00:00 GMT";

/// What is known of the placeholders of a part.
#[derive(Debug, Default)]
pub struct Placeholders {
    values: BTreeMap<String, String>,
}

impl Placeholders {
    /// The placeholders of a server at `host`.
    pub fn new(host: &str) -> Self {
        let mut known = Self::default();
        known.learn("HOST", host);
        known.learn("DATE", DATE);
        known
    }

    /// Sets the value of `<name>`.
    pub fn learn(&mut self, name: &str, value: &str) {
        self.values.insert(format!("<{name}>"), value.to_owned());
    }

    /// `text` with every known placeholder replaced.
    pub fn fill(&self, text: &str) -> String {
        self.values.iter().fold(text.to_owned(), |text, (name, value)| {
            if text.contains(name.as_str()) { text.replace(name.as_str(), value) } else { text }
        })
    }

    /// Learns the session of a cookie: the digits after the colon stand for the placeholder, whatever
    /// the number before it.
    pub fn learn_cookie(&mut self, recorded: &str, ours: &str) {
        let name = recorded.split_once(":<").and_then(|(_, rest)| rest.split_once('>'));
        let value =
            ours.split_once(':').map(|(_, rest)| rest.split(';').next().unwrap_or_default());
        if let (Some((name, _)), Some(value)) = (name, value) {
            self.learn(name, value);
        }
    }
}

/// The sessions that `text` speaks of, as `(user, placeholder)`: `SessionID=2:<SESSION-1>` gives
/// `("2", "SESSION-1")`.
pub fn sessions(text: &str) -> Vec<(&str, &str)> {
    text.split("SessionID=")
        .skip(1)
        .filter_map(|rest| {
            let (user, rest) = rest.split_once(":<")?;
            let (name, _) = rest.split_once('>')?;
            (name.starts_with("SESSION-") && user.len() < 3).then_some((user, name))
        })
        .collect()
}

/// Whether `ours` is `recorded`, where `<SESSION-n>` stands for any 128 lower-case hexadecimal digits.
pub fn is_cookie(recorded: &str, ours: &str) -> bool {
    let Some((before, rest)) = recorded.split_once('<') else { return recorded == ours };
    let Some((_, after)) = rest.split_once('>') else { return false };
    let token = ours.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    token.is_some_and(|token| token.len() == 128 && token.bytes().all(digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COOKIE: &str =
        "SessionID=2:<SESSION-1>; Path=/; SameSite=Strict; Max-Age=3600; Secure; HttpOnly";

    #[test]
    fn known_values_are_filled_in_and_others_stay() {
        let mut known = Placeholders::new("127.0.0.1:1234");
        known.learn("SESSION-1", "ab");

        assert_eq!(
            known.fill("http://<HOST>/ <SESSION-1> <SESSION-11>"),
            "http://127.0.0.1:1234/ ab <SESSION-11>"
        );
    }

    #[test]
    fn a_session_is_learnt_from_a_cookie_of_another_user_too() {
        let mut known = Placeholders::default();
        known.learn_cookie(COOKIE, "SessionID=0:cafe; Path=/");

        assert_eq!(known.fill("<SESSION-1>"), "cafe");
    }

    #[test]
    fn sessions_are_found_with_their_user() {
        assert_eq!(sessions(COOKIE), [("2", "SESSION-1")]);
        assert_eq!(sessions("SessionID=2:00; SessionID=3:<SESSION-2>"), [("3", "SESSION-2")]);
        assert!(sessions("2:<SESSION-14>").is_empty());
    }

    #[test]
    fn a_cookie_is_compared_around_its_digits() {
        let ours = COOKIE.replace("<SESSION-1>", &"0a".repeat(64));

        assert!(is_cookie(COOKIE, &ours));
        assert!(!is_cookie(COOKIE, &ours.replace("SessionID=2", "SessionID=0")));
        assert!(!is_cookie(COOKIE, &ours.replace("Max-Age=3600", "Max-Age=60")));
        assert!(!is_cookie(COOKIE, &COOKIE.replace("<SESSION-1>", &"0A".repeat(64))));
    }
}
