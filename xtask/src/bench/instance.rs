//! An instance of the server in a temporary directory, made the way a user makes one.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::bounded::output_of;
use super::load::{Load, Plan};
use super::programs::Programs;
use super::running::Running;

/// How long a command of the server may take.
const LONGEST_COMMAND: Duration = Duration::from_mins(1);
/// How long the server may take until it listens.
const LONGEST_START: Duration = Duration::from_mins(1);
/// The line that says where it listens begins so.
const READY: &str = "WebScripts listens on http://";
/// Account that makes the requests.
const USER: &str = "bench";
/// Group of ordinary users.
const USER_GROUP: &str = "50";
/// Bytes of the static file of P3.
pub const ASSET_BYTES: usize = 16 * 1024;
/// Scripts that every measured instance has besides those that were asked for.
pub const MORE_SCRIPTS: usize = 5;
/// A script that fails.
const FAILING: &str = "#!/bin/sh\necho 'something went wrong' >&2\nexit 3\n";
/// A script that leaves a daemon in a session of its own, which holds none of its pipes.
const DAEMON: &str =
    "#!/bin/sh\nsetsid sh -c 'sleep 600' </dev/null >/dev/null 2>&1 &\necho 'left a daemon'\n";

/// An instance; its directory is removed with it.
pub struct Instance {
    server: PathBuf,
    password: String,
    base: TempDir,
}

impl Instance {
    /// Makes an instance with the configuration that `webscripts init` ships, and an account.
    pub fn shipped(programs: &Programs) -> anyhow::Result<Self> {
        let base = tempfile::Builder::new()
            .prefix("webscripts-bench-")
            .tempdir()
            .context("cannot make a temporary directory")?;
        let password = random_password()?;
        let instance = Self { server: programs.server.clone(), password, base };
        let file = instance.base.path().join("password");
        write(&file, instance.password.as_bytes(), 0o600)?;
        let directory = instance.directory();
        instance.command(&[
            "init".as_ref(),
            &directory,
            "--admin-password-file".as_ref(),
            &file,
        ])?;
        let words = ["user", "add", USER, "--group", USER_GROUP, "--directory"].map(Path::new);
        let mut words = words.to_vec();
        words.extend([directory.as_path(), Path::new("--password-file"), file.as_path()]);
        instance.command(&words)?;
        Ok(instance)
    }

    /// Makes an instance whose script files declare `scripts` scripts: `tiny`, `flood`, and others.
    pub fn with_scripts(programs: &Programs, scripts: usize) -> anyhow::Result<Self> {
        let instance = Self::shipped(programs)?;
        let directory = instance.directory();
        let configuration = directory.join("config/scripts");
        make_empty(&configuration)?;
        make_directory(&directory.join("scripts"))?;
        let [tiny, flood, ticker] =
            ["tiny", "flood", "ticker"].map(|name| directory.join("scripts").join(name));
        for (from, to) in
            [(&programs.tiny, &tiny), (&programs.flood, &flood), (&programs.ticker, &ticker)]
        {
            let content =
                fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
            write(to, &content, 0o500)?;
        }
        let text = serde_json::to_vec_pretty(&declarations(&tiny, &flood, scripts))?;
        write(&configuration.join("bench.json"), &text, 0o400)?;
        for (name, text) in [("failing", FAILING), ("daemon", DAEMON)] {
            write(&directory.join("scripts").join(name), text.as_bytes(), 0o500)?;
        }
        let text = serde_json::to_vec_pretty(&more_declarations(&directory.join("scripts")))?;
        write(&configuration.join("more.json"), &text, 0o400)?;
        let styles = directory.join("static/css");
        make_directory(&styles)?;
        write(&styles.join("bench.css"), &asset(), 0o400)?;
        Ok(instance)
    }

    /// The directory of the instance.
    pub fn directory(&self) -> PathBuf {
        self.base.path().join("instance")
    }

    /// Starts the server and waits until it listens.
    pub fn start(&self) -> anyhow::Result<Server> {
        let mut serve = Command::new(&self.server);
        serve.arg("serve").arg("--directory").arg(self.directory()).args(["--port", "0"]);
        let log = self.base.path().join("server.log");
        let process = Running::start("the server", serve, log)?;
        let (took, rest) = process.ready(READY, LONGEST_START)?;
        Ok(Server { process, took, address: rest.trim_end_matches('/').to_owned() })
    }

    /// Signs in and returns the token that the requests carry.
    pub fn sign_in(&self, server: &Server, load: &Load) -> anyhow::Result<String> {
        let body = json!({"arguments": {
            "--username": {"value": USER, "input": false},
            "--password": {"value": self.password, "input": false},
        }});
        let plan = server.posted(Plan {
            body: body.to_string(),
            ..Plan::once(&server.address, "POST", "/auth/")
        });
        let answer = load.ask(&plan)?;
        let token = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next());
        let token = token.filter(|token| token.starts_with("SessionID="));
        let token = token.with_context(|| {
            format!("sign-in answered {} without a session: {}", answer.status, answer.body)
        })?;
        ensure!(!token.starts_with("SessionID=0:"), "sign-in was refused");
        Ok(token.to_owned())
    }

    fn command(&self, words: &[&Path]) -> anyhow::Result<()> {
        let mut program = Command::new(&self.server);
        program.args(words);
        output_of(program, "", LONGEST_COMMAND).map(|_| ())
    }
}

/// A server that listens.
pub struct Server {
    /// The process.
    pub process: Running,
    /// From its start until it said that it listens.
    pub took: Duration,
    /// Where, `IP:PORT`.
    pub address: String,
}

impl Server {
    /// Adds what every POST needs: its origin and the type of its body.
    pub fn posted(&self, plan: Plan) -> Plan {
        let mut plan = plan;
        plan.headers.extend([
            ("origin".to_owned(), format!("http://{}", self.address)),
            ("content-type".to_owned(), "application/json".to_owned()),
        ]);
        plan
    }
}

/// Text as a style sheet has it, [`ASSET_BYTES`] long.
pub fn asset() -> Vec<u8> {
    let rules = (0..).flat_map(|number| {
        format!(".rule-{number:04} {{ margin: {number}px; color: #333; }}\n").into_bytes()
    });
    rules.take(ASSET_BYTES).collect()
}

/// The script file: `tiny` without arguments, `flood` with a number of bytes, and scripts with
/// three arguments each, which are only listed.
fn declarations(tiny: &Path, flood: &Path, scripts: usize) -> Value {
    let mut names = Map::new();
    let mut sections = Map::new();
    for number in 0..scripts {
        let (name, path, arguments) = match number {
            0 => ("tiny".to_owned(), tiny, json!({})),
            1 => ("flood".to_owned(), flood, json!({"bytes": "argument_bytes"})),
            _ => (
                format!("listed-{number:04}"),
                tiny,
                json!({"--name": "argument_name", "--level": "argument_level", "file": "argument_file"}),
            ),
        };
        let section = format!("script_{number:04}");
        sections.insert(
            section.clone(),
            json!({
                "path": path,
                "args": format!("{section}_arguments"),
                "category": format!("Category {}", number % 5),
                "description": "Prints something; part of a measurement.",
                "content_type": "text/plain",
                "minimum_access": 50,
                "timeout": 120,
            }),
        );
        sections.insert(format!("{section}_arguments"), arguments);
        names.insert(name, Value::String(section));
    }
    sections.insert(
        "argument_bytes".to_owned(),
        json!({"html_type": "number", "description": "How many bytes are printed."}),
    );
    sections.insert(
        "argument_name".to_owned(),
        json!({"html_type": "text", "description": "A name.", "example": "Ada"}),
    );
    sections.insert(
        "argument_level".to_owned(),
        json!({"predefined_values": ["low", "middle", "high"], "description": "A level."}),
    );
    sections.insert(
        "argument_file".to_owned(),
        json!({"html_type": "file", "input": true, "is_advanced": true, "description": "A file."}),
    );
    let mut root = Map::from_iter([("scripts".to_owned(), Value::Object(names))]);
    root.extend(sections);
    Value::Object(root)
}

/// Further scripts: the same tiny program in other sandboxes, and what a soak runs.
fn more_declarations(scripts: &Path) -> Value {
    let script = |file: &str, more: Value| {
        let mut section = json!({
            "path": scripts.join(file),
            "category": "",
            "minimum_access": 50,
            "timeout": 120,
        });
        if let (Some(section), Value::Object(more)) = (section.as_object_mut(), more) {
            section.extend(more);
        }
        section
    };
    json!({
        "scripts": {
            "tiny-none": "tiny_none", "tiny-strict": "tiny_strict", "ticker": "ticker",
            "failing": "failing", "daemon": "daemon",
        },
        "tiny_none": script("tiny", json!({"sandbox": "none"})),
        "tiny_strict": script("tiny", json!({"sandbox": "strict"})),
        "ticker": script("ticker", json!({"args": "ticker_arguments"})),
        "ticker_arguments": {"lines": "ticker_number", "pause": "ticker_number"},
        "ticker_number": {"html_type": "number"},
        "failing": script("failing", json!({})),
        "daemon": script("daemon", json!({})),
    })
}

fn random_password() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 24];
    fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("cannot read /dev/urandom")?;
    // A capital, a digit and a sign satisfy every rule about passwords; the rest is the secret.
    Ok(bytes.iter().fold("Bench-1".to_owned(), |text, byte| format!("{text}{byte:02x}")))
}

fn write(path: &Path, content: &[u8], mode: u32) -> anyhow::Result<()> {
    fs::write(path, content)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)))
        .with_context(|| format!("cannot write {}", path.display()))
}

fn make_directory(path: &Path) -> anyhow::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(path)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o755)))
        .with_context(|| format!("cannot make {}", path.display()))
}

/// Makes a directory without files.
fn make_empty(path: &Path) -> anyhow::Result<()> {
    make_directory(path)?;
    let entries = fs::read_dir(path).with_context(|| format!("cannot list {}", path.display()))?;
    for entry in entries {
        let file = entry?.path();
        fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
    }
    Ok(())
}
