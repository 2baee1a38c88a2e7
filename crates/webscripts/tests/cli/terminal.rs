//! A password that is typed: asked for twice, never shown.

use std::process::Command;

use webscripts_testkit::{Account, Instance, Request, python};

use crate::program::{PROGRAM, describe};

/// Answers the questions of a program on a terminal of its own; prints what it showed, its exit
/// status, and whether the terminal shows again what is typed.
const TYPE: &str = "\
import os, pty, subprocess, sys, termios
answers, command = sys.argv[1].encode().decode('unicode_escape').split('|'), sys.argv[2:]
terminal, inner = pty.openpty()
child = subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner)
shown = b''
for number, answer in enumerate(answers, 1):
    while shown.count(b': ') < number:
        shown += os.read(terminal, 1024)
    os.write(terminal, answer.encode())
status = child.wait()
echo = bool(termios.tcgetattr(inner)[3] & termios.ECHO)
os.close(inner)
try:
    while piece := os.read(terminal, 1024):
        shown += piece
except OSError:
    pass
sys.stdout.write(shown.decode().replace('\\r\\n', '\\n'))
print(f'status {status}, echo {echo}')
";

/// What `user passwd alice` shows when this is typed.
fn type_password(instance: &Instance, answers: &str) -> String {
    #[expect(clippy::disallowed_methods, reason = "the terminal of the test")]
    let mut command = Command::new(python().unwrap());
    command.args(["-c", TYPE, answers, PROGRAM, "user", "passwd", "alice", "--directory"]);
    let output = command.arg(instance.directory()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_typed_password_is_not_shown_and_signs_in() {
    let instance = describe().account(Account::user("alice")).create().unwrap();

    let shown = type_password(&instance, "seven green boats\\n|seven green boats\\n");

    assert_eq!(
        shown,
        "New password of `alice`: \nAgain: \nThe password of `alice` was changed; its sessions have \
         ended\nstatus 0, echo True\n"
    );
    let server = instance.serve().unwrap();
    let answer = server.send(&Request::sign_in("alice", "seven green boats")).unwrap();
    assert!(answer.header("Set-Cookie").unwrap().starts_with("SessionID=2:"), "{answer:?}");
}

#[test]
fn two_different_passwords_change_nothing() {
    let instance = describe().account(Account::user("alice")).create().unwrap();

    let shown = type_password(&instance, "seven green boats\\n|seven green goats\\n");

    assert_eq!(
        shown,
        "New password of `alice`: \nAgain: \nwebscripts: the two passwords are different; nothing \
         was changed\nstatus 1, echo True\n"
    );
}

#[test]
fn ctrl_c_ends_the_question_and_leaves_the_terminal_as_it_was() {
    let instance = describe().account(Account::user("alice")).create().unwrap();

    let shown = type_password(&instance, "seven\\x03");

    assert_eq!(
        shown,
        "New password of `alice`: \nwebscripts: interrupted; nothing was changed\nstatus 1, echo \
         True\n"
    );
}
