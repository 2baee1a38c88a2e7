//! Name patterns with the meaning of Python's `fnmatch.fnmatchcase`.
//!
//! `*` matches anything, `/` included; `?` one character; `[abc]` and `[!abc]` sets with ranges;
//! a `[` without its `]` is literal. There is no escape character (scripts.md §9).

use serde::{Deserialize, Serialize};

/// A name pattern. Matching is case-sensitive and takes time linear in pattern × text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Glob(String);

impl Glob {
    /// The pattern with this text.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// `*`.
    pub fn any() -> Self {
        Self::new("*")
    }

    /// The text of the pattern.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the whole of `text` fits the pattern.
    pub fn matches(&self, text: &str) -> bool {
        // The pattern of nearly every account; it is asked for each script of a listing.
        if self.0 == "*" {
            return true;
        }
        let pattern = parse(&self.0);
        let text: Vec<char> = text.chars().collect();
        matches_from(&pattern, &text)
    }
}

#[derive(Debug)]
enum Token {
    AnyText,
    AnyCharacter,
    Literal(char),
    Set { negated: bool, ranges: Vec<(char, char)> },
}

fn parse(pattern: &str) -> Vec<Token> {
    let characters: Vec<char> = pattern.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&character) = characters.get(at) {
        at += 1;
        match character {
            '*' => tokens.push(Token::AnyText),
            '?' => tokens.push(Token::AnyCharacter),
            '[' => match parse_set(&characters, at) {
                Some((set, next)) => {
                    tokens.push(set);
                    at = next;
                }
                None => tokens.push(Token::Literal('[')),
            },
            other => tokens.push(Token::Literal(other)),
        }
    }
    tokens
}

/// Reads a set whose `[` has been consumed; `None` when it has no end.
fn parse_set(characters: &[char], start: usize) -> Option<(Token, usize)> {
    let negated = characters.get(start) == Some(&'!');
    let first = start + usize::from(negated);
    // A `]` directly after the opening is a member.
    let mut end = first + usize::from(characters.get(first) == Some(&']'));
    while *characters.get(end)? != ']' {
        end += 1;
    }
    let members = characters.get(first..end)?;
    let mut ranges = Vec::new();
    let mut at = 0;
    while let Some(&low) = members.get(at) {
        if let (Some('-'), Some(&high)) = (members.get(at + 1), members.get(at + 2)) {
            ranges.push((low, high));
            at += 3;
        } else {
            ranges.push((low, low));
            at += 1;
        }
    }
    Some((Token::Set { negated, ranges }, end + 1))
}

fn fits(token: &Token, character: char) -> bool {
    match token {
        Token::AnyText => false,
        Token::AnyCharacter => true,
        Token::Literal(expected) => *expected == character,
        Token::Set { negated, ranges } => {
            ranges.iter().any(|&(low, high)| (low..=high).contains(&character)) != *negated
        }
    }
}

/// Matches without recursion: on a mismatch the last `*` takes one character more.
fn matches_from(pattern: &[Token], text: &[char]) -> bool {
    let (mut at_pattern, mut at_text) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while let Some(&character) = text.get(at_text) {
        match pattern.get(at_pattern) {
            Some(Token::AnyText) => {
                at_pattern += 1;
                retry = Some((at_pattern, at_text));
            }
            Some(token) if fits(token, character) => {
                at_pattern += 1;
                at_text += 1;
            }
            _ => match retry {
                Some((after_star, taken)) => {
                    at_pattern = after_star;
                    at_text = taken + 1;
                    retry = Some((after_star, taken + 1));
                }
                None => return false,
            },
        }
    }
    pattern.get(at_pattern..).is_some_and(|rest| rest.iter().all(|t| matches!(t, Token::AnyText)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Glob::new(pattern).matches(text)
    }

    #[test]
    fn a_star_crosses_slashes_and_matches_nothing_too() {
        assert!(matches("*", ""));
        assert!(matches("a*z", "a/b/z"));
        assert!(matches("*.py", ".py"));
        assert!(!matches("*.py", "x.pyc"));
    }

    #[test]
    fn sets_have_ranges_and_negation() {
        assert!(matches("[a-c]x", "bx"));
        assert!(!matches("[a-c]x", "dx"));
        assert!(matches("[!a-c]x", "dx"));
        assert!(matches("[]x]", "]"));
        assert!(matches("[!]]", "a"));
        assert!(matches("[a-]", "-"));
    }

    #[test]
    fn an_open_bracket_without_end_is_literal() {
        assert!(matches("[ab", "[ab"));
        assert!(matches("x[", "x["));
    }

    #[test]
    fn case_matters() {
        assert!(!matches("A*", "abc"));
    }

    #[test]
    fn many_stars_stay_fast() {
        let pattern = "*a".repeat(200);
        assert!(!matches(&pattern, &"a".repeat(199)));
        assert!(matches(&pattern, &"a".repeat(200)));
    }
}
