//! Patterns of arguments: linear time, bounded memory, the whole value (attack check 6).

use std::collections::HashMap;

use regex::{Regex, RegexBuilder};

/// Most bytes of a compiled pattern.
const MAX_BYTES: usize = 1 << 20;

/// Compiled patterns; scripts often share them.
#[derive(Debug, Default)]
pub struct Patterns {
    compiled: HashMap<String, Result<Regex, String>>,
}

impl Patterns {
    /// Compiles a pattern so that it must match the whole value.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn compile(&mut self, pattern: &str) -> Result<Regex, String> {
        let compiled = self.compiled.entry(pattern.to_owned());
        compiled.or_insert_with(|| compile(pattern).map_err(|error| describe(&error))).clone()
    }
}

fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    let build = |pattern: &str| {
        RegexBuilder::new(pattern).size_limit(MAX_BYTES).dfa_size_limit(MAX_BYTES).build()
    };
    // Alone first: a pattern such as `a)|(b` must not become valid by what is put around it.
    build(pattern)?;
    build(&format!("^(?:{pattern})$"))
}

fn describe(error: &regex::Error) -> String {
    if matches!(error, regex::Error::CompiledTooBig(_)) {
        return "the pattern is too large".to_owned();
    }
    let text = error.to_string();
    let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
    format!("this is no regular expression: {reason}")
}
