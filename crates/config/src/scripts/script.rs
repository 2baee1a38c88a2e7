//! From a script section to a script (scripts.md §§1, 2 and 4).

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};
use webscripts_domain::catalogue::{AccessRule, Script, SecretsVia};
use webscripts_domain::identity::{GroupId, UserId};

use super::{Declaration, Defaults, Used, arguments, rules};
use crate::diagnostic::Spot;
use crate::guard::Role;
use crate::keys::SCRIPT_KEYS;
use crate::load::{Loader, reason};
use crate::read::Syntax;
use crate::typed::Typed;

/// Kinds of output that pages know how to show.
const CONTENT_TYPES: [&str; 4] = ["text/plain", "text/html", "text/csv", "text/json"];

/// Attributes of scripts that the server computes: a key of that name would hide them.
const COMPUTED: [&str; 3] = ["name", "dirname", "path_is_defined"];

const UNKNOWN: &str = "it is kept: clients and the script itself see it";

/// Reads a script; `None` when it has no usable file.
pub fn read(
    loader: &mut Loader,
    defaults: &Defaults<'_>,
    declared: &Declaration<'_>,
    used: &mut Used,
) -> Option<Script> {
    let Some(entry) = declared.section.get("configuration_file").filter(|e| !e.value.is_null())
    else {
        return build(loader, defaults, declared, used);
    };
    let spot = declared.section.spot_of(entry);
    let Some(file) = entry.value.as_str() else {
        loader.report.error(spot, "the value is no text", "write the name of a file");
        return None;
    };
    for other in declared.section.iter().filter(|other| other.key != "configuration_file") {
        let message = "this key is ignored because `configuration_file` is set";
        loader.report.warning(declared.section.spot_of(other), message, "write it into that file");
    }
    read_own_file(loader, defaults, declared, file, spot)
}

/// Reads a script from the file that it has for itself (scripts.md §1, specific file).
fn read_own_file(
    loader: &mut Loader,
    defaults: &Defaults<'_>,
    declared: &Declaration<'_>,
    file: &str,
    spot: Spot<'_>,
) -> Option<Script> {
    let path = loader.absolute(file);
    if let Err(error) = path.metadata() {
        let message = format!("the file `{file}` cannot be used: {}", reason(&error));
        loader.report.error(spot, message, "make the file, or correct the name");
        return None;
    }
    let document = loader.read(&path, Syntax::of(&path), Role::ScriptConfiguration)?;
    let sections = &document.sections;
    let Some(section) = sections.get("script") else {
        let message = format!("the file `{file}` has no section `script`");
        loader.report.error(spot, message, "name the section of the script `script`");
        return None;
    };
    let mut used = Used::from(["script".to_owned()]);
    let own = Declaration { name: declared.name, file: &path, section, sections };
    let script = build(loader, defaults, &own, &mut used);
    super::warn_unused(sections, &used, &mut loader.report);
    script
}

fn build(
    loader: &mut Loader,
    defaults: &Defaults<'_>,
    declared: &Declaration<'_>,
    used: &mut Used,
) -> Option<Script> {
    let keys = Typed::read(declared.section, SCRIPT_KEYS, UNKNOWN, &mut loader.report);
    let launcher = launcher(loader, &keys);
    let accept_option_like =
        keys.flag_if_set("accept_option_like_values").unwrap_or(defaults.accept_option_like);
    let runs = rules::read(loader, defaults, declared, &keys, used);
    let arguments = arguments::read(loader, declared, &keys, accept_option_like, used);
    let path = find_file(loader, defaults, declared, &keys, launcher.is_none())?;
    let text =
        |name: &str| keys.text_if_set(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let script = Script {
        name: declared.name.clone(),
        launcher,
        label: text("label"),
        description: keys.text_if_set("description").map(str::to_owned),
        category: keys.text("category"),
        content_type: content_type(loader, &keys, "content_type"),
        stderr_content_type: content_type(loader, &keys, "stderr_content_type"),
        timeout: keys.whole_if_set("timeout").filter(|s| *s > 0).map(Duration::from_secs),
        real_time: keys.flag("print_real_time"),
        no_password: keys.flag("no_password"),
        access: access(loader, &keys),
        documentation_file: documentation_file(loader, defaults, &keys, &path),
        documentation_content_type: keys.text("documentation_content_type"),
        documentation_command: text("command_generate_documentation"),
        confirm: match keys.value("confirm") {
            Some(Value::Bool(true)) => Some("Run this script?".to_owned()),
            Some(Value::String(question)) if !question.is_empty() => Some(question.clone()),
            _ => None,
        },
        danger: keys.flag("danger"),
        accept_undeclared: keys
            .flag_if_set("accept_undeclared_arguments")
            .unwrap_or(defaults.accept_undeclared),
        accept_option_like,
        arguments,
        runs,
        custom: custom(loader, &keys),
        secrets: keys.value("secrets").cloned(),
        declared_in: declared.file.to_owned(),
        path,
    };
    check_secrets(loader, &keys, &script);
    Some(script)
}

fn launcher(loader: &mut Loader, keys: &Typed<'_>) -> Option<String> {
    let launcher = keys.text_if_set("launcher").filter(|launcher| !launcher.is_empty())?;
    let path = loader.absolute(launcher);
    if launcher.contains('/') && !path.is_file() {
        let message = format!("there is no program `{launcher}`");
        let help = match launcher.split_once(' ') {
            Some(_) => "write the program alone; options cannot follow",
            None => "correct the path, or write the name alone",
        };
        loader.report.warning(keys.spot("launcher"), message, help);
    } else if launcher.contains('/') {
        let _ = loader.guard.look_at(&path, Role::Shared, keys.spot("launcher"));
    } else if launcher.contains(char::is_whitespace) {
        loader.report.warning(
            keys.spot("launcher"),
            format!("`{launcher}` is read as the name of one program"),
            "write the program alone; options cannot follow",
        );
    }
    Some(launcher.to_owned())
}

/// The file of the script: `path`, or the first of its name in `scripts_path`.
fn find_file(
    loader: &mut Loader,
    defaults: &Defaults<'_>,
    declared: &Declaration<'_>,
    keys: &Typed<'_>,
    executed: bool,
) -> Option<PathBuf> {
    let (path, spot) = match keys.text_if_set("path") {
        Some(path) => (loader.absolute(path), keys.spot("path")),
        None => (search(loader, defaults, declared)?, declared.section.spot()),
    };
    match loader.guard.look_at(&path, Role::Script { executed }, spot) {
        Ok(permissions) => {
            let user = loader.guard.process_user();
            if executed && !permissions.allow(user, 1) {
                warn_not_executable(loader, &path, spot);
            } else if !executed && !permissions.allow(user, 4) {
                warn_not_readable(loader, &path, spot);
            }
            Some(path)
        }
        Err(error) => {
            let shown = loader.report.shown(&path).display().to_string();
            let message = format!("the script `{shown}` cannot be used: {}", reason(&error));
            let help = match error.kind() {
                io::ErrorKind::PermissionDenied => {
                    "let the account of the server enter its directories"
                }
                _ => "correct the path",
            };
            loader.report.error(spot, message, help);
            None
        }
    }
}

/// The first file of the script's name in `scripts_path`.
fn search(
    loader: &mut Loader,
    defaults: &Defaults<'_>,
    declared: &Declaration<'_>,
) -> Option<PathBuf> {
    let found = defaults
        .scripts_path
        .iter()
        .map(|directory| loader.absolute(directory).join(declared.name.as_str()))
        .find(|path| path.is_file());
    if found.is_none() {
        let searched = defaults.scripts_path.join("`, `");
        loader.report.error(
            declared.section.spot(),
            format!("there is no file `{}` in `{searched}`", declared.name),
            "write where it is with the key `path`",
        );
    }
    found
}

/// A warning, because the reference registers such a script and fails when it is run.
fn warn_not_executable(loader: &mut Loader, path: &Path, spot: Spot<'_>) {
    let shown = loader.report.shown(path).display().to_string();
    loader.report.warning(
        spot,
        format!("the script `{shown}` cannot start: it is not executable and has no launcher"),
        format!("run `chmod 500 {}`, or set `launcher`", path.display()),
    );
}

fn warn_not_readable(loader: &mut Loader, path: &Path, spot: Spot<'_>) {
    let shown = loader.report.shown(path).display().to_string();
    loader.report.warning(
        spot,
        format!("the script `{shown}` cannot start: the account of the server cannot read it"),
        format!("run `chown {} {}`", loader.guard.process_user(), path.display()),
    );
}

fn content_type(loader: &mut Loader, keys: &Typed<'_>, name: &str) -> String {
    let written = keys.text(name);
    if name == "stderr_content_type" && written == "text/html" {
        loader.report.warning(
            keys.spot(name),
            "you should never set stderr_content_type to text/html because it may be used for XSS \
             (HTML and javascript injection)",
            "write `text/plain`",
        );
    } else if !CONTENT_TYPES.contains(&written.as_str()) {
        loader.report.warning(
            keys.spot(name),
            format!("`{}` is not known and shown as plain text", written.escape_debug()),
            format!("write `{}`", CONTENT_TYPES.join("`, `")),
        );
    }
    written
}

fn access(loader: &mut Loader, keys: &Typed<'_>) -> AccessRule {
    let rule = AccessRule {
        minimum: keys.whole_if_set("minimum_access").and_then(|n| i64::try_from(n).ok()),
        groups: keys
            .wholes_if_set("access_groups")
            .map(|groups| groups.into_iter().map(GroupId).collect()),
        users: keys
            .wholes_if_set("access_users")
            .map(|users| users.into_iter().map(UserId).collect()),
    };
    let nobody = rule.minimum.is_none()
        && (rule.groups.is_some() || rule.users.is_some())
        && rule.groups.as_ref().is_none_or(Vec::is_empty)
        && rule.users.as_ref().is_none_or(Vec::is_empty);
    if nobody {
        let key = if rule.groups.is_some() { "access_groups" } else { "access_users" };
        let message = "the list is empty: nobody may run this script";
        loader.report.warning(keys.spot(key), message, "write a group, or leave out the key");
    }
    rule
}

/// `documentation_file`, or a file named like the script in a directory of `documentations_path`.
fn documentation_file(
    loader: &mut Loader,
    defaults: &Defaults<'_>,
    keys: &Typed<'_>,
    script: &Path,
) -> Option<PathBuf> {
    let Some(written) = keys.text_if_set("documentation_file").filter(|file| !file.is_empty())
    else {
        return defaults.documentation.of(script);
    };
    let path = loader.absolute(written);
    if !path.is_file() && keys.value("command_generate_documentation").is_none() {
        let message = format!("there is no file `{written}`");
        loader.report.warning(keys.spot("documentation_file"), message, "correct the path");
    }
    let _ = loader.guard.look_at(&path, Role::Shared, keys.spot("documentation_file"));
    Some(path)
}

/// What clients see besides the keys of the reference.
fn custom(loader: &mut Loader, keys: &Typed<'_>) -> Map<String, Value> {
    let mut custom = keys.published();
    for name in COMPUTED {
        if custom.shift_remove(name).is_some() {
            let message = "the server computes this attribute; the value is ignored";
            loader.report.warning(keys.spot(name), message, "use another name");
        }
    }
    custom
}

/// A secret that everybody may see is none.
fn check_secrets(loader: &mut Loader, keys: &Typed<'_>, script: &Script) {
    let secret = script.arguments.iter().find(|a| a.is_secret() && !a.is_input());
    let is_seen = script.no_password && script.runs.secrets_via == SecretsVia::Argv;
    if let Some(argument) = secret.filter(|_| is_seen) {
        loader.report.warning(
            keys.spot("no_password"),
            format!(
                "the password `{}` is part of the command line, which other accounts can see",
                argument.name
            ),
            "set `secrets_via` to `fd` or `stdin`, or `no_password` to false",
        );
    }
    if keys.value("secrets_via").is_some() && secret.is_none() {
        let message = "no argument of the command line is secret; this changes nothing";
        let help = "set `secret` of an argument to true";
        loader.report.warning(keys.spot("secrets_via"), message, help);
    }
    if script.runs.terminal && script.runs.secrets_via == SecretsVia::Stdin {
        let message = "a terminal repeats what is written to it, also secrets";
        loader.report.warning(keys.spot("secrets_via"), message, "write `fd`");
    }
}
