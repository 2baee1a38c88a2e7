use super::*;

fn secrets(values: &[&str]) -> Vec<SecretBytes> {
    values.iter().map(|value| SecretBytes::new(value.as_bytes().to_vec())).collect()
}

/// The pieces as they come out, and what comes at the end.
fn pieces(masker: &Masker, printed: &[&[u8]]) -> Vec<String> {
    let mut masker = masker.clone();
    let mut shown: Vec<String> = printed
        .iter()
        .map(|piece| String::from_utf8(masker.push(piece).into_owned()).unwrap())
        .collect();
    shown.push(String::from_utf8(masker.finish()).unwrap());
    shown
}

/// All that comes out.
fn shown(masker: &Masker, printed: &[&[u8]]) -> Vec<u8> {
    let mut masker = masker.clone();
    let mut shown: Vec<u8> =
        printed.iter().flat_map(|piece| masker.push(piece).into_owned()).collect();
    shown.extend(masker.finish());
    shown
}

fn masked(values: &[&str], printed: &str) -> String {
    pieces(&Masker::new(&secrets(values)), &[printed.as_bytes()]).concat()
}

#[test]
fn a_secret_is_replaced_wherever_it_stands() {
    assert_eq!(masked(&["hunter22"], "hunter22"), MASK);
    assert_eq!(masked(&["hunter22"], "a hunter22, b"), format!("a {MASK}, b"));
    assert_eq!(masked(&["hunter22"], "hunter2 hunter2"), "hunter2 hunter2");
    assert_eq!(masked(&["hunter22", "pass"], "pass: hunter22"), format!("{MASK}: {MASK}"));
}

#[test]
fn nothing_that_belongs_to_a_secret_is_left_where_two_overlap() {
    assert_eq!(masked(&["abcdef", "defghi"], "-abcdefghi-"), format!("-{MASK}-"));
    assert_eq!(
        masked(&["token", "token-long"], "token-lo token-long"),
        format!("{MASK}-lo {MASK}")
    );
    assert_eq!(masked(&["secret"], "secretsecret"), MASK);
    assert_eq!(masked(&["anana"], "bananana!"), format!("b{MASK}!"));
}

#[test]
fn short_secrets_are_sought_as_they_are_alone() {
    assert_eq!(masked(&["q"], "a q, 71, cQ"), format!("a {MASK}, 71, cQ"));
    assert_eq!(masked(&["123"], "1234 313233"), format!("{MASK}4 313233"));
}

#[test]
fn an_empty_secret_is_none() {
    assert_eq!(masked(&["", "\r\n"], "some\r\noutput\n"), "some\r\noutput\n");
    assert_eq!(masked(&[], "output"), "output");
}

#[test]
fn line_ends_around_a_secret_do_not_matter() {
    assert_eq!(masked(&["hunter22\n"], "(hunter22)"), format!("({MASK})"));

    let key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----\n";
    let on_a_terminal = key.replace('\n', "\r\n");
    assert_eq!(masked(&[key], &on_a_terminal), format!("{MASK}\r\n").repeat(4));
    assert_eq!(masked(&[key], key), format!("{MASK}\n"));
    assert_eq!(masked(&[key], "  kqhkiG9w0BAQEF"), format!("  {MASK}"));
}

#[test]
fn encoded_secrets_are_found() {
    let secret = "pä$$ w/\"<rd>\\\u{1f600}\u{7}&";
    let forms = [
        "p%C3%A4%24%24%20w%2F%22%3Crd%3E%5C%F0%9F%98%80%07%26",
        "p%c3%a4%24%24%20w%2f%22%3crd%3e%5c%f0%9f%98%80%07%26",
        "p%C3%A4%24%24+w%2F%22%3Crd%3E%5C%F0%9F%98%80%07%26",
        "p%C3%A4%24%24%20w/%22%3Crd%3E%5C%F0%9F%98%80%07%26",
        "p%C3%A4$$%20w/%22%3Crd%3E%5C%F0%9F%98%80%07&",
        r#"pä$$ w/\"<rd>\\😀\u0007&"#,
        r#"pä$$ w\/\"<rd>\\😀\u0007&"#,
        r#"p\u00e4$$ w/\"<rd>\\\ud83d\ude00\u0007&"#,
        r#"p\u00E4$$ w\/\"<rd>\\\uD83D\uDE00\u0007&"#,
        r#"pä$$ w/\"\u003crd\u003e\\😀\u0007\u0026"#,
    ];
    for form in forms {
        assert_eq!(masked(&[secret], &format!("x{form}x")), format!("x{MASK}x"), "{form}");
    }
    for form in [hex::encode(secret), hex::encode_upper(secret)] {
        assert_eq!(masked(&[secret], &format!("0{form}0")), format!("0{MASK}0"), "{form}");
    }
}

#[test]
fn base64_is_found_wherever_the_secret_stands_in_what_was_encoded() {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    let secret = "s3cr3t>>token??";
    for before in 0..7 {
        for behind in 0..7 {
            let text = [&"<<<<<<<"[..before], secret, &">>>>>>>"[..behind]].concat();
            for encoded in [STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
                let shown = masked(&[secret], &encoded);
                let rest = shown.replace(MASK, "").len();
                // What is around the secret, and at most two characters at its beginning and one at
                // its end, which depend on their neighbours too.
                let most = encoded.len() - secret.len() * 8 / 6 + 3;
                assert!(shown.contains(MASK) && rest <= most, "{text}: {shown}");
            }
        }
    }
    assert_eq!(masked(&["secret"], "c2VjcmV0"), MASK);
    assert_eq!(masked(&["secret1"], "c2VjcmV0MQ=="), format!("{MASK}=="));
}

#[test]
fn base64_in_lines_is_found() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    let secret: String =
        (0..300u32).map(|number| char::from(b'!' + (number * 7 % 90) as u8)).collect();
    let encoded = STANDARD.encode(&secret);
    for width in [64, 76] {
        let lines: Vec<&str> =
            encoded.as_bytes().chunks(width).map(|it| std::str::from_utf8(it).unwrap()).collect();
        let shown = masked(&[&secret], &lines.join("\n"));
        assert_eq!(shown.replace(MASK, "").trim_matches(['\n', '=']), "", "{width}");
    }
}

#[test]
fn nothing_is_held_back_but_what_may_be_a_beginning() {
    let masker = Masker::new(&secrets(&["hunter22"]));
    let m = MASK.to_owned();

    assert_eq!(pieces(&masker, &[b"a line\n", b"b\n"]), ["a line\n", "b\n", ""]);
    assert_eq!(pieces(&masker, &[b"a hu", b"rry"]), ["a ", "hurry", ""]);
    assert_eq!(pieces(&masker, &[b"a hunter2"]), ["a ", "hunter2"]);
    assert_eq!(pieces(&masker, &[b"hunter22\n"]), [m.clone() + "\n", String::new()]);
    assert_eq!(pieces(&masker, &[b"hunter22", b"hu"]), [m, String::new(), "hu".to_owned()]);
}

#[test]
fn a_secret_that_begins_a_longer_one_is_held_back_until_it_is_known_which_it_is() {
    let masker = Masker::new(&secrets(&["token", "token-long"]));
    let m = MASK.to_owned();

    assert_eq!(pieces(&masker, &[b"token", b"-l", b"x"]), ["", "", &format!("{m}-lx"), ""]);
    assert_eq!(pieces(&masker, &[b"token", b"-long"]), ["", &m, ""]);
}

#[test]
fn output_in_which_nothing_is_found_is_not_copied_or_changed() {
    let mut masker = Masker::new(&secrets(&["hunter22", "\u{0}\u{1}\u{2}\u{3}"]));
    let binary: Vec<u8> = (0..=255).rev().cycle().take(10_000).collect();

    let shown = masker.push(&binary);

    assert!(matches!(shown, Cow::Borrowed(_)));
    assert_eq!([shown.into_owned(), masker.finish()].concat(), binary);
}

#[test]
fn a_secret_divided_anywhere_is_found() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    let secret = "tök\"en/1";
    let masker = Masker::new(&secrets(&[secret]));
    let forms = [
        secret.to_owned(),
        STANDARD.encode(secret),
        STANDARD.encode(format!("x{secret}")),
        STANDARD.encode(format!("xx{secret}yy")),
        hex::encode(secret),
        hex::encode_upper(secret),
        "t%C3%B6k%22en%2F1".to_owned(),
        "t%c3%b6k%22en%2f1".to_owned(),
        r#"t\u00f6k\"en/1"#.to_owned(),
        r#"t\u00F6k\"en\/1"#.to_owned(),
        r#"tök\"en\/1"#.to_owned(),
    ];
    for form in forms {
        let text = format!("a {form} b").into_bytes();
        let whole = shown(&masker, &[&text]);
        assert!(String::from_utf8_lossy(&whole).contains(MASK), "{form}");
        for first in 0..=text.len() {
            let (one, rest) = text.split_at(first);
            assert_eq!(shown(&masker, &[one, rest]), whole, "{form} at {first}");
            for second in 0..=rest.len() {
                let (two, three) = rest.split_at(second);
                assert_eq!(
                    shown(&masker, &[one, two, three]),
                    whole,
                    "{form} at {first} and {second}"
                );
            }
        }
    }
}

#[test]
fn memory_is_bounded_for_a_secret_of_any_size() {
    let line = |number: usize| format!("line {number} of a very long secret file\n");
    let long: String = (0..450_000).map(line).collect();
    assert!(long.len() > 16 << 20);
    let all = secrets(&[&long, "hunter22"]);

    let sought = forms::of(&all);

    assert!(sought.iter().map(Vec::len).sum::<usize>() <= MAX_FORM_BYTES);
    let masker = Masker::new(&all);
    let text = format!("hunter22 {}", line(17));
    assert_eq!(pieces(&masker, &[text.as_bytes()]).concat(), format!("{MASK} {MASK}\n"));
}

#[test]
fn a_long_secret_is_found_in_every_form_without_remains() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    let secret: String = (0u32..5000).map(|it| char::from(b'!' + (it * it % 89) as u8)).collect();
    let json = secret.replace('\\', "\\\\").replace('"', "\\\"");

    for form in [secret.clone(), STANDARD.encode(&secret), hex::encode(&secret), json] {
        let shown = masked(&[&secret], &format!("({form})"));
        assert_eq!(shown.replace('=', ""), format!("({MASK})"));
    }
}

#[test]
fn secrets_are_not_in_debug_output() {
    let mut masker = Masker::new(&secrets(&["hunter22"]));
    masker.push(b"hunter2");

    assert_eq!(format!("{masker:?}"), "Masker { .. }");
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    /// Few letters, so that secrets overlap and contain one another.
    fn letters(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(b'c')], length)
    }

    /// Takes out every byte of every occurrence.
    fn expected(secrets: &[Vec<u8>], text: &[u8]) -> Vec<u8> {
        let mut covered = vec![false; text.len()];
        for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
            for start in 0..text.len() {
                if text[start..].starts_with(secret) {
                    covered[start..start + secret.len()].fill(true);
                }
            }
        }
        let mut shown = Vec::new();
        for (index, byte) in text.iter().enumerate() {
            match (covered[index], index > 0 && covered[index - 1]) {
                (false, _) => shown.push(*byte),
                (true, false) => shown.extend_from_slice(MASK.as_bytes()),
                (true, true) => {}
            }
        }
        shown
    }

    proptest! {
        #[test]
        fn any_division_of_output_is_masked_like_the_whole(
            values in proptest::collection::vec(letters(0..7), 0..4),
            printed in proptest::collection::vec(letters(0..9), 0..9),
        ) {
            let secrets: Vec<SecretBytes> = values.iter().cloned().map(SecretBytes::new).collect();
            let masker = Masker::new(&secrets);
            let pieces: Vec<&[u8]> = printed.iter().map(Vec::as_slice).collect();

            prop_assert_eq!(shown(&masker, &pieces), expected(&values, &printed.concat()));
        }

        #[test]
        fn anything_may_be_a_secret_and_be_printed(
            secret in proptest::collection::vec(any::<u8>(), 4..40),
            before in proptest::collection::vec(any::<u8>(), 0..40),
            at in any::<prop::sample::Index>(),
        ) {
            let masker = Masker::new(&[SecretBytes::new(secret.clone())]);
            let text = [before, secret].concat();

            let whole = shown(&masker, &[&text]);
            let (one, two) = text.split_at(at.index(text.len()));

            prop_assert!(String::from_utf8_lossy(&whole).contains(MASK));
            prop_assert_eq!(shown(&masker, &[one, two]), whole);
        }
    }
}
