//! From argument sections to arguments (scripts.md §3, spec/README.md decisions).

use regex::Regex;
use serde_json::{Map, Value};
use webscripts_domain::catalogue::{Argument, Restrictions, SecretsVia};

use super::{Declaration, Used, named_section, rules};
use crate::keys::ARGUMENT_KEYS;
use crate::load::Loader;
use crate::section::{Section, Sections};
use crate::typed::Typed;

/// Types of controls that pages have.
const HTML_TYPES: [&str; 22] = [
    "text",
    "textarea",
    "checkbox",
    "radio",
    "select",
    "file",
    "number",
    "range",
    "date",
    "time",
    "datetime-local",
    "month",
    "week",
    "color",
    "email",
    "url",
    "tel",
    "search",
    "password",
    "hidden",
    "button",
    "submit",
];

const UNKNOWN: &str = "it is kept: clients see it";

/// Reads the arguments of a script, in the order of its `args` section.
pub fn read(
    loader: &mut Loader,
    declared: &Declaration<'_>,
    script: &Typed<'_>,
    accept_option_like: bool,
    used: &mut Used,
) -> Vec<Argument> {
    let Some(name) = script.text_if_set("args").filter(|name| !name.is_empty()) else {
        return Vec::new();
    };
    used.insert(name.to_owned());
    let Some(list) = declared.sections.get(name) else {
        loader.report.error(
            script.spot("args"),
            format!("there is no section `{name}`"),
            "write the section into the same file, or correct the name",
        );
        return Vec::new();
    };
    let mut arguments = Vec::new();
    for entry in list.iter() {
        if entry.key.is_empty() || entry.key.contains('\0') {
            let message = "this is no name for an argument";
            loader.report.error(list.spot_of(entry), message, "write a name");
            continue;
        }
        let sections = declared.sections;
        if let Some(section) = named_section(loader, list, entry, sections, used) {
            let passes_secrets_apart = rules::secrets_via(script) != SecretsVia::Argv;
            let reader = Reader {
                name: &entry.key,
                section,
                sections,
                accept_option_like,
                passes_secrets_apart,
            };
            arguments.push(reader.read(loader, used));
        }
    }
    arguments
}

struct Reader<'a> {
    name: &'a str,
    section: &'a Section,
    sections: &'a Sections,
    accept_option_like: bool,
    /// Whether secrets are no words of the command line.
    passes_secrets_apart: bool,
}

impl Reader<'_> {
    fn read(&self, loader: &mut Loader, used: &mut Used) -> Argument {
        let keys = Typed::read(self.section, ARGUMENT_KEYS, UNKNOWN, &mut loader.report);
        let html_type = html_type(loader, &keys);
        let secret = keys.flag("secret");
        let is_secret = secret || html_type == "password";
        let javascript_section = keys.text_if_set("javascript_section").map(str::to_owned);
        let mut custom = keys.published();
        if custom.shift_remove("name").is_some() {
            let message = "the name comes from the section `args`; the value is ignored";
            loader.report.warning(keys.spot("name"), message, "remove the key");
        }
        let argument = Argument {
            name: self.name.to_owned(),
            label: keys.text_if_set("label").filter(|l| !l.is_empty()).map(str::to_owned),
            description: keys.text_if_set("description").map(str::to_owned),
            example: keys.value("example").cloned(),
            default_value: keys.value("default_value").cloned(),
            choices: keys.value("predefined_values").map(|_| keys.texts("predefined_values")),
            list: keys.flag_if_set("list"),
            input: keys.flag_if_set("input"),
            advanced: keys.flag("is_advanced"),
            secret,
            multiline: keys.flag("multiline") || html_type == "textarea",
            restrictions: self.restrictions(loader, &keys, is_secret),
            javascript_attributes: self.attributes(loader, &keys, used),
            javascript_section,
            html_type,
            custom,
        };
        check(loader, &keys, &argument);
        argument
    }

    fn restrictions(&self, loader: &mut Loader, keys: &Typed<'_>, is_secret: bool) -> Restrictions {
        let number = |name: &str| keys.value(name).and_then(Value::as_f64);
        let length = |name: &str| keys.whole_if_set(name).and_then(|n| usize::try_from(n).ok());
        let restrictions = Restrictions {
            required: keys.flag("required"),
            pattern: pattern(loader, keys),
            min: number("min"),
            max: number("max"),
            min_length: length("min_length"),
            max_length: length("max_length"),
            accept_option_like: keys
                .flag_if_set("accept_option_like_values")
                .unwrap_or(self.accept_option_like || (is_secret && self.passes_secrets_apart)),
        };
        let numbers_crossed =
            matches!((restrictions.min, restrictions.max), (Some(a), Some(b)) if a > b);
        let lengths_crossed = matches!(
            (restrictions.min_length, restrictions.max_length), (Some(a), Some(b)) if a > b
        );
        for (crossed, least, most) in
            [(numbers_crossed, "min", "max"), (lengths_crossed, "min_length", "max_length")]
        {
            if crossed {
                let message = format!("`{least}` is larger than `{most}`: no value fits");
                loader.report.error(keys.spot(least), message, "exchange them");
            }
        }
        restrictions
    }

    /// The attributes of the control: `javascript_section`, or `javascript_attributs` itself.
    fn attributes(
        &self,
        loader: &mut Loader,
        keys: &Typed<'_>,
        used: &mut Used,
    ) -> Map<String, Value> {
        let Some(name) = keys.text_if_set("javascript_section") else {
            let written = keys.value("javascript_attributs").and_then(Value::as_object);
            return written.cloned().unwrap_or_default();
        };
        used.insert(name.to_owned());
        let Some(section) = self.sections.get(name) else {
            loader.report.error(
                keys.spot("javascript_section"),
                format!("there is no section `{name}`"),
                "write the section into the same file, or correct the name",
            );
            return Map::new();
        };
        for entry in section.iter().filter(|entry| entry.key.to_lowercase().starts_with("on")) {
            loader.report.warning(
                section.spot_of(entry),
                "handlers of events do not run: the security policy of pages forbids them",
                "remove the attribute",
            );
        }
        section.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect()
    }
}

fn html_type(loader: &mut Loader, keys: &Typed<'_>) -> String {
    let written = keys.text("html_type");
    if !HTML_TYPES.contains(&written.as_str()) {
        loader.report.warning(
            keys.spot("html_type"),
            format!("`{}` is not known and shown as text", written.escape_debug()),
            "write a type of HTML inputs, such as `text`, `number` or `date`",
        );
    }
    written
}

fn pattern(loader: &mut Loader, keys: &Typed<'_>) -> Option<Regex> {
    let written = keys.text_if_set("pattern").filter(|pattern| !pattern.is_empty())?;
    match loader.patterns.compile(written) {
        Ok(pattern) => Some(pattern),
        Err(message) => {
            let help = "back references and look-around do not exist here";
            loader.report.error(keys.spot("pattern"), message, help);
            None
        }
    }
}

/// Combinations that cannot do what was meant.
fn check(loader: &mut Loader, keys: &Typed<'_>, argument: &Argument) {
    if argument.input == Some(true) && argument.is_option() {
        loader.report.warning(
            keys.spot("input"),
            format!("`{}` is an option, which never goes to standard input", argument.name),
            "give the argument a name without `-`",
        );
    }
    if argument.secret && argument.html_type == "checkbox" && argument.choices.is_none() {
        let message = "a box holds no value that could be secret";
        loader.report.warning(keys.spot("secret"), message, "remove the key");
    }
    if argument.is_secret() && argument.default_value.as_ref().is_some_and(|value| !is_empty(value))
    {
        loader.report.warning(
            keys.spot("default_value"),
            "everybody who may run the script sees this value of a secret argument",
            "remove it",
        );
    }
    let Some(choices) = &argument.choices else { return };
    if choices.is_empty() {
        let message = "the list is empty: no value is accepted";
        loader.report.warning(keys.spot("predefined_values"), message, "write the choices");
    }
    let default_is_a_choice = match &argument.default_value {
        Some(Value::String(text)) => {
            text.is_empty() || argument.is_list() || choices.contains(text)
        }
        _ => true,
    };
    if !default_is_a_choice {
        let message = "the value is none of `predefined_values`";
        loader.report.warning(keys.spot("default_value"), message, "write one of them");
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}
