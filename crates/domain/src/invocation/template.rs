//! The words of `command_generate_documentation`.

/// Splits a command into words and fills in `%(key)s` afterwards, so that no value can become
/// several words; `%%` is a percent sign. Quotes group words. No shell is involved (scripts.md §4 `Do`).
///
/// # Errors
///
/// An unknown key, an unfinished quote or a `%` that begins nothing.
pub fn documentation_words(
    template: &str,
    value_of: impl Fn(&str) -> Option<String>,
) -> Result<Vec<String>, TemplateError> {
    split_words(template)?.into_iter().map(|word| fill_in(&word, &value_of)).collect()
}

/// What is wrong with `command_generate_documentation`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A quote is not closed.
    #[error("a quote is not closed")]
    OpenQuote,
    /// A key nobody knows.
    #[error("there is no key `{0}`")]
    UnknownKey(String),
    /// A percent sign that begins neither `%(key)s` nor `%%`.
    #[error("`%` must be followed by `(key)s` or `%`")]
    Percent,
}

fn split_words(text: &str) -> Result<Vec<String>, TemplateError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for character in text.chars() {
        match (quote, character) {
            (Some(open), end) if open == end => quote = None,
            (Some(_), inner) => word.get_or_insert_default().push(inner),
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, blank) if blank.is_whitespace() => words.extend(word.take()),
            (None, plain) => word.get_or_insert_default().push(plain),
        }
    }
    words.extend(word);
    if quote.is_some() { Err(TemplateError::OpenQuote) } else { Ok(words) }
}

fn fill_in(
    word: &str,
    value_of: &impl Fn(&str) -> Option<String>,
) -> Result<String, TemplateError> {
    let mut out = String::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        if let Some(literal) = after.strip_prefix('%') {
            out.push('%');
            rest = literal;
            continue;
        }
        let (key, behind) = after
            .strip_prefix('(')
            .and_then(|inner| inner.split_once(")s"))
            .ok_or(TemplateError::Percent)?;
        out.push_str(&value_of(key).ok_or_else(|| TemplateError::UnknownKey(key.to_owned()))?);
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_in_a_documentation_command_stays_one_word() {
        let value = |key: &str| (key == "path").then(|| "/a b/'; rm -rf x.py".to_owned());

        assert_eq!(
            documentation_words("python3 \"./doc gen.py\" '%(path)s' 100%% ''", value),
            Ok(["python3", "./doc gen.py", "/a b/'; rm -rf x.py", "100%", ""]
                .map(str::to_owned)
                .to_vec())
        );
        assert_eq!(
            documentation_words("x %(y)s", value),
            Err(TemplateError::UnknownKey("y".into()))
        );
        assert_eq!(documentation_words("x 'y", value), Err(TemplateError::OpenQuote));
        assert_eq!(documentation_words("x %s", value), Err(TemplateError::Percent));
    }
}
