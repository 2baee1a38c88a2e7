//! Arguments of scripts (scripts.md §3 and the decisions of spec/README.md).

use serde_json::{Value, json};
use webscripts_domain::catalogue::{Argument, Restrictions};
use webscripts_domain::description::describe;

use crate::instance::Instance;

fn first(instance: &Instance) -> Argument {
    instance.loaded().catalogue.iter().next().unwrap().arguments[0].clone()
}

/// The one error that an argument with these keys gives, without the file.
#[track_caller]
fn refusal(keys: &Value) -> String {
    let errors = Instance::new().argument(keys).errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors[0].split_once(": ").unwrap().1.to_owned()
}

#[track_caller]
fn warning(keys: &Value) -> String {
    let warnings = Instance::new().argument(keys).warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    warnings[0].split_once(": ").unwrap().1.to_owned()
}

#[test]
fn an_argument_without_keys_has_the_defaults_of_the_reference() {
    let instance = Instance::new().argument(&json!({}));

    assert_eq!(
        first(&instance),
        Argument {
            name: "name".to_owned(),
            html_type: "text".to_owned(),
            label: None,
            description: None,
            example: None,
            default_value: None,
            choices: None,
            list: None,
            input: None,
            advanced: false,
            multiline: false,
            secret: false,
            restrictions: Restrictions::default(),
            javascript_section: None,
            javascript_attributes: serde_json::Map::new(),
            custom: serde_json::Map::new(),
        }
    );
    assert_eq!(instance.warnings(), Vec::<String>::new());
}

#[test]
fn every_key_of_an_argument_is_read() {
    let keys = json!({
        "html_type": "number", "description": "D", "example": 1, "default_value": [2],
        "predefined_values": ["a", 1, 1.50, true], "list": true, "input": false,
        "is_advanced": true, "label": "L", "required": true, "multiline": true, "pattern": "a|b",
        "min": -1.5, "max": 2, "min_length": 1, "max_length": 3, "custom": null,
        "accept_option_like_values": true, "confirm": "Sure?", "danger": false,
    });
    let instance = Instance::new().argument(&keys);

    let argument = first(&instance);

    assert_eq!(argument.html_type, "number");
    assert_eq!(
        (argument.label.as_deref(), argument.description.as_deref()),
        (Some("L"), Some("D"))
    );
    assert_eq!((argument.example, argument.default_value), (Some(json!(1)), Some(json!([2]))));
    assert_eq!(argument.choices.unwrap(), ["a", "1", "1.5", "true"]);
    assert_eq!((argument.list, argument.input), (Some(true), Some(false)));
    assert!(argument.advanced && argument.multiline);
    let restrictions = &argument.restrictions;
    assert!(restrictions.required && restrictions.accept_option_like);
    assert_eq!(restrictions.pattern.as_ref().unwrap().as_str(), "^(?:a|b)$");
    assert_eq!((restrictions.min, restrictions.max), (Some(-1.5), Some(2.0)));
    assert_eq!((restrictions.min_length, restrictions.max_length), (Some(1), Some(3)));
    assert_eq!(
        serde_json::to_string(&argument.custom).unwrap(),
        r#"{"label":"L","required":true,"multiline":true,"pattern":"a|b","min":-1.5,"max":2,"min_length":1,"max_length":3,"custom":null,"accept_option_like_values":true,"confirm":"Sure?","danger":false}"#
    );
}

#[test]
fn ini_text_becomes_the_type_of_its_key() {
    let instance = Instance::new().file_with_mode("scripts/s.sh", "", 0o500).file(
        "config/scripts/s.ini",
        "[scripts]\ns.sh=s\n[s]\npath=scripts/s.sh\nargs=l\n[l]\n--N=a\n[a]\nrequired=true\n\
         min=-5\nmax=0.5\nmax_length=3\npredefined_values=x, y\nlist=false\ninput\n\
         javascript_section=j\n[j]\nTitle=t\nautofocus\n",
    );

    let argument = first(&instance);

    assert_eq!(argument.name, "--n");
    assert_eq!((argument.restrictions.min, argument.restrictions.max), (Some(-5.0), Some(0.5)));
    assert_eq!(argument.choices.unwrap(), ["x", "y"]);
    assert_eq!((argument.list, argument.input), (Some(false), None));
    assert_eq!(json!(argument.javascript_attributes), json!({"title": "t", "autofocus": null}));
    assert_eq!(
        json!(argument.custom),
        json!({"required": true, "min": -5, "max": 0.5, "max_length": 3})
    );
}

#[test]
fn a_text_area_has_several_lines() {
    assert!(first(&Instance::new().argument(&json!({"html_type": "textarea"}))).multiline);
}

#[test]
fn two_arguments_may_share_a_section() {
    let instance = Instance::new().sections(
        &json!({"args": "list"}),
        &json!({"list": {"b": "shared", "a": "shared"}, "shared": {"label": "L", "odd": 1}}),
    );

    let loaded = instance.loaded();

    let names: Vec<&str> = loaded
        .catalogue
        .iter()
        .flat_map(|script| script.arguments.iter())
        .map(|argument| argument.name.as_str())
        .collect();
    assert_eq!(names, ["b", "a"]);
    assert_eq!(loaded.warnings.len(), 1);
}

#[test]
fn the_public_description_is_that_of_the_reference() {
    let instance = Instance::new().sections(
        &json!({"args": "list", "other_key": "custom", "secrets": {"token": "top"}}),
        &json!({
            "list": {"first": "arg"},
            "arg": {"description": "d", "javascript_section": "attributes", "predefined_values": ["a"]},
            "attributes": {"title": "t"},
        }),
    );
    let loaded = instance.loaded();

    let description = describe(loaded.catalogue.iter().next().unwrap());

    assert_eq!(
        serde_json::to_string(&description).unwrap(),
        r#"{"documentation_content_type":"text/html","stderr_content_type":"text/plain","content_type":"text/plain","description":null,"category":"","other_key":"custom","name":"s.sh","args":[{"javascript_attributs":{"title":"t"},"default_value":null,"is_advanced":false,"html_type":"text","description":"d","example":null,"input":null,"predefined_values":["a"],"javascript_section":"attributes","name":"first"}]}"#
    );
}

#[test]
fn a_pattern_matches_the_whole_value() {
    let pattern = |text: &str| {
        let argument = first(&Instance::new().argument(&json!({"pattern": text})));
        argument.restrictions.pattern.unwrap()
    };

    let either = pattern("a|bc");
    assert!(either.is_match("a") && either.is_match("bc"));
    assert!(!either.is_match("ab") && !either.is_match("abc") && !either.is_match("a\n"));
    assert!(pattern("^x$").is_match("x"));
}

#[test]
fn a_pattern_that_is_none_or_too_large_is_refused() {
    let help = "back references and look-around do not exist here";
    for (pattern, reason) in [
        ("(a", "this is no regular expression: unclosed group"),
        ("a)|(b", "this is no regular expression: unopened group"),
        ("(?x)a#", "this is no regular expression: unclosed group"),
        (r"(a)\1", "this is no regular expression: backreferences are not supported"),
        (r"(\p{L}{1000}){1000}", "the pattern is too large"),
    ] {
        assert_eq!(
            refusal(&json!({"pattern": pattern})),
            format!("[argument] pattern: {reason}; {help}")
        );
    }
}

#[test]
fn limits_that_no_value_fits_are_refused() {
    assert_eq!(
        refusal(&json!({"min": 2, "max": 1})),
        "[argument] min: `min` is larger than `max`: no value fits; exchange them"
    );
    assert_eq!(
        refusal(&json!({"min_length": "2", "max_length": "1"})),
        "[argument] min_length: `min_length` is larger than `max_length`: no value fits; exchange \
         them"
    );
}

#[test]
fn wrong_types_are_refused() {
    for (keys, expected) in [
        (
            json!({"required": 1}),
            "required: `1` is neither `true` nor `false`; write `true` or `false`",
        ),
        (json!({"min": "low"}), "min: `low` is no number; write a number such as 12, -3 or 0.5"),
        (json!({"max": "inf"}), "max: `inf` is no number; write a number such as 12, -3 or 0.5"),
        (
            json!({"max_length": -1}),
            "max_length: `-1` is negative; write a whole number from 0 to 1099511627776",
        ),
        (
            json!({"predefined_values": [null]}),
            "predefined_values: the list holds `null`; write texts or numbers in the list",
        ),
        (
            json!({"javascript_attributs": []}),
            "javascript_attributs: a list is no object; write a JSON object",
        ),
    ] {
        assert_eq!(refusal(&keys), format!("[argument] {expected}"));
    }
}

#[test]
fn sections_of_arguments_must_be_there() {
    let missing = "write the section into the same file, or correct the name";
    let instance = Instance::new().sections(&json!({"args": "no"}), &json!({}));
    assert_eq!(
        instance.errors(),
        [format!("config/scripts/s.json:6: [script] args: there is no section `no`; {missing}")]
    );

    let instance =
        Instance::new().sections(&json!({"args": "list"}), &json!({"list": {"a": "no", "b": {}}}));
    assert_eq!(
        instance.errors(),
        [
            format!("config/scripts/s.json:10: [list] a: there is no section `no`; {missing}"),
            "config/scripts/s.json:11: [list] b: the value is no name of a section; write the name \
             of a section of this file"
                .to_owned(),
        ]
    );
    assert_eq!(
        refusal(&json!({"javascript_section": "no"})),
        format!("[argument] javascript_section: there is no section `no`; {missing}")
    );
}

#[test]
fn what_cannot_do_what_was_meant_gives_a_warning() {
    for (keys, expected) in [
        (
            json!({"html_type": "slider"}),
            "html_type: `slider` is not known and shown as text; write a type of HTML inputs, such \
             as `text`, `number` or `date`",
        ),
        (
            json!({"predefined_values": []}),
            "predefined_values: the list is empty: no value is accepted; write the choices",
        ),
        (
            json!({"predefined_values": ["a"], "default_value": "b"}),
            "default_value: the value is none of `predefined_values`; write one of them",
        ),
        (json!({"lable": "x"}), "lable: this key is not known; did you mean `label`?"),
    ] {
        assert_eq!(warning(&keys), format!("[argument] {expected}"));
    }
    let instance = Instance::new().sections(
        &json!({"args": "list"}),
        &json!({
            "list": {"--a": "arg"},
            "arg": {"input": true, "javascript_section": "attributes", "name": "x"},
            "attributes": {"onClick": "alert()"},
        }),
    );
    let warnings: Vec<String> = instance
        .warnings()
        .iter()
        .map(|warning| warning.split_once(": ").unwrap().1.to_owned())
        .collect();
    assert_eq!(
        warnings,
        [
            "[arg] name: this key is not known; it is kept: clients see it",
            "[arg] name: the name comes from the section `args`; the value is ignored; remove the \
             key",
            "[attributes] onClick: handlers of events do not run: the security policy of pages \
             forbids them; remove the attribute",
            "[arg] input: `--a` is an option, which never goes to standard input; give the argument \
             a name without `-`",
        ]
    );
}
