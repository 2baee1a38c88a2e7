//! Starts the process of a script.
//!
//! The child shares the memory of the supervisor until it executes the program (`CLONE_VM` with
//! `CLONE_VFORK`, as `posix_spawn` does): its cost does not grow with that memory. Everything is
//! prepared before, so that between the clone and the program there are only system calls.

use std::cell::Cell;
use std::ffi::{CString, c_char, c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use rustix::io::Errno;
use rustix::process::Pid;

use crate::sandbox::{self, Prepared};

/// Bytes of the stack of a child. Nothing that runs on it is recursive or keeps much there.
const STACK_BYTES: usize = 128 * 1024;

/// The stack of children, one at a time.
#[derive(Debug)]
pub(super) struct Stack(Vec<u128>);

impl Stack {
    /// A stack; the memory is taken when it is used.
    pub(super) fn new() -> Self {
        Self(vec![0; STACK_BYTES / size_of::<u128>()])
    }
}

/// What is executed.
#[derive(Debug)]
pub(super) enum Executable<'a> {
    /// Whatever is at this path at that moment.
    Path(CString),
    /// This file, whatever its path names by then.
    Handle(BorrowedFd<'a>),
}

/// A process to start.
#[derive(Debug)]
pub(super) struct Child<'a> {
    pub(super) executable: Executable<'a>,
    pub(super) arguments: Strings,
    pub(super) environment: Strings,
    pub(super) directory: CString,
    /// Standard input, output and error.
    pub(super) streams: [BorrowedFd<'a>; 3],
    /// Whether standard input is the terminal that the process controls.
    pub(super) has_terminal: bool,
    /// Descriptors that the program finds open under the same numbers.
    pub(super) kept: Vec<BorrowedFd<'a>>,
    /// What it may reach.
    pub(super) sandbox: &'a Prepared,
}

/// Strings as `execve` wants them.
#[derive(Debug)]
pub(super) struct Strings {
    /// Points into `strings`, and ends with a null pointer.
    pointers: Vec<*const c_char>,
    /// Held for the pointers.
    _strings: Vec<CString>,
}

impl Strings {
    /// Takes over strings.
    pub(super) fn new(strings: Vec<CString>) -> Self {
        let pointers = strings.iter().map(|string| string.as_ptr());
        let pointers = pointers.chain([ptr::null()]).collect();
        Self { pointers, _strings: strings }
    }
}

/// What a child does before it executes the program, for a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The clone itself.
    Clone,
    /// A session of its own.
    Session,
    /// Its descriptors.
    Streams,
    /// Its terminal.
    Terminal,
    /// Its working directory.
    Directory,
    /// Its sandbox.
    Sandbox(sandbox::Step),
    /// Its bond to the supervisor.
    Bond,
    /// Its signals.
    Signals,
    /// The program.
    Execute,
}

/// A child that did not become the program.
#[derive(Debug)]
pub(super) struct NotStarted {
    pub(super) step: Step,
    pub(super) cause: Errno,
    /// Whether there is a process that ended and has not been taken note of.
    pub(super) zombie: bool,
}

/// What the child reads and where it writes why it failed, in memory that both processes share.
struct Shared<'a> {
    child: &'a Child<'a>,
    supervisor: Pid,
    /// Written by the child alone, and only when it has failed.
    failure: Cell<Option<(Step, Errno)>>,
}

impl Child<'_> {
    /// Starts the process. It returns when the program was executed or the child has ended.
    ///
    /// Every signal must be blocked: no handler may run in the child, which shares the memory.
    pub(super) fn start(&self, stack: &mut Stack) -> Result<Pid, NotStarted> {
        let supervisor = rustix::process::getpid();
        let shared = Shared { child: self, supervisor, failure: Cell::new(None) };
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        #[expect(unsafe_code, reason = "the standard library runs nothing of ours in a child")]
        // SAFETY: the stack is ours alone, aligned to 16 bytes, and grows down from its end. With
        // CLONE_VFORK this thread stands still until the child has executed the program or has
        // ended, so `shared` and the stack outlive its use of them and nothing else changes them;
        // there is no other thread. `child_main` does nothing but system calls and does not unwind.
        let pid = unsafe {
            let top = stack.0.as_mut_ptr_range().end.cast::<c_void>();
            let argument = (&raw const shared).cast_mut().cast::<c_void>();
            libc::clone(child_main, top, flags, argument)
        };
        let Some(pid) = Pid::from_raw(pid).filter(|_| pid > 0) else {
            let cause = Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::AGAIN);
            return Err(NotStarted { step: Step::Clone, cause, zombie: false });
        };
        match shared.failure.get() {
            None => Ok(pid),
            Some((step, cause)) => Err(NotStarted { step, cause, zombie: true }),
        }
    }
}

/// The child: system calls alone, no memory is taken or given back, no lock is touched.
extern "C" fn child_main(argument: *mut c_void) -> c_int {
    #[expect(unsafe_code, reason = "a C function gets its argument as a pointer")]
    // SAFETY: `start` passes a pointer to a `Shared` that outlives this process' use of it.
    let shared = unsafe { &*argument.cast::<Shared<'_>>() };
    shared.failure.set(Some(become_program(shared)));
    #[expect(unsafe_code, reason = "ends without handlers, which belong to the supervisor")]
    // SAFETY: `_exit` ends the process and nothing else.
    unsafe {
        libc::_exit(127)
    }
}

/// Returns only with what went wrong.
fn become_program(shared: &Shared<'_>) -> (Step, Errno) {
    let Err(failure) = prepare(shared) else { return (Step::Execute, execute(shared.child)) };
    failure
}

fn prepare(shared: &Shared<'_>) -> Result<(), (Step, Errno)> {
    let child = shared.child;
    rustix::process::setsid().map_err(|errno| (Step::Session, errno))?;
    arrange_descriptors(child).map_err(|errno| (Step::Streams, errno))?;
    if child.has_terminal {
        let terminal = rustix::stdio::stdin();
        rustix::process::ioctl_tiocsctty(terminal).map_err(|errno| (Step::Terminal, errno))?;
    }
    rustix::process::chdir(child.directory.as_c_str()).map_err(|errno| (Step::Directory, errno))?;
    child
        .sandbox
        .apply()
        .map_err(|(step, errno)| (Step::Sandbox(step), Errno::from_raw_os_error(errno)))?;
    // A change of the account takes the bond away, so it is tied behind that. If the supervisor
    // ended before, nobody else would notice this process.
    let kill = Some(rustix::process::Signal::KILL);
    rustix::process::set_parent_process_death_signal(kill).map_err(|errno| (Step::Bond, errno))?;
    if rustix::process::getppid() != Some(shared.supervisor) {
        return Err((Step::Bond, Errno::SRCH));
    }
    reset_signals().map_err(|errno| (Step::Signals, errno))
}

/// Descriptors 0 to 2, and those that are kept; all others are closed with the execution.
fn arrange_descriptors(child: &Child<'_>) -> Result<(), Errno> {
    let [stdin, stdout, stderr] = child.streams;
    rustix::stdio::dup2_stdin(stdin)?;
    rustix::stdio::dup2_stdout(stdout)?;
    rustix::stdio::dup2_stderr(stderr)?;
    #[expect(unsafe_code, reason = "rustix lacks it")]
    // SAFETY: it marks descriptors and touches no memory.
    let marked = unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, 1 << 2) };
    // Kernels before 5.11 do not know it; everything the supervisor opens is marked already.
    let _ = marked;
    for kept in &child.kept {
        rustix::io::fcntl_setfd(*kept, rustix::io::FdFlags::empty())?;
    }
    Ok(())
}

/// As a program expects them: none blocked. The supervisor has set all to their default actions.
fn reset_signals() -> Result<(), Errno> {
    #[expect(unsafe_code, reason = "rustix has no signal masks")]
    // SAFETY: zeros are a valid set of signals, the empty one. The call reads it and changes only
    // the mask of this process.
    let result = unsafe {
        let none: libc::sigset_t = std::mem::zeroed();
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut())
    };
    // It fails for no reason but an unknown first argument.
    if result == 0 { Ok(()) } else { Err(Errno::INVAL) }
}

fn execute(child: &Child<'_>) -> Errno {
    let arguments = child.arguments.pointers.as_ptr();
    let environment = child.environment.pointers.as_ptr();
    #[expect(unsafe_code, reason = "the arguments are pointers")]
    // SAFETY: both arrays end with a null pointer and point to strings that end with a zero byte
    // and live as long as `child`, like the path.
    let result = unsafe {
        match &child.executable {
            Executable::Path(path) => {
                libc::execve(path.as_ptr(), arguments, environment);
            }
            Executable::Handle(file) => {
                let (file, none) = (file.as_raw_fd(), c"".as_ptr());
                let flags = libc::AT_EMPTY_PATH;
                libc::syscall(libc::SYS_execveat, file, none, arguments, environment, flags);
            }
        }
        *libc::__errno_location()
    };
    Errno::from_raw_os_error(result)
}

/// A path as the system wants it; one with a zero byte cannot exist.
pub(super) fn c_path(path: &Path) -> io::Result<CString> {
    c_string(path.as_os_str().as_bytes())
}

/// Bytes as the system wants them.
pub(super) fn c_string(bytes: &[u8]) -> io::Result<CString> {
    CString::new(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_end_with_a_null_pointer() {
        let strings = Strings::new(vec![c"a".to_owned(), c"b".to_owned()]);

        assert_eq!(strings.pointers.len(), 3);
        assert!(strings.pointers[2].is_null());
    }
}
