//! An instance that holds the samples, and real processes in it.

use std::collections::HashMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{PoisonError, RwLock};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::configuration::{Script, shown};
use crate::samples::SAMPLES;

/// A process that is started while a file is open for writing inherits the open file for a
/// moment, and a script in that state cannot be executed: writers keep starters waiting.
static WRITING: RwLock<()> = RwLock::new(());

/// How a script ended.
pub struct Run {
    /// The exit code; 124 when the time limit ended it.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// A directory with all samples, removed when dropped.
pub struct Instance {
    directory: TempDir,
}

impl Instance {
    pub fn new() -> Self {
        let _writing = WRITING.write().unwrap_or_else(PoisonError::into_inner);
        let directory = tempfile::tempdir().unwrap();
        for sample in SAMPLES {
            let path = directory.path().join(sample.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, sample.contents).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(sample.mode)).unwrap();
        }
        fs::create_dir(directory.path().join("run")).unwrap();
        Self { directory }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Runs a script as the server does, with the example of each argument, or else its default;
    /// `values` replaces some of them.
    pub fn run(&self, script: &Script, values: &[(&str, Value)]) -> Run {
        let values: HashMap<&str, &Value> = values.iter().map(|(name, v)| (*name, v)).collect();
        let (mut words, mut input) = (Vec::new(), Vec::new());
        for (name, keys) in &script.arguments {
            let given = values.get(name.as_str()).copied();
            let value = given.or(keys.get("example")).or(keys.get("default_value"));
            let is_input = keys.get("input") == Some(&json!(true));
            let texts = match value {
                None | Some(Value::Null | Value::Bool(false)) => continue,
                Some(Value::Bool(true)) => Vec::new(),
                Some(Value::Array(items)) => items.iter().map(shown).collect(),
                Some(value) => vec![shown(value)],
            };
            if name.starts_with('-') {
                words.push(name.clone());
            }
            if is_input { input.extend(texts) } else { words.extend(texts) }
        }
        self.execute(script, &words, &input.join("\n"))
    }

    /// Runs a script with these words and this standard input, for at most its time limit.
    pub fn execute(&self, script: &Script, words: &[String], input: &str) -> Run {
        let mut command = vec!["timeout".to_owned(), script.timeout().to_string()];
        command.extend(script.keys.get("launcher").map(shown));
        command.push(script.text("path").to_owned());
        command.extend_from_slice(words);
        self.start(&command, input)
    }

    /// Runs a program, the first of these words, in the instance.
    pub fn start(&self, words: &[String], input: &str) -> Run {
        #[expect(
            clippy::disallowed_methods,
            reason = "the samples are tried as they are, without the engine"
        )]
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(self.path());
        command.env("WEBSCRIPTS_RUN_DIR", self.path().join("run"));
        command.env("USER", r#"{"groups": [50], "id": 7, "name": "Ada"}"#);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = {
            let _starting = WRITING.read().unwrap_or_else(PoisonError::into_inner);
            command.spawn().unwrap()
        };
        if let Err(error) = child.stdin.take().unwrap().write_all(input.as_bytes()) {
            assert_eq!(error.kind(), ErrorKind::BrokenPipe, "{error}");
        }
        let output = child.wait_with_output().unwrap();
        Run {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
