//! Words for people: names made readable, text made comparable.

/// A name as people read it: without leading dashes, `-` and `_` as spaces, first letter upper
/// case. `--max-age` becomes `Max age`. A name of dashes alone stays as it is.
pub(super) fn humanise(name: &str) -> String {
    let words = name.trim_start_matches('-').replace(['-', '_'], " ");
    let mut letters = words.trim().chars();
    letters
        .next()
        .map_or_else(|| name.to_owned(), |first| first.to_uppercase().chain(letters).collect())
}

/// Text in the form in which words are compared: small letters, without accents.
/// The filter of the index does the same in the browser.
pub(super) fn comparable(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).flat_map(without_accent).collect()
}

fn without_accent(letter: char) -> impl Iterator<Item = char> {
    let plain = match letter {
        'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' => "i",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö' | 'ō' | 'ŏ' | 'ő' => "o",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' => "s",
        'ţ' | 'ť' => "t",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        // Marks that follow their letter.
        '\u{300}'..='\u{36f}' => "",
        _ => return Some(letter).into_iter().chain("".chars()),
    };
    None.into_iter().chain(plain.chars())
}
