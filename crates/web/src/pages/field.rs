//! The control of an argument (web-ui.md B6.3).

use askama::Template;
use askama::filters::HtmlSafe;
use serde_json::Value;
use webscripts_domain::catalogue::Argument;

use super::attributes::{allowed_attributes, configured, is_set, text};
use super::prefill::Prefill;
use super::words::humanise;

/// Up to this many choices are all shown; more become a list to open.
const FEW_CHOICES: usize = 5;
/// Up to this many letters of choices stand side by side.
const SHORT_CHOICES: usize = 36;
/// Up to this many boxes are shown without a frame that scrolls.
const FEW_BOXES: usize = 8;
/// Most lines of a text area before it scrolls.
const MAX_ROWS: usize = 12;

/// A configured attribute of a control; the name is one of a short list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Name in small letters.
    pub name: String,
    /// Value; `None`: the attribute stands alone.
    pub value: Option<String>,
}

/// Attributes, displayed as markup with a space in front of each.
#[derive(Debug, Template)]
#[template(
    source = r#"{% for each in list %} {{ each.name }}{% if let Some(value) = each.value %}="{{ value }}"{% endif %}{% endfor %}"#,
    ext = "html"
)]
struct Attributes {
    list: Vec<Attribute>,
}

// The template escapes every value; names come from a list of allowed ones.
impl HtmlSafe for Attributes {}

/// One of several values to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is shown.
    pub label: String,
    /// Whether it is chosen at first.
    pub selected: bool,
}

/// What a value is entered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// `<input>` of a kind that holds text or has a native picker.
    Line {
        /// Value of `type`.
        kind: &'static str,
        /// Value at first.
        value: String,
    },
    /// Number with steps.
    Number {
        /// Value at first.
        value: String,
    },
    /// Slider with a read-out.
    Range {
        /// Value at first; empty: the middle.
        value: String,
    },
    /// Text on several lines.
    Area {
        /// Value at first.
        value: String,
        /// Lines shown at first.
        rows: usize,
    },
    /// Secret text; never filled in.
    Password,
    /// Yes or no.
    Checkbox {
        /// Whether it is ticked at first.
        checked: bool,
    },
    /// Not shown; the value is sent.
    Hidden {
        /// The value.
        value: String,
    },
    /// File, sent in Base64.
    File {
        /// Whether several may be chosen.
        multiple: bool,
    },
    /// One of a few values, all shown.
    Radio {
        /// The values.
        choices: Vec<Choice>,
        /// Whether they stand side by side.
        inline: bool,
    },
    /// One of many values.
    Select {
        /// The values.
        choices: Vec<Choice>,
        /// Whether nothing is chosen at first.
        placeholder: bool,
    },
    /// Several of given values.
    Boxes {
        /// The values.
        choices: Vec<Choice>,
        /// Whether there are too many to show them all at once.
        many: bool,
    },
    /// Several values of any text, one row each.
    Rows {
        /// Value of `type` of each row.
        kind: &'static str,
        /// Values at first; at least one, perhaps empty.
        values: Vec<String>,
    },
}

/// An argument with its control, labels and help. Displays as its own markup.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "field.html")]
#[expect(clippy::struct_excessive_bools, reason = "independent marks of a field")]
pub struct FieldView {
    /// Id of the control in the page, never made from the name of the argument.
    pub id: String,
    /// Name of the argument.
    pub name: String,
    /// Name for people.
    pub label: String,
    /// Help text.
    pub description: Option<String>,
    /// An example to show.
    pub example: Option<String>,
    /// What the form of the value is, in words, for the message when it does not fit.
    pub form_hint: Option<String>,
    /// The control.
    pub control: Control,
    /// Whether a value must be given.
    pub required: bool,
    /// Whether the value must never be shown, stored or put into a link.
    pub secret: bool,
    /// Whether the value goes to standard input.
    pub stdin: bool,
    /// Whether the value comes from the address.
    pub prefilled: bool,
    /// Whether the name of the argument and the marks are shown.
    pub technical: bool,
    /// Further attributes of the control.
    pub attributes: Vec<Attribute>,
    /// Values to suggest.
    pub suggestions: Vec<String>,
}

// The template escapes every value itself.
impl HtmlSafe for FieldView {}

impl FieldView {
    /// The field of the argument at `position` of its script, with values from the address.
    pub fn from_argument(position: usize, argument: &Argument, prefill: &Prefill) -> Self {
        let given = prefill.values(&argument.name);
        let mut control = control(argument, &given);
        let attributes = attributes(argument, &control);
        if let Control::File { multiple } = &mut control {
            *multiple |= argument.is_list();
        }
        Self {
            id: format!("field-{position}"),
            name: argument.name.clone(),
            label: argument.label.clone().unwrap_or_else(|| humanise(&argument.name)),
            description: argument.description.clone().filter(|text| !text.trim().is_empty()),
            example: argument.example.as_ref().and_then(example).filter(|text| !text.is_empty()),
            form_hint: configured(argument, "title").and_then(text),
            required: argument.restrictions.required
                || configured(argument, "required").is_some_and(is_set),
            secret: argument.is_secret(),
            stdin: argument.is_input(),
            prefilled: accepts_links(argument) && !given.is_empty(),
            technical: true,
            suggestions: suggestions(argument),
            control,
            attributes,
        }
    }

    /// The field of an argument of the authentication script: well-known names get the label and
    /// the hints that password managers look for (web-ui.md B6.1).
    pub fn for_sign_in(position: usize, argument: &Argument) -> Self {
        let mut field = Self::from_argument(position, argument, &Prefill::default());
        let (label, autocomplete) = match argument.name.trim_start_matches('-') {
            "username" | "user" | "login" => (Some("User name"), "username"),
            "password" => (Some("Password"), "current-password"),
            "totp" | "otp" | "code" => (Some("One-time code"), "one-time-code"),
            _ => (None, "off"),
        };
        if let (Some(label), None) = (label, &argument.label) {
            label.clone_into(&mut field.label);
        }
        field.technical = false;
        field.set_attribute("autocomplete", autocomplete);
        field.set_attribute("autocapitalize", "none");
        field.set_attribute("spellcheck", "false");
        field
    }

    /// One of the two fields of the accounts built into the server.
    pub(super) fn built_in(position: usize, name: &str, label: &str, autocomplete: &str) -> Self {
        let secret = autocomplete == "current-password";
        let control = if secret {
            Control::Password
        } else {
            Control::Line { kind: "text", value: String::new() }
        };
        let mut field = Self {
            id: format!("field-{position}"),
            name: name.to_owned(),
            label: label.to_owned(),
            description: None,
            example: None,
            form_hint: None,
            control,
            required: true,
            secret,
            stdin: false,
            prefilled: false,
            technical: false,
            attributes: Vec::new(),
            suggestions: Vec::new(),
        };
        field.set_attribute("autocomplete", autocomplete);
        field.set_attribute("autocapitalize", "none");
        field.set_attribute("spellcheck", "false");
        field
    }

    fn set_attribute(&mut self, name: &str, value: &str) {
        self.attributes.retain(|attribute| attribute.name != name);
        self.attributes.push(Attribute { name: name.to_owned(), value: Some(value.to_owned()) });
    }

    /// Whether the field takes no room in the form.
    pub fn is_hidden(&self) -> bool {
        matches!(self.control, Control::Hidden { .. })
    }

    /// Whether several controls share one label.
    pub fn is_group(&self) -> bool {
        matches!(self.control, Control::Radio { .. } | Control::Boxes { .. } | Control::Rows { .. })
    }

    /// The role of a group for assistive technology.
    fn role(&self) -> &'static str {
        if matches!(self.control, Control::Radio { .. }) { "radiogroup" } else { "group" }
    }

    /// The attributes of the one control of the field.
    fn control_attributes(&self) -> Attributes {
        let mut list = vec![
            Attribute { name: "id".to_owned(), value: Some(self.id.clone()) },
            Attribute { name: "aria-describedby".to_owned(), value: Some(self.described_by()) },
        ];
        if self.required {
            list.push(Attribute { name: "required".to_owned(), value: None });
        }
        if !self.suggestions.is_empty() {
            let value = Some(format!("{}-list", self.id));
            list.push(Attribute { name: "list".to_owned(), value });
        }
        list.extend(self.member_attributes().list);
        Attributes { list }
    }

    /// The attributes of each control of a group.
    fn member_attributes(&self) -> Attributes {
        let mut list = vec![Attribute { name: "data-control".to_owned(), value: None }];
        let has_text = matches!(
            self.control,
            Control::Line { .. }
                | Control::Number { .. }
                | Control::Area { .. }
                | Control::Rows { .. }
        );
        let is_free = !self.attributes.iter().any(|each| each.name == "placeholder");
        if let (true, true, Some(example)) = (has_text, is_free, &self.example) {
            list.push(Attribute { name: "placeholder".to_owned(), value: Some(example.clone()) });
        }
        list.extend(self.attributes.iter().cloned());
        Attributes { list }
    }

    /// Ids of the texts that describe the control; the error is empty until there is one.
    pub fn described_by(&self) -> String {
        let mut ids = Vec::new();
        if self.description.is_some() {
            ids.push(format!("{}-help", self.id));
        }
        if self.example.is_some() {
            ids.push(format!("{}-example", self.id));
        }
        ids.push(format!("{}-error", self.id));
        ids.join(" ")
    }

    /// What is entered, in words.
    pub fn kind_text(&self) -> String {
        let values = |choices: &[Choice]| {
            choices.iter().map(|each| each.label.as_str()).collect::<Vec<_>>().join(", ")
        };
        match &self.control {
            Control::Line { kind, .. } => (*kind).to_owned(),
            Control::Number { .. } => "number".to_owned(),
            Control::Range { .. } => "number in a range".to_owned(),
            Control::Area { .. } => "text on several lines".to_owned(),
            Control::Password => "secret".to_owned(),
            Control::Checkbox { .. } => "yes or no".to_owned(),
            Control::Hidden { .. } => "fixed".to_owned(),
            Control::File { multiple: false } => "file".to_owned(),
            Control::File { multiple: true } => "files".to_owned(),
            Control::Radio { choices, .. } | Control::Select { choices, .. } => {
                format!("one of {}", values(choices))
            }
            Control::Boxes { choices, .. } => format!("some of {}", values(choices)),
            Control::Rows { kind, .. } => format!("list of {kind}"),
        }
    }

    /// The word by which scripts find out how to read the value.
    pub fn kind(&self) -> &'static str {
        match self.control {
            Control::Line { .. } | Control::Number { .. } => "line",
            Control::Range { .. } => "range",
            Control::Area { .. } => "area",
            Control::Password => "password",
            Control::Checkbox { .. } => "checkbox",
            Control::Hidden { .. } => "hidden",
            Control::File { .. } => "file",
            Control::Radio { .. } => "radio",
            Control::Select { .. } => "select",
            Control::Boxes { .. } => "boxes",
            Control::Rows { .. } => "rows",
        }
    }
}

/// Whether a value in the address may fill the argument: never what nobody would see.
pub(super) fn accepts_links(argument: &Argument) -> bool {
    argument.choices.is_some()
        || !matches!(argument.html_type.as_str(), "password" | "file" | "hidden")
}

fn control(argument: &Argument, given: &[&str]) -> Control {
    if let Some(choices) = &argument.choices {
        return chosen(argument, choices, given);
    }
    let value = || given.last().map_or_else(|| default_text(argument), |text| (*text).to_owned());
    match argument.html_type.as_str() {
        "password" => Control::Password,
        "file" => Control::File { multiple: configured(argument, "multiple").is_some_and(is_set) },
        "hidden" => Control::Hidden { value: default_text(argument) },
        "checkbox" => Control::Checkbox { checked: is_ticked(argument, given) },
        kind if argument.is_list() => rows(argument, given, line_kind(kind)),
        "number" => Control::Number { value: value() },
        "range" => Control::Range { value: value() },
        "textarea" => area(argument, value()),
        _ if argument.multiline => area(argument, value()),
        kind => Control::Line { kind: line_kind(kind), value: value() },
    }
}

/// `type` of an input; what is unknown is text.
fn line_kind(html_type: &str) -> &'static str {
    const KINDS: [&str; 12] = [
        "color",
        "date",
        "datetime-local",
        "email",
        "month",
        "number",
        "search",
        "tel",
        "text",
        "time",
        "url",
        "week",
    ];
    KINDS.into_iter().find(|kind| *kind == html_type).unwrap_or("text")
}

fn area(argument: &Argument, value: String) -> Control {
    let configured_rows = configured(argument, "rows").and_then(text).and_then(|t| t.parse().ok());
    let lines = value.lines().count().max(4);
    Control::Area { value, rows: configured_rows.unwrap_or(lines).clamp(2, MAX_ROWS) }
}

fn rows(argument: &Argument, given: &[&str], kind: &'static str) -> Control {
    let mut values = if given.is_empty() {
        default_texts(argument)
    } else {
        given.iter().map(|text| (*text).to_owned()).collect()
    };
    if values.is_empty() {
        values.push(String::new());
    }
    Control::Rows { kind, values }
}

fn chosen(argument: &Argument, choices: &[String], given: &[&str]) -> Control {
    let selected: Vec<String> = if given.is_empty() {
        default_texts(argument)
    } else {
        given.iter().map(|text| (*text).to_owned()).collect()
    };
    if argument.is_list() {
        let is_chosen = |value: &String| selected.contains(value);
        let choices: Vec<Choice> = choices.iter().map(|v| choice(v, is_chosen(v))).collect();
        return Control::Boxes { many: choices.len() > FEW_BOXES, choices };
    }
    // The last value of an address counts, as for text.
    let one = selected.iter().rfind(|value| choices.contains(value));
    let mut views: Vec<Choice> = choices.iter().map(|v| choice(v, one == Some(v))).collect();
    let may_be_empty = one.is_none() || default_texts(argument).is_empty();
    let is_radio = argument.html_type == "radio" || choices.len() <= FEW_CHOICES;
    if !is_radio {
        return Control::Select { choices: views, placeholder: may_be_empty };
    }
    if may_be_empty && !argument.restrictions.required {
        let label = "Not set".to_owned();
        views.insert(0, Choice { value: String::new(), label, selected: one.is_none() });
    }
    let letters: usize = views.iter().map(|view| view.label.chars().count() + 3).sum();
    Control::Radio { inline: letters <= SHORT_CHOICES, choices: views }
}

fn choice(value: &str, selected: bool) -> Choice {
    let label = if value.trim().is_empty() { "Empty" } else { value };
    Choice { value: value.to_owned(), label: label.to_owned(), selected }
}

fn is_ticked(argument: &Argument, given: &[&str]) -> bool {
    match given.last() {
        Some(word) => matches!(*word, "on" | "true" | "1" | "yes"),
        None => match &argument.default_value {
            Some(Value::Bool(ticked)) => *ticked,
            Some(Value::String(word)) => matches!(word.as_str(), "on" | "true"),
            _ => configured(argument, "checked").is_some_and(is_set),
        },
    }
}

fn default_text(argument: &Argument) -> String {
    default_texts(argument).into_iter().next().unwrap_or_default()
}

fn default_texts(argument: &Argument) -> Vec<String> {
    match &argument.default_value {
        Some(Value::Array(items)) => items.iter().filter_map(text).collect(),
        Some(single) => text(single).into_iter().collect(),
        None => Vec::new(),
    }
}

fn example(value: &Value) -> Option<String> {
    match value {
        Value::Array(items) => Some(items.iter().filter_map(text).collect::<Vec<_>>().join(", ")),
        single => text(single),
    }
}

fn suggestions(argument: &Argument) -> Vec<String> {
    match configured(argument, "list") {
        Some(Value::Array(items)) => items.iter().filter_map(text).collect(),
        _ => Vec::new(),
    }
}

/// The configured attributes, and the restrictions that browsers know.
fn attributes(argument: &Argument, control: &Control) -> Vec<Attribute> {
    let mut attributes = allowed_attributes(argument);
    let limits = &argument.restrictions;
    let is_number = matches!(control, Control::Number { .. } | Control::Range { .. })
        || matches!(control, Control::Rows { kind: "number", .. });
    let mut set = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            attributes.retain(|attribute| attribute.name != name);
            attributes.push(Attribute { name: name.to_owned(), value: Some(value) });
        }
    };
    if is_number {
        set("min", limits.min.map(|number| number.to_string()));
        set("max", limits.max.map(|number| number.to_string()));
    }
    set("minlength", limits.min_length.map(|count| count.to_string()));
    set("maxlength", limits.max_length.map(|count| count.to_string()));
    // The server has the last word on patterns: its syntax is not quite that of browsers, which
    // complain about a pattern they cannot read. The script of the page tries it.
    let written = argument.custom.get("pattern").and_then(text);
    let pattern = written.or_else(|| limits.pattern.as_ref().map(|p| p.as_str().to_owned()));
    let configured_pattern = configured(argument, "pattern").and_then(text);
    set("data-ws-pattern", pattern.or(configured_pattern));
    if !matches!(control, Control::Range { .. })
        && is_number
        && configured(argument, "step").is_none()
    {
        set("step", Some("any".to_owned()));
    }
    attributes.retain(|attribute| attribute.name != "pattern" && fits(control, &attribute.name));
    attributes
}

/// Whether an attribute means something on the control.
fn fits(control: &Control, name: &str) -> bool {
    match name {
        "rows" | "multiple" => false,
        "accept" => matches!(control, Control::File { .. }),
        "minlength" | "maxlength" | "placeholder" | "readonly" | "data-ws-pattern" => !matches!(
            control,
            Control::File { .. }
                | Control::Checkbox { .. }
                | Control::Radio { .. }
                | Control::Boxes { .. }
                | Control::Select { .. }
                | Control::Range { .. }
        ),
        _ => true,
    }
}
