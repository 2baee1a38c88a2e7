//! What all tests of the program need.

use std::ffi::OsStr;

use webscripts_testkit::{Finished, Instance, InstanceBuilder, Server};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_webscripts");

/// An instance to describe.
pub fn describe() -> InstanceBuilder {
    Server::builder(PROGRAM).unwrap()
}

/// An instance the program is to make.
pub fn unmade() -> Instance {
    Instance::unmade(PROGRAM).unwrap()
}

/// Runs the program with exactly these arguments.
pub fn run<S: AsRef<OsStr>>(
    instance: &Instance,
    arguments: impl IntoIterator<Item = S>,
) -> Finished {
    instance.run_exactly(arguments, "").unwrap()
}

/// Asserts how a command ended: exit status, standard output, standard error.
#[track_caller]
pub fn assert_ended(finished: &Finished, status: i32, stdout: &str, stderr: &str) {
    let actual = (finished.status.code(), finished.stdout.as_str(), finished.stderr.as_str());
    assert_eq!(actual, (Some(status), stdout, stderr));
}

/// Text of a command with the directory of the instance replaced by `DIR`.
pub fn without_directory(text: &str, instance: &Instance) -> String {
    text.replace(instance.directory().to_str().unwrap(), "DIR")
}

/// The value of the one line `<name>: …`.
#[track_caller]
pub fn value_of<'a>(printed: &'a str, name: &str) -> &'a str {
    let begin = format!("{name}: ");
    let values: Vec<&str> = printed.lines().filter_map(|line| line.strip_prefix(&begin)).collect();
    let [value] = values[..] else { panic!("not one line `{name}: …` in {printed}") };
    value
}
