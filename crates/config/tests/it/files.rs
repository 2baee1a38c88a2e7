//! Files that cannot be read or parsed stop the start (configuration.md §15).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use serde_json::json;
use webscripts_config::{Sources, load};

use crate::instance::Instance;

#[test]
fn a_missing_directory_is_an_error() {
    let sources = Sources { directory: "/nowhere/at/all".into(), ..Sources::default() };

    assert_eq!(
        load(&sources).unwrap_err().to_string(),
        "/nowhere/at/all: the directory of the instance cannot be used: no such file or directory; \
         make one with `webscripts init`, or name another one"
    );
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let instance = Instance::new();
    let (ini, json) = (instance.path("a.ini"), instance.path("a.json"));
    let instance = instance.with(|sources| {
        sources.ini_files.push(ini);
        sources.json_files.push(json);
    });

    assert_eq!(
        instance.errors(),
        [
            "a.ini: the file cannot be read: no such file or directory; correct the name, or make \
             the file",
            "a.json: the file cannot be read: no such file or directory; correct the name, or make \
             the file",
        ]
    );
}

#[test]
fn a_link_to_nowhere_is_no_missing_file() {
    let instance = Instance::new();
    symlink("nowhere", instance.path("config/server.json")).unwrap();

    assert_eq!(
        instance.errors(),
        ["config/server.json: the file cannot be read: no such file or directory; correct the \
             name, or make the file"]
    );
}

#[test]
fn a_directory_or_pipe_is_no_file() {
    let instance = Instance::new();
    std::fs::create_dir(instance.path("config/server.json")).unwrap();
    let pipe = instance.path("config/server.ini");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o400),
        0,
    )
    .unwrap();

    assert_eq!(
        instance.errors(),
        [
            "config/server.ini: the file cannot be read: it is no regular file",
            "config/server.json: the file cannot be read: it is no regular file",
        ]
    );
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let instance = Instance::new().file("config/server.ini", vec![b'#'; (8 << 20) + 1]);

    assert_eq!(
        instance.errors(),
        ["config/server.ini: the file cannot be read: it is larger than 8 MiB"]
    );
}

#[test]
fn syntax_errors_name_file_and_line() {
    let instance = Instance::new()
        .file("config/server.ini", "[server]\nport=1\nport=2\n")
        .file("config/server.json", "{\"server\": {\n\"port\": 1,\n}}")
        .file("config/scripts/a.json", "[]")
        .file("config/scripts/b.ini", b"[a]\nb=\xff");

    assert_eq!(
        instance.errors(),
        [
            "config/server.ini:3: the key `port` is there twice in this section; remove one of \
             them; capital letters make no difference",
            "config/server.json:3: this cannot be read as JSON: trailing comma; look at this line \
             and the one above it",
            "config/scripts/b.ini:2: the text is not UTF-8; save the file as UTF-8",
            "config/scripts/a.json:1: this cannot be read as JSON: invalid type: sequence, expected \
             an object such as {\"server\": {\"port\": 8000}}; look at this line and the one above \
             it",
        ]
    );
}

#[test]
fn what_may_be_in_an_unreadable_file_is_not_reported_as_missing() {
    let instance = Instance::new()
        .file("config/server.json", r#"{"server": {"auth_script": "x", "urls_section": "y"}}"#)
        .file("config/scripts/a.json", "{");

    assert_eq!(instance.errors().len(), 1);
}

#[test]
fn json_that_is_not_utf_8_is_guessed_with_a_warning() {
    let instance = Instance::new()
        .file("config/server.json", b"{\"server\": {\n\"product_name\": \"\xc9t\xe9\"}}");

    assert_eq!(instance.loaded().settings.pages.product_name, "Été");
    assert_eq!(
        instance.warnings(),
        [
            "config/server.json:2: the text is not UTF-8; it is read as Windows-1252; save the file as \
          UTF-8"
        ]
    );
}

#[test]
fn a_name_that_is_not_utf_8_is_left_out_with_a_warning() {
    let instance = Instance::new()
        .file(OsStr::from_bytes(b"config/scripts/\xff.json"), "{")
        .file(OsStr::from_bytes(b"static/js/\xff.js"), "");

    let warnings = instance.warnings();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert_eq!(
        warnings[1],
        "[server] json_scripts_config: `DIR/config/scripts/\u{fffd}.json` is left out: its name is \
         not UTF-8; rename the file"
    );
}

#[test]
fn static_files_are_found_by_name_and_the_last_pattern_wins() {
    let instance = Instance::new()
        .file("static/js/a.js", "")
        .file("static/js/.hidden.js", "")
        .file("static/js/a.txt", "")
        .file("static/js/deep/b.js", "")
        .file("other/a.js", "")
        .file("static/html/x.html", "")
        .server(&json!({"js_path": ["other/*.js", "./static/**/b.js"]}));

    let pages = instance.loaded().settings.pages;

    assert_eq!(pages.js, [("a.js".to_owned(), instance.path("other/a.js"))]);
    assert_eq!(pages.statics, [("x.html".to_owned(), instance.path("static/html/x.html"))]);
    assert_eq!(
        instance.warnings(),
        ["config/server.json:3: [server] js_path: `DIR/other/a.js` replaces \
             `DIR/static/js/a.js`; give them different names"]
    );
}

#[test]
fn an_instance_in_a_directory_with_special_characters_works() {
    let outer = Instance::new();
    let directory = outer.path("a [b] * é");
    for name in ["config/scripts", "scripts", "data"] {
        std::fs::create_dir_all(directory.join(name)).unwrap();
    }
    let instance = outer
        .mode("a [b] * é/data", 0o700)
        .json(
            "a [b] * é/config/scripts/s.json",
            &json!({"scripts": {"s": "s"}, "s": {"path": "scripts/s"}}),
        )
        .file_with_mode("a [b] * é/scripts/s", "", 0o500)
        .with(|sources| sources.directory.push("a [b] * é"));

    let loaded = instance.loaded();

    assert_eq!(loaded.catalogue.len(), 1);
    assert_eq!(
        loaded.settings.pages.documentations,
        [format!("{}/doc/*.html", directory.display()).replace("[b] *", "[[]b] [*]")]
    );
}
