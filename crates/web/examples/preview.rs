//! Writes the pages with the scripts of JSON configuration files into a folder, to look at them:
//! `cargo run -p webscripts-web --example preview -- FOLDER CONFIGURATION.json…`

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use askama::Template;
use serde_json::{Map, Value};
use webscripts_domain::catalogue::{AccessRule, Argument, Restrictions, Script, ScriptName};
use webscripts_web::assets::{self, Encoding};
use webscripts_web::pages::{
    AboutPage, CategoryView, DocumentationPage, ErrorPage, FieldView, IndexPage, NavEntry, Prefill,
    ScriptEntry, ScriptPage, ScriptView, Shell, SignInPage, Suggestion, Theme, UserView,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let folder = PathBuf::from(words.next().ok_or("name a folder to write to")?);
    let mut scripts = Vec::new();
    for file in words {
        scripts.extend(read_scripts(&fs::read_to_string(&file)?)?);
    }
    write_assets(&folder)?;
    write_list(&folder, &scripts)?;
    for script in &scripts {
        let page = ScriptPage::new(shell("../../", true), script, true, &Prefill::default());
        write(&folder, &format!("web/scripts/{}.html", script.name), &page)?;
        let documentation = DocumentationPage {
            shell: shell("../../", true),
            script: ScriptView::new(script, true),
            document: None,
            notice: None,
            fields: fields(script),
        };
        write(&folder, &format!("web/doc/{}.html", script.name), &documentation)?;
    }
    write_others(&folder)
}

fn shell(base: &str, is_signed_in: bool) -> Shell {
    let entry = |label: &str, href: &str, current| NavEntry {
        label: label.to_owned(),
        href: href.to_owned(),
        current,
    };
    let nav = if is_signed_in {
        vec![entry("Scripts", "web/", true), entry("About", "web/about/", false)]
    } else {
        Vec::new()
    };
    Shell {
        product: "WebScripts".to_owned(),
        base: base.to_owned(),
        user: is_signed_in.then(|| UserView { name: "Admin".to_owned() }),
        theme: Theme::System,
        request_id: "0198c7d2-5f1e-7a3b-9c4d-2e6f8a1b3c5d".to_owned(),
        csrf_token: if is_signed_in { "token".to_owned() } else { String::new() },
        nav,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

fn write_list(folder: &Path, scripts: &[Script]) -> Result<(), Box<dyn Error>> {
    let mut categories: BTreeMap<&str, Vec<ScriptEntry>> = BTreeMap::new();
    for script in scripts {
        let view = ScriptView::new(script, true);
        categories.entry(&script.category).or_default().push(ScriptEntry {
            name: view.name,
            label: view.label,
            description: view.description,
            badges: ScriptView::badges(script),
            has_doc: true,
            hidden: false,
        });
    }
    let categories = categories
        .into_iter()
        .map(|(name, scripts)| CategoryView { name: name.to_owned(), scripts, hidden: false })
        .collect();
    write(folder, "web/index.html", &IndexPage::new(shell("../", true), "", "", categories))?;
    let empty = IndexPage::new(shell("../", true), "", "", Vec::new());
    write(folder, "web/empty.html", &empty)
}

fn write_others(folder: &Path) -> Result<(), Box<dyn Error>> {
    let sign_in = SignInPage {
        shell: shell("../../", false),
        fields: SignInPage::built_in_fields(),
        message: None,
        next: None,
        insecure_warning: false,
        already: None,
    };
    write(folder, "web/auth/index.html", &sign_in)?;
    let already = SignInPage {
        message: Some("Accounts are made by the operations team.".to_owned()),
        insecure_warning: true,
        already: Some("Admin".to_owned()),
        ..sign_in
    };
    write(folder, "web/auth/already.html", &already)?;
    for code in [400, 401, 403, 404, 413, 429, 500, 503] {
        let mut page = ErrorPage::new(shell("../../", code != 401), code);
        if code == 404 {
            let found = |name: &str, label: &str| Suggestion {
                name: name.to_owned(),
                label: label.to_owned(),
            };
            page.suggestions = vec![found("subnet.py", "Subnet calculator")];
        }
        write(folder, &format!("web/errors/{code}.html"), &page)?;
    }
    write(folder, "web/about/index.html", &AboutPage { shell: shell("../../", true) })
}

fn fields(script: &Script) -> Vec<FieldView> {
    let each = script.arguments.iter().enumerate();
    each.map(|(position, argument)| {
        FieldView::from_argument(position, argument, &Prefill::default())
    })
    .collect()
}

fn write(folder: &Path, name: &str, page: &impl Template) -> Result<(), Box<dyn Error>> {
    let file = folder.join(name);
    fs::create_dir_all(file.parent().ok_or("a page has a folder")?)?;
    fs::write(file, page.render()?)?;
    Ok(())
}

fn write_assets(folder: &Path) -> Result<(), Box<dyn Error>> {
    for asset in assets::all() {
        let file = folder.join(assets::address(asset.name));
        fs::create_dir_all(file.parent().ok_or("an asset has a folder")?)?;
        fs::write(file, asset.body(Encoding::Identity))?;
    }
    Ok(())
}

/// The scripts of a JSON configuration, as far as pages need them.
fn read_scripts(text: &str) -> Result<Vec<Script>, Box<dyn Error>> {
    let root: Map<String, Value> = serde_json::from_str(text)?;
    let section = |name: &Value| {
        name.as_str().and_then(|name| root.get(name)?.as_object()).cloned().unwrap_or_default()
    };
    let listed = root.get("scripts").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut scripts = Vec::new();
    for (name, of) in &listed {
        let keys = section(of);
        let arguments = keys.get("args").map(&section).unwrap_or_default();
        let arguments = arguments.iter().map(|(name, of)| {
            let mut keys = section(of);
            let attributes = keys.remove("javascript_section").map(|of| section(&of));
            argument(name, &keys, attributes.unwrap_or_default())
        });
        scripts.push(script(name, &keys, arguments.collect())?);
    }
    Ok(scripts)
}

fn text(keys: &Map<String, Value>, key: &str) -> Option<String> {
    keys.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn is(keys: &Map<String, Value>, key: &str) -> bool {
    keys.get(key).and_then(Value::as_bool).unwrap_or_default()
}

fn script(
    name: &str,
    keys: &Map<String, Value>,
    arguments: Vec<Argument>,
) -> Result<Script, Box<dyn Error>> {
    Ok(Script {
        name: ScriptName::parse(name).ok_or("not the name of a script")?,
        path: PathBuf::new(),
        launcher: None,
        label: text(keys, "label"),
        description: text(keys, "description"),
        category: text(keys, "category").unwrap_or_default(),
        content_type: text(keys, "content_type").unwrap_or_else(|| "text/plain".to_owned()),
        stderr_content_type: "text/plain".to_owned(),
        timeout: keys.get("timeout").and_then(Value::as_u64).map(Duration::from_secs),
        real_time: is(keys, "print_real_time"),
        no_password: false,
        access: AccessRule::default(),
        documentation_file: None,
        documentation_content_type: "text/html".to_owned(),
        documentation_command: None,
        confirm: text(keys, "confirm"),
        danger: is(keys, "danger"),
        accept_undeclared: false,
        accept_option_like: false,
        arguments,
        custom: Map::new(),
        secrets: None,
        declared_in: PathBuf::new(),
    })
}

fn argument(name: &str, keys: &Map<String, Value>, attributes: Map<String, Value>) -> Argument {
    let count = |key: &str| {
        keys.get(key).and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok())
    };
    let choices = keys.get("predefined_values").and_then(Value::as_array).map(|values| {
        values.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    });
    Argument {
        name: name.to_owned(),
        html_type: text(keys, "html_type").unwrap_or_else(|| "text".to_owned()),
        label: text(keys, "label"),
        description: text(keys, "description"),
        example: keys.get("example").cloned(),
        default_value: keys.get("default_value").cloned(),
        choices,
        list: keys.get("list").and_then(Value::as_bool),
        input: keys.get("input").and_then(Value::as_bool),
        advanced: is(keys, "is_advanced"),
        multiline: is(keys, "multiline"),
        restrictions: Restrictions {
            required: is(keys, "required"),
            pattern: None,
            min: keys.get("min").and_then(Value::as_f64),
            max: keys.get("max").and_then(Value::as_f64),
            min_length: count("min_length"),
            max_length: count("max_length"),
            accept_option_like: false,
        },
        javascript_section: None,
        javascript_attributes: attributes,
        custom: keys.clone(),
    }
}
