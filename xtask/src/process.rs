//! Starts tools, shows what they print and says which command failed.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, bail};

/// `cargo`, the one that started this program.
pub fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// Whether the command exists and succeeds. Shows nothing.
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// What the command prints to standard output, without surrounding white space, if it succeeds.
pub fn output_of(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// Runs the command to its end, output going straight to the terminal.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    announce(command);
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    if !status.success() {
        bail!("`{}` failed ({status})", line_of(command));
    }
    Ok(())
}

/// Runs the command to its end, passes on what it prints as it comes and keeps the lines that
/// `is_closing` picks out: those in which a test runner sums up.
pub fn run_tests(
    command: &mut Command,
    is_closing: fn(&str) -> bool,
) -> (Vec<String>, anyhow::Result<()>) {
    announce(command);
    let line = line_of(command);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            return (Vec::new(), Err(error).with_context(|| format!("cannot start `{line}`")));
        }
    };
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let closing = thread::scope(|scope| {
        let errors = scope.spawn(|| pass_on(stderr, io::stderr(), is_closing));
        let mut closing = pass_on(stdout, io::stdout(), is_closing);
        closing.extend(errors.join().unwrap_or_default());
        closing
    });
    let result = match child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(anyhow::anyhow!("`{line}` failed ({status})")),
        Err(error) => Err(error).with_context(|| format!("cannot wait for `{line}`")),
    };
    (closing, result)
}

fn announce(command: &Command) {
    eprintln!("$ {}", line_of(command));
}

/// The command as one would type it, without the folder of the program.
fn line_of(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(name).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn pass_on(
    from: Option<impl Read>,
    mut to: impl Write,
    is_closing: fn(&str) -> bool,
) -> Vec<String> {
    let mut closing = Vec::new();
    let Some(from) = from else { return closing };
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
        // A closed terminal is no reason to stop reading: the tests would block.
        let _ = to.write_all(&line).and_then(|()| to.flush());
        let text = without_colours(&String::from_utf8_lossy(&line));
        if is_closing(&text) {
            closing.push(text.trim().to_owned());
        }
        line.clear();
    }
    closing
}

/// Removes the `ESC [ … letter` sequences with which runners colour their lines.
fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character != '\u{1b}' {
            plain.push(character);
            continue;
        }
        for follower in characters.by_ref() {
            if follower.is_ascii_alphabetic() {
                break;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums_up(line: &str) -> bool {
        line.starts_with("sum")
    }

    #[test]
    fn colours_are_removed_from_a_closing_line() {
        assert_eq!(without_colours("\u{1b}[32;1m Summary\u{1b}[0m 3 passed"), " Summary 3 passed");
    }

    #[test]
    fn closing_lines_of_both_streams_are_kept_and_everything_is_passed_on() {
        let mut passed_on = Vec::new();

        let closing = pass_on(Some(&b"one\nsum: 3\nbye"[..]), &mut passed_on, sums_up);

        assert_eq!(closing, ["sum: 3"]);
        assert_eq!(passed_on, b"one\nsum: 3\nbye");
    }

    #[test]
    fn a_failed_command_is_named_in_the_error() {
        let error = run(Command::new("false").arg("--really")).unwrap_err();

        assert_eq!(error.to_string(), "`false --really` failed (exit status: 1)");
    }

    #[test]
    fn a_failed_runner_keeps_its_closing_lines() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo sum: 1 >&2; exit 3"]);

        let (closing, result) = run_tests(&mut command, sums_up);

        assert_eq!(closing, ["sum: 1"]);
        assert!(result.is_err_and(|error| error.to_string().contains("exit status: 3")));
    }
}
