//! The instance of a part: its settings, the probe scripts, stand-ins for the tools that the
//! reference ships, files, accounts.

use std::path::Path;
use std::sync::LazyLock;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};
use webscripts_testkit::{Account, InstanceBuilder, Server, python};

use crate::credentials::{self, Credentials};
use crate::listings::Listings;
use crate::transcript::{self, Part, Theme};

/// What a stand-in prints. The tools themselves come later; what has to be right here is their entry
/// in `/api/` and who may run them. No letter and no digit: some of the recorded passwords are a single
/// one, and what is secret is masked in output.
pub const STAND_IN_OUTPUT: &str = "~~~\n";

/// The interpreter of all scripts.
pub static PYTHON: LazyLock<String> = LazyLock::new(|| {
    let path = python().map(|path| path.display().to_string());
    path.unwrap_or_else(|error| format!("(no python3: {error:#})"))
});

/// An account of the recording. The first has the number 2.
struct Recorded {
    name: &'static str,
    password: &'static str,
    account: fn(Account) -> Account,
}

const ADMIN: Recorded =
    Recorded { name: "Admin", password: "Admin", account: Account::with_api_key };

/// The accounts that `add_user.py` made in theme 05, in this order.
const PEOPLE: [Recorded; 6] = [
    Recorded { name: "bob", password: "bobpw", account: unrestricted },
    Recorded { name: "carol", password: "pw", account: restricted },
    Recorded { name: "eve", password: "x", account: unrestricted },
    Recorded { name: "<b>x</b>", password: "x", account: unrestricted },
    Recorded { name: "q\"u,o", password: "x", account: unrestricted },
    Recorded { name: "é€", password: "é€", account: unrestricted },
];

/// The account that `add_user.py` made in theme 04.
const BOB: Recorded = Recorded { name: "bob", password: "bob", account: unrestricted };

/// The account that `add_user.py` made in theme 15.
const NUMBER: Recorded = Recorded { name: "2", password: "two", account: unrestricted };

/// Passwords given later.
const LATER: [&str; 2] = ["new", "reset"];

fn unrestricted(account: Account) -> Account {
    account
}

fn restricted(account: Account) -> Account {
    account.category("Probe").category("My*").script("view*").address("127.0.0.*").address("10.*")
}

/// Starts the server of a part.
pub fn start(theme: &Theme, part: &Part, listings: &Listings) -> Result<(Server, Credentials)> {
    let builder = Server::builder(env!("CARGO_BIN_EXE_webscripts"))?
        .settings(&part.configuration_on_top_of_default.server)
        // Documented keys that give the behaviour of the reference.
        .setting("accept_undeclared_arguments", true)
        .setting("accept_option_like_values", true);
    let builder = add_probes(builder)?;
    let builder = add_stand_ins(builder, listings);
    let builder = if part.configuration_on_top_of_default.server.contains_key("statics_path") {
        add_files(builder)
    } else {
        builder
    };
    let configured = &part.configuration_on_top_of_default.scripts;
    let builder =
        if configured.contains_key("test_config.py") { add_live_tool(builder) } else { builder };
    let (builder, people) = add_accounts(builder, theme);
    let flags = &part.command_line_flags;
    let builder = flags.iter().fold(builder, InstanceBuilder::flag);
    let server = builder.start().with_context(|| format!("part `{}`", part.name))?;
    let api_key = server.instance().account("Admin")?.api_key.clone().context("no API key")?;
    let passwords = people.iter().map(|person| person.password).chain(LATER);
    let passwords = passwords.map(str::to_owned).collect();
    Ok((server, Credentials { passwords, api_key }))
}

/// The configuration of the probe scripts, placeholders in it.
pub fn probe() -> Result<Value> {
    let path = transcript::data().join("probe/probe.json");
    Ok(serde_json::from_str(&std::fs::read_to_string(path)?)?)
}

fn add_probes(mut builder: InstanceBuilder) -> Result<InstanceBuilder> {
    let directory = builder.directory().display().to_string();
    let configuration =
        probe()?.to_string().replace("<RUN>", &directory).replace("<PYTHON>", &PYTHON);
    builder = builder.script_configuration("probe.json", serde_json::from_str(&configuration)?);
    for entry in std::fs::read_dir(transcript::data().join("probe/scripts"))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).context("a strange name")?;
        let mode = if name == "direct.sh" { 0o500 } else { 0o400 };
        builder = builder.file(&format!("scripts/probe/{name}"), std::fs::read(&path)?, mode);
    }
    Ok(builder)
}

/// Configures every tool of the reference in `config/server.json`, where the reference has the first
/// of them: they come before the probes in `/api/`.
fn add_stand_ins(builder: InstanceBuilder, listings: &Listings) -> InstanceBuilder {
    let path = builder.directory().join("scripts/stand_in.py");
    let mut scripts = Map::new();
    let mut sections = Map::new();
    let probes = probe().unwrap_or_default();
    let is_tool = |name: &str| name != "/auth/" && probes["scripts"].get(name).is_none();
    for (name, entry) in listings.full().iter().filter(|(name, _)| is_tool(name)) {
        let section = format!("tool {name}");
        scripts.insert(name.clone(), json!(section));
        let mut keys = script_keys(&mut sections, name, entry, &path);
        if !listings.is_open(name) {
            let (key, value) = if listings.is_for_users(name) {
                ("minimum_access", json!(50))
            } else {
                ("access_groups", json!([1000]))
            };
            keys.insert(key.to_owned(), value);
        }
        sections.insert(section, Value::Object(keys));
    }
    sections.insert("scripts".to_owned(), Value::Object(scripts));
    builder
        .sections(sections)
        .file("scripts/stand_in.py", format!("print({:?})\n", STAND_IN_OUTPUT.trim_end()), 0o400)
        .file("doc/show_license.html", "<p>documentation</p>\n", 0o644)
}

/// The keys of a script section that give the entry `entry` of `/api/`; its arguments become sections.
fn script_keys(
    sections: &mut Map<String, Value>,
    name: &str,
    entry: &Value,
    path: &Path,
) -> Map<String, Value> {
    let mut keys = Map::new();
    for key in ["description", "category", "content_type"] {
        keys.insert(key.to_owned(), entry[key].clone());
    }
    keys.insert("path".to_owned(), json!(path));
    keys.insert("launcher".to_owned(), json!(*PYTHON));
    keys.insert("timeout".to_owned(), json!(15));
    let arguments = entry["args"].as_array().map(Vec::as_slice).unwrap_or_default();
    if arguments.is_empty() {
        return keys;
    }
    let mut names = Map::new();
    for argument in arguments.iter().filter_map(Value::as_object) {
        let argument_name = argument["name"].as_str().unwrap_or_default();
        let section = format!("argument {name} {argument_name}");
        names.insert(argument_name.to_owned(), json!(section));
        let mut argument_keys = argument.clone();
        argument_keys.shift_remove("name");
        let attributes = argument_keys.shift_remove("javascript_attributs");
        if let Some(Value::String(javascript)) = argument_keys.get("javascript_section") {
            sections.insert(javascript.clone(), attributes.unwrap_or_default());
        }
        // Null is what a key that is not configured has; this one is listed only if it is.
        argument_keys.retain(|key, value| !value.is_null() || key == "predefined_values");
        sections.insert(section, Value::Object(argument_keys));
    }
    let section = format!("arguments {name}");
    sections.insert(section.clone(), Value::Object(names));
    keys.insert("args".to_owned(), json!(section));
    keys
}

/// Prints in real time what the recording of `test_config.py` shows. Where that pauses it waits for
/// the file `go`, so that no line is fetched too late.
const LIVE_TOOL: &str = r#"import os, sys, time
print("Arguments:", *sys.argv, flush=True)
print("Inputs:", flush=True)
print(sys.stdin.read(), flush=True)
print("Inputs end.", flush=True)
print("Log path:", os.environ["WEBSCRIPTS_LOGS_PATH"], flush=True)
for seconds in (5, 10, 15):
    print(seconds, "seconds...", flush=True)
sys.stderr.write("My custom error (15 seconds)...")
sys.stderr.flush()
while "--timeout" not in sys.argv and not os.path.exists("go"):
    time.sleep(0.02)
if "--timeout" in sys.argv:
    print("TimeoutError is comming... (please wait)...", flush=True)
    time.sleep(600)
print("end.", flush=True)
"#;

/// The tool that theme 04 configures.
fn add_live_tool(builder: InstanceBuilder) -> InstanceBuilder {
    let path = builder.directory().join("scripts/py/test_config.py");
    let configuration = json!({
        "scripts": {"test_config.py": "live_tool"},
        "live_tool": {
            "path": path, "launcher": *PYTHON, "print_real_time": true,
            // The recorded answer took ten seconds.
            "timeout": 10,
        },
    });
    builder.script_configuration("live_tool.json", configuration).file(
        "scripts/py/test_config.py",
        LIVE_TOOL,
        0o400,
    )
}

/// The files of the second part of theme 17.
fn add_files(builder: InstanceBuilder) -> InstanceBuilder {
    const EXTENSIONS: [&str; 25] = [
        "html", "htm", "shtml", "xhtml", "css", "ico", "png", "jpg", "jpeg", "jpe", "gif", "json",
        "txt", "pdf", "csv", "tiff", "tif", "xml", "xsd", "rss", "svg", "js", "mp3", "zip", "HTML",
    ];
    let builder = builder
        .file("static/css/webscripts_style.css", "/* replaced */\n", 0o644)
        .file("static/html/own page.html", "<p>own</p>\n", 0o644)
        .file("static/js/own.js", "var own = 1;\n", 0o644)
        .file("static/files/noext", "x", 0o644);
    EXTENSIONS.iter().fold(builder, |builder, extension| {
        builder.file(&format!("static/files/f.{extension}"), "x", 0o644)
    })
}

fn add_accounts(
    mut builder: InstanceBuilder,
    theme: &Theme,
) -> (InstanceBuilder, Vec<&'static Recorded>) {
    let mut people = vec![&ADMIN];
    match theme.name.as_str() {
        "04-real-time" => people.push(&BOB),
        "05-accounts" => people.extend(&PEOPLE),
        "15-blacklist" => people.push(&NUMBER),
        _ => {}
    }
    for person in &people {
        let groups: &[i64] = match person.name {
            "Admin" => &[50, 1000],
            "carol" => &[50, 60],
            _ => &[50],
        };
        let account = Account::in_groups(person.name, groups)
            .password(&credentials::password(person.password));
        builder = builder.account((person.account)(account));
    }
    if people.len() > 2 {
        builder = builder.group(60, "Team");
    }
    (builder, people)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stand_in_is_configured_as_the_reference_lists_it() {
        let mut sections = Map::new();
        let entry = json!({
            "description": "d", "category": "c", "content_type": "text/csv", "name": "tool.py",
            "args": [{"javascript_attributs": {"disabled": true}, "default_value": null,
                "is_advanced": true, "input": null, "javascript_section": "js", "name": "--b"}],
        });

        let keys = script_keys(&mut sections, "tool.py", &entry, Path::new("/tool"));

        assert_eq!(keys["args"], "arguments tool.py");
        assert_eq!(sections["arguments tool.py"], json!({"--b": "argument tool.py --b"}));
        assert_eq!(
            sections["argument tool.py --b"],
            json!({"is_advanced": true, "javascript_section": "js"})
        );
        assert_eq!(sections["js"], json!({"disabled": true}));
    }
}
