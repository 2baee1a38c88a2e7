//! Running the client.

use std::io::Write as _;
use std::process::Stdio;

use webscripts_testkit::Server;

use crate::environment;

/// How a command of the client ended.
#[derive(Debug)]
pub struct Finished {
    /// Exit status.
    pub status: i32,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

/// Runs `WebScriptsClient <words> <address of the server>`, in the folder of the server.
pub fn client(server: &Server, words: &[&str]) -> Finished {
    client_with_input(server, words, "")
}

/// As [`client`], with this standard input.
pub fn client_with_input(server: &Server, words: &[&str], input: &str) -> Finished {
    let python = environment::python();
    let mut command = environment::command(python);
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LANG", "C.UTF-8")
        .env("HOME", server.directory())
        // The server is on this machine, whatever proxy the machine uses for others.
        .env("no_proxy", "*")
        .current_dir(server.directory())
        .args(["-m", "WebScriptsClient"])
        .args(words)
        .arg(format!("http://{}", server.host()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Finished {
        status: output.status.code().expect("the client ended by itself"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
