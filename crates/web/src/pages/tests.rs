use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use serde_json::{Map, Value, json};
use webscripts_app::runs::{Can, Outlook, RunView};
use webscripts_domain::catalogue::{AccessRule, Argument, Restrictions, Script, ScriptName};
use webscripts_domain::clock::Timestamp;
use webscripts_domain::identity::UserId;
use webscripts_domain::run::{
    Outcome, Printed, RecordedArgument, RecordedValue, RunEnd, RunId, RunRecord, RunState,
    StartedVia, Usage,
};

use super::{
    AboutPage, CategoryView, Control, DocumentationPage, ErrorPage, FieldView, FilterLink,
    IndexPage, NavEntry, Prefill, RunPage, RunsFilter, RunsPage, ScriptEntry, ScriptPage,
    ScriptView, Shell, SignInPage, Suggestion, Theme, UserView, refused_attributes,
};

/// Text that would do something if a template did not escape it.
const HOSTILE: &str = r#""><script>alert(1)</script><img src=x onerror="alert(1)">' style='x"#;

fn argument(name: &str, keys: Value) -> Argument {
    let Value::Object(keys) = keys else { panic!("keys are an object") };
    let text = |key: &str| keys.get(key).and_then(Value::as_str).map(str::to_owned);
    let is = |key: &str| keys.get(key).and_then(Value::as_bool);
    let choices = keys.get("predefined_values").and_then(Value::as_array).map(|values| {
        values.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    });
    Argument {
        name: name.to_owned(),
        html_type: text("html_type").unwrap_or_else(|| "text".to_owned()),
        label: text("label"),
        description: text("description"),
        example: keys.get("example").cloned(),
        default_value: keys.get("default_value").cloned(),
        choices,
        list: is("list"),
        input: is("input"),
        advanced: is("is_advanced").unwrap_or_default(),
        secret: false,
        multiline: is("multiline").unwrap_or_default(),
        restrictions: Restrictions {
            required: is("required").unwrap_or_default(),
            min: keys.get("min").and_then(Value::as_f64),
            max: keys.get("max").and_then(Value::as_f64),
            ..Restrictions::default()
        },
        javascript_section: None,
        javascript_attributes: keys
            .get("attributes")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default(),
        custom: Map::new(),
    }
}

fn script(label: &str, arguments: Vec<Argument>) -> Script {
    Script {
        name: ScriptName::parse("a script.py").unwrap(),
        path: PathBuf::new(),
        launcher: None,
        label: Some(label.to_owned()),
        description: Some(label.to_owned()),
        category: label.to_owned(),
        content_type: "text/csv".to_owned(),
        stderr_content_type: "text/plain".to_owned(),
        timeout: Some(Duration::from_secs(90)),
        real_time: true,
        no_password: false,
        access: AccessRule::default(),
        documentation_file: None,
        documentation_content_type: "text/html".to_owned(),
        documentation_command: None,
        confirm: Some(label.to_owned()),
        danger: true,
        accept_undeclared: false,
        accept_option_like: false,
        arguments,
        runs: webscripts_domain::catalogue::RunRules::default(),
        custom: Map::new(),
        secrets: None,
        declared_in: PathBuf::new(),
    }
}

fn shell(text: &str) -> Shell {
    Shell {
        product: text.to_owned(),
        base: "../../".to_owned(),
        user: Some(UserView { name: text.to_owned() }),
        theme: Theme::Dark,
        request_id: text.to_owned(),
        csrf_token: text.to_owned(),
        nav: vec![NavEntry { label: text.to_owned(), href: "web/".to_owned(), current: true }],
        version: text.to_owned(),
    }
}

/// One argument of every kind, all their texts being `text`.
fn every_kind(text: &str) -> Vec<Argument> {
    let kinds = [
        "text", "textarea", "number", "range", "password", "checkbox", "date", "color", "hidden",
        "file", "email", "made-up",
    ];
    let mut arguments: Vec<Argument> = kinds
        .iter()
        .map(|kind| {
            argument(
                &format!("{text}{kind}"),
                json!({
                    "html_type": kind, "label": text, "description": text, "example": text,
                    "default_value": text, "required": true, "input": true,
                    "attributes": {
                        "onclick": text, "STYLE": text, "formaction": text, "id": text, "type": text,
                        "title": text, "placeholder": text, "data-x": text, "data-\"><b>": text,
                        "list": [text], "src": text,
                    },
                }),
            )
        })
        .collect();
    let many: Vec<String> = (0..12).map(|number| format!("{text}{number}")).collect();
    for (name, keys) in [
        ("radio", json!({"html_type": "radio", "predefined_values": [text, "b"]})),
        ("few", json!({"predefined_values": [text, "b"]})),
        ("select", json!({"predefined_values": many, "default_value": text})),
        ("boxes", json!({"predefined_values": [text, "b"], "list": true})),
        ("many", json!({"predefined_values": many, "list": true, "is_advanced": true})),
        ("rows", json!({"list": true, "label": text, "default_value": [text, text]})),
    ] {
        arguments.push(argument(&format!("{text}{name}"), keys));
    }
    arguments
}

/// A run of a script, all texts being `text`; it waits or is over.
fn run(text: &str, is_over: bool) -> RunView {
    let argument = |name: &str, value| RecordedArgument {
        name: name.to_owned(),
        value,
        input: true,
        cut: true,
    };
    let json = serde_json::to_string(text).unwrap();
    let end = RunEnd {
        outcome: Outcome::Exited(3),
        took: Duration::from_millis(449),
        usage: Usage { cpu: Duration::from_millis(120), peak_memory: 8_400_000 },
        printed: Printed { stdout: 4_200, stderr: 0, dropped: 0 },
    };
    let id = RunId::new(Timestamp::UNIX_EPOCH, [7; 10]);
    let record = RunRecord {
        id,
        script: text.to_owned(),
        arguments: vec![
            argument(text, RecordedValue::Json(json)),
            argument("--password", RecordedValue::Secret),
        ],
        user: UserId(2),
        user_name: text.to_owned(),
        address: std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
        via: StartedVia::Again(id),
        terminal: None,
        state: if is_over { RunState::Failed } else { RunState::Queued },
        created: Timestamp::UNIX_EPOCH,
        started: is_over.then_some(Timestamp::UNIX_EPOCH),
        ended: is_over.then_some(Timestamp::UNIX_EPOCH),
        end: is_over.then_some(end),
        reason: is_over.then(|| text.to_owned()),
        output_expired: is_over,
    };
    RunView {
        printed: end.printed,
        queue_position: (!is_over).then_some(2),
        script: Some(Arc::new(script(text, every_kind(text)))),
        can: Can {
            stop: !is_over,
            delete: is_over,
            again: is_over,
            input: false,
            open_script: true,
        },
        outlook: Outlook::default(),
        record,
    }
}

/// The history of one run that is over and one that waits.
fn history(text: &str) -> RunsPage {
    let filter = RunsFilter { text: text.to_owned(), mine: true, ..RunsFilter::default() };
    let mut page = RunsPage::new(
        shell(text),
        filter,
        &[run(text, false), run(text, true)],
        Timestamp::UNIX_EPOCH,
    )
    .with_next(Some(RunId::new(Timestamp::UNIX_EPOCH, [8; 10])));
    page.scripts = vec![(text.to_owned(), text.to_owned())];
    page.administrator = true;
    page.keep_days = Some(30);
    page
}

/// Every page, all texts of its data being `text`.
fn every_page(text: &str) -> Vec<(&'static str, String)> {
    let script = script(text, every_kind(text));
    let fields = |script: &Script| {
        let each = script.arguments.iter().enumerate();
        each.map(|(at, each)| FieldView::from_argument(at, each, &Prefill::default())).collect()
    };
    let entry = ScriptEntry {
        name: text.to_owned(),
        label: text.to_owned(),
        description: Some(text.to_owned()),
        badges: vec![text.to_owned()],
        has_doc: true,
        hidden: false,
    };
    let section =
        CategoryView { name: text.to_owned(), scripts: vec![entry; 2], ..CategoryView::default() };
    let mut error = ErrorPage::new(shell(text), 404);
    error.suggestions.push(Suggestion { name: text.to_owned(), label: text.to_owned() });
    text.clone_into(&mut error.sentence);
    let prefill = Prefill::parse("unknown%3Cscript%3E=1&unknown=2");
    let documentation = DocumentationPage {
        shell: shell(text),
        script: ScriptView::new(&script, true),
        document: None,
        notice: Some(text.to_owned()),
        fields: fields(&script),
    };
    let frame = DocumentationPage {
        document: Some("web/doc/a%20script.py?frame".to_owned()),
        ..documentation.clone()
    };
    let sign_in = SignInPage {
        shell: shell(text),
        fields: SignInPage::built_in_fields(),
        message: Some(text.to_owned()),
        next: Some(text.to_owned()),
        insecure_warning: true,
        already: Some(text.to_owned()),
    };
    let index = IndexPage::new(shell(text), text, "", vec![section.clone(), section]);
    vec![
        ("sign-in", sign_in.render().unwrap()),
        ("index", index.render().unwrap()),
        ("empty index", IndexPage::new(shell(text), "", "", Vec::new()).render().unwrap()),
        ("script", ScriptPage::new(shell(text), &script, true, &prefill).render().unwrap()),
        ("error", error.render().unwrap()),
        ("documentation", documentation.render().unwrap()),
        ("documentation frame", frame.render().unwrap()),
        ("history", history(text).render().unwrap()),
        (
            "empty history",
            RunsPage::new(shell(text), RunsFilter::default(), &[], Timestamp::UNIX_EPOCH)
                .render()
                .unwrap(),
        ),
        (
            "waiting run",
            RunPage::new(shell(text), &run(text, false), Timestamp::UNIX_EPOCH).render().unwrap(),
        ),
        (
            "run",
            RunPage::new(shell(text), &run(text, true), Timestamp::UNIX_EPOCH).render().unwrap(),
        ),
        ("about", AboutPage { shell: shell(text) }.render().unwrap()),
    ]
}

/// The tags of a page: what stands between `<` and `>`, values of attributes left out.
fn tags(page: &str) -> Vec<String> {
    let mut tags = Vec::new();
    let mut tag: Option<String> = None;
    let mut is_quoted = false;
    for character in page.chars() {
        match (&mut tag, character) {
            (None, '<') => tag = Some(String::new()),
            (Some(_), '"') => is_quoted = !is_quoted,
            (Some(text), '>') if !is_quoted => {
                tags.push(std::mem::take(text).to_ascii_lowercase());
                tag = None;
            }
            (Some(text), other) if !is_quoted => text.push(other),
            _ => {}
        }
    }
    tags
}

#[test]
fn hostile_data_adds_no_element_and_no_attribute_to_any_page() {
    for ((name, plain), (_, hostile)) in every_page("x").iter().zip(every_page(HOSTILE)) {
        assert_eq!(tags(plain), tags(&hostile), "{name}");
        assert!(!hostile.contains("<script>alert") && !hostile.contains("<img"), "{name}");
    }
}

#[test]
fn no_page_holds_a_script_a_style_or_a_handler() {
    for (name, page) in every_page(HOSTILE) {
        for tag in tags(&page) {
            let mut words = tag.split_whitespace();
            let element = words.next().unwrap();
            let attributes: Vec<&str> = words.collect();
            let has = |start: &str| attributes.iter().any(|each| each.starts_with(start));
            assert!(element != "style" && !has("style") && !has("on"), "{name}: {tag}");
            assert!(element != "script" || has("src="), "{name}: {tag}");
            assert!(!has("formaction") && !has("srcdoc"), "{name}: {tag}");
        }
    }
}

#[test]
fn ids_are_unique_and_every_reference_to_one_leads_somewhere() {
    for (name, page) in every_page("x") {
        let values = |attribute: &str| -> Vec<String> {
            let mark = format!(" {attribute}=\"");
            page.split(&mark)
                .skip(1)
                .map(|rest| rest.split('"').next().unwrap().to_owned())
                .collect()
        };
        let ids = values("id");
        for id in &ids {
            assert_eq!(ids.iter().filter(|each| *each == id).count(), 1, "{name}: {id}");
        }
        for attribute in ["for", "aria-labelledby", "aria-describedby", "list", "popovertarget"] {
            for id in values(attribute).iter().flat_map(|value| value.split(' ')) {
                assert!(ids.iter().any(|each| each == id), "{name}: {attribute}={id}");
            }
        }
    }
}

#[test]
fn addresses_of_a_page_are_relative_and_its_assets_exist() {
    for (name, page) in every_page("x") {
        for attribute in [" href=\"", " src=\""] {
            for rest in page.split(attribute).skip(1) {
                let address = rest.split('"').next().unwrap();
                let is_ours = ["../../web/", "../../api/runs/", "#"]
                    .iter()
                    .any(|start| address.starts_with(start));
                assert!(is_ours, "{address}");
                if let Some(asset) = address.strip_prefix("../../web/assets/") {
                    let (version, file) = asset.split_once('/').unwrap();
                    let file = file.split('#').next().unwrap();
                    assert!(crate::assets::find(version, file).is_some(), "{name}: {address}");
                }
            }
        }
    }
}

#[test]
fn every_icon_of_a_page_is_in_the_sprite() {
    let address = crate::assets::address("img/icons.svg");
    let (version, file) = address.strip_prefix("web/assets/").unwrap().split_once('/').unwrap();
    let sprite = crate::assets::find(version, file).unwrap();
    let sprite = std::str::from_utf8(sprite.body(crate::assets::Encoding::Identity)).unwrap();
    for (name, page) in every_page("x") {
        for rest in page.split("icons.svg#").skip(1) {
            let icon = rest.split('"').next().unwrap();
            assert!(sprite.contains(&format!("id=\"{icon}\"")), "{name}: {icon}");
        }
    }
}

fn control(keys: Value, query: &str) -> Control {
    FieldView::from_argument(0, &argument("--name", keys), &Prefill::parse(query)).control
}

#[test]
fn kinds_of_arguments_get_their_controls() {
    let value = String::new;
    let cases = [
        (json!({}), Control::Line { kind: "text", value: value() }),
        (json!({"html_type": "unknown"}), Control::Line { kind: "text", value: value() }),
        (json!({"html_type": "week"}), Control::Line { kind: "week", value: value() }),
        (json!({"html_type": "number"}), Control::Number { value: value() }),
        (json!({"html_type": "range"}), Control::Range { value: value() }),
        (json!({"multiline": true}), Control::Area { value: value(), rows: 4 }),
        (json!({"html_type": "password", "default_value": "x"}), Control::Password),
        (json!({"html_type": "checkbox"}), Control::Checkbox { checked: false }),
        (json!({"html_type": "file"}), Control::File { multiple: false }),
        (json!({"html_type": "file", "list": true}), Control::File { multiple: true }),
        (json!({"html_type": "hidden", "default_value": 1}), Control::Hidden { value: "1".into() }),
        (json!({"list": true}), Control::Rows { kind: "text", values: vec![value()] }),
    ];
    for (keys, expected) in cases {
        assert_eq!(control(keys.clone(), ""), expected, "{keys}");
    }
}

#[test]
fn few_choices_are_all_shown_and_more_become_a_list() {
    let few = json!({"predefined_values": ["a", "b"], "default_value": "b"});
    let Control::Radio { choices, inline: true } = control(few, "") else { panic!() };
    assert_eq!(choices.iter().map(|each| each.selected).collect::<Vec<_>>(), [false, true]);

    let more = json!({"predefined_values": ["a", "b", "c", "d", "e", "f"]});
    let Control::Select { choices, placeholder: true } = control(more, "--name=c") else {
        panic!()
    };
    assert!(choices[2].selected);
}

#[test]
fn a_choice_that_may_be_missing_can_be_taken_back() {
    let optional = json!({"predefined_values": ["a", "b"]});
    let Control::Radio { choices, .. } = control(optional, "") else { panic!() };
    assert_eq!((choices[0].label.as_str(), choices[0].value.as_str()), ("Not set", ""));
    assert!(choices[0].selected);

    let required = json!({"predefined_values": ["a", "b"], "required": true});
    let Control::Radio { choices, .. } = control(required, "") else { panic!() };
    assert_eq!(choices.len(), 2);
}

#[test]
fn the_address_fills_fields_but_never_secrets_files_and_hidden_values() {
    assert_eq!(
        control(json!({"default_value": "x"}), "--name=a%2Bb+c"),
        Control::Line { kind: "text", value: "a+b c".to_owned() }
    );
    assert_eq!(
        control(json!({"list": true}), "--name=a&--name=b"),
        Control::Rows { kind: "text", values: vec!["a".to_owned(), "b".to_owned()] }
    );
    assert_eq!(
        control(json!({"html_type": "checkbox"}), "--name=on"),
        Control::Checkbox { checked: true }
    );
    assert_eq!(
        control(json!({"html_type": "checkbox", "default_value": true}), "--name=off"),
        Control::Checkbox { checked: false }
    );
    assert_eq!(
        control(json!({"html_type": "hidden", "default_value": "x"}), "--name=y"),
        Control::Hidden { value: "x".to_owned() }
    );
    assert_eq!(control(json!({"html_type": "password"}), "--name=y"), Control::Password);
}

#[test]
fn names_in_the_address_that_fill_nothing_are_told() {
    let script = script(
        "x",
        vec![argument("a", json!({})), { argument("b", json!({"html_type": "password"})) }],
    );
    let page = ScriptPage::new(shell("x"), &script, false, &Prefill::parse("a=1&b=2&c=3&c=4"));

    assert_eq!(page.unknown, ["b", "c"]);
    assert_eq!(page.filled(), ["A"]);
}

#[test]
fn an_advanced_argument_in_the_address_opens_its_part() {
    let script = script("x", vec![argument("a", json!({"is_advanced": true}))]);

    assert!(!ScriptPage::new(shell("x"), &script, false, &Prefill::default()).advanced_open());
    assert!(ScriptPage::new(shell("x"), &script, false, &Prefill::parse("a=1")).advanced_open());
}

#[test]
fn attributes_that_could_act_are_refused() {
    let keys = json!({"attributes": {
        "min": "1", "onclick": "x", "Style": "x", "formaction": "x", "name": "x", "data-ok": "1",
        "data-ws-pattern": "x", "title": "t", "disabled": true, "readonly": "false",
    }});
    let argument = argument("n", keys);

    assert_eq!(
        refused_attributes(&argument),
        ["onclick", "Style", "formaction", "name", "data-ws-pattern"]
    );
    let field = FieldView::from_argument(0, &argument, &Prefill::default());
    let names: Vec<&str> = field.attributes.iter().map(|each| each.name.as_str()).collect();
    assert_eq!(names, ["min", "data-ok", "disabled"]);
}

#[test]
fn names_become_labels() {
    for (name, label) in [("--max-age", "Max age"), ("file_name", "File name"), ("--", "--")] {
        let field = FieldView::from_argument(0, &argument(name, json!({})), &Prefill::default());
        assert_eq!(field.label, label);
    }
}

#[test]
fn the_fields_of_an_authentication_script_help_password_managers() {
    let page = |name: &str| {
        FieldView::for_sign_in(0, &argument(name, json!({"html_type": "text"}))).render().unwrap()
    };

    let user = page("--username");
    assert!(user.contains(">User name</label>") && user.contains("autocomplete=\"username\""));
    assert!(page("--password").contains("autocomplete=\"current-password\""));
}

#[test]
fn the_filter_joins_words_and_ignores_case_and_accents() {
    let entry = |label: &str, description: &str| ScriptEntry {
        label: label.to_owned(),
        description: Some(description.to_owned()),
        ..ScriptEntry::default()
    };
    let sections = |query: &str| {
        let section = CategoryView {
            name: "Réseau".to_owned(),
            scripts: vec![entry("Subnet", "of an address"), entry("Ping", "a host")],
            ..CategoryView::default()
        };
        let page = IndexPage::new(shell("x"), query, "", vec![section]);
        (page.shown, page.categories[0].hidden)
    };

    assert_eq!(sections(""), (2, false));
    assert_eq!(sections("RESEAU"), (2, false));
    assert_eq!(sections("host réseau"), (1, false));
    assert_eq!(sections("host subnet"), (0, true));
}

#[test]
fn scripts_without_a_category_are_shown_when_they_are_looked_for() {
    let other = || CategoryView {
        name: "Other".to_owned(),
        scripts: vec![ScriptEntry { label: "Hidden".to_owned(), ..ScriptEntry::default() }],
        uncategorised: true,
        ..CategoryView::default()
    };
    let shown =
        |query: &str, category| IndexPage::new(shell("x"), query, category, vec![other()]).shown;

    assert_eq!([shown("", ""), shown("hid", ""), shown("", "Other"), shown("x", "")], [0, 1, 1, 0]);
}

#[test]
fn limits_are_told_in_words() {
    let text = |seconds| {
        let mut script = script("x", Vec::new());
        script.timeout = Some(Duration::from_secs(seconds));
        ScriptView::new(&script, false).timeout_text().unwrap()
    };

    assert_eq!([90, 600, 7200, 150].map(text), ["90 s", "10 min", "2 h", "2 min 30 s"]);
}

#[test]
fn filters_of_the_history_are_kept_in_its_addresses() {
    let filter = RunsFilter::read(&Prefill::parse(
        "state=failed&script=a%20b.py&q=x%26y&period=7d&mine=true&cursor=1&other=2",
    ));
    let page = RunsPage::new(shell("x"), filter, &[], Timestamp::UNIX_EPOCH);

    assert_eq!(page.filter.query(), "state=failed&script=a%20b%2Epy&q=x%26y&period=7d&mine=true");
    assert_eq!(page.whose(false), "state=failed&script=a%20b%2Epy&q=x%26y&period=7d");
    let chosen = |links: Vec<FilterLink>| {
        links.into_iter().filter(|link| link.current).map(|link| link.label).collect::<Vec<_>>()
    };
    assert_eq!(chosen(page.states()), ["Failed"]);
    assert_eq!(chosen(page.periods()), ["Last 7 days"]);
    assert_eq!(page.filter.states(), Some(vec![RunState::Failed]));
    let unknown = RunsFilter { state: "running,odd".to_owned(), ..RunsFilter::default() };
    assert_eq!(unknown.states(), None);
}

#[test]
fn the_page_of_a_run_shows_secrets_as_dots() {
    let page = RunPage::new(shell("x"), &run("x", true), Timestamp::UNIX_EPOCH);

    let shown: Vec<_> =
        page.arguments.iter().map(|each| (each.label.as_str(), each.value.as_str())).collect();
    assert_eq!(shown, [("X", "x…"), ("Password", "••••••")]);
    assert_eq!((page.run.exit.as_str(), page.run.duration.as_str()), ("exit 3", "0.4 s"));
}
