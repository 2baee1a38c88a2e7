//! A supervisor: a small process that keeps one run after the other.
//!
//! It has one thread and no signal handlers, never waits for a reader or a server while a run goes
//! on, and ends everything that a run has started before it takes the next. What it starts cannot
//! leave it: orphans become its children, whatever session or group they belong to.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::process::ExitCode;

use rustix::io::fcntl_dupfd_cloexec;
use rustix::net::SocketType;
use rustix::net::sockopt::socket_type;
use rustix::process::{DumpableBehavior, set_child_subreaper, set_dumpable_behavior, setsid};
use zeroize::Zeroizing;

use self::children::Children;
use self::explain::unusable;
use self::input::First;
use self::link::{Identity, Link, RunLink};
use self::place::Place;
use self::run::{Finished, Run};
use self::start::Tools;
use super::StartError;
use super::order::{NotAnOrder, Order};
use super::protocol::{Command, LONGEST_ORDER, Report, State};

mod child;
mod children;
mod explain;
mod input;
mod link;
mod outputs;
mod place;
mod plan;
mod program;
mod run;
mod scratch;
mod script_file;
mod start;
mod streams;
mod terminal;

/// The first descriptor that is not one of the three standard ones.
const FIRST_FREE: i32 = 3;

/// The main function of a supervisor, which a runner starts with a socket as standard input. It
/// ends when the runner closes that, and when it is idle or the run it keeps is over.
///
/// It must be called before this process has started a thread.
pub fn supervise() -> ExitCode {
    match Supervisor::new().and_then(Supervisor::work) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "webscripts: a supervisor cannot work: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Supervisor {
    link: Link,
    children: Children,
    tools: Tools,
}

/// An order as it came: its head, and what follows as standard input.
struct Message {
    head: Zeroizing<Vec<u8>>,
    first: First,
}

impl Supervisor {
    fn new() -> io::Result<Self> {
        let stdin = io::stdin();
        if socket_type(&stdin).ok() != Some(SocketType::SEQPACKET) {
            return Err(io::Error::other("it is started by the server only"));
        }
        let socket = fcntl_dupfd_cloexec(&stdin, FIRST_FREE)?;
        rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
        // Neither the terminal of the server nor signals to its group reach a run.
        let _ = setsid();
        set_child_subreaper(Some(rustix::process::getpid()))?;
        // Scripts of the same account can neither trace it nor read its memory.
        set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
        Ok(Self { link: Link::new(socket), children: Children::watch()?, tools: Tools::new()? })
    }

    fn work(mut self) -> io::Result<()> {
        while let Some((packet, file)) = self.link.wait()? {
            let message = match postcard::from_bytes(packet) {
                Ok(Command::Start(order)) => Message::new(order).map(Some),
                Ok(Command::StartFromFile) => file.map(Message::read).transpose(),
                // What was said to a run that is over.
                Ok(_) | Err(_) => Ok(None),
            };
            match message {
                // A server that died before it knew the run would start it again.
                Ok(Some(message)) if self.link.is_up() => self.run(message),
                Ok(Some(_)) => return Ok(()),
                Ok(None) => {}
                Err(source) => self.refuse(&StartError::Exhausted(source)),
            }
        }
        Ok(())
    }

    fn run(&mut self, message: Message) {
        let Message { head, first } = message;
        let result = match Order::decode(&head) {
            Ok((order, _)) => self.keep(&order, first),
            Err(error) => Err(StartError::Exhausted(io::Error::other(error))),
        };
        if let Err(error) = result {
            self.refuse(&error);
        }
    }

    /// Starts a run and keeps it to its end.
    fn keep(&mut self, order: &Order<'_>, first: First) -> Result<(), StartError> {
        let plan = self.tools.plan(order)?;
        let place = Place::make(order.place())
            .map_err(|source| unusable(plan.program().to_owned(), source))?;
        let started = match self.tools.start(&plan, &place, first) {
            Ok(started) => started,
            Err(error) => {
                place.remove();
                return Err(error);
            }
        };
        drop(plan);
        let pid = started.script.as_raw_nonzero().get().unsigned_abs();
        self.link.tell(&Report::Started(pid));
        let identity =
            Identity { run: order.run, token: order.token, pid, rendezvous: order.rendezvous() };
        let Finished { end, state, whole } = Run {
            children: &self.children,
            group: started.group,
            link: RunLink::new(&mut self.link, identity, State::default()),
            script: started.script,
            outputs: started.outputs,
            input: started.input,
            terminal: started.terminal,
            started: started.at,
            limits: order.limits,
        }
        .keep();
        let ended = end.into();
        // Without the record the server still knows from the report.
        let _ = place.record_end(&ended);
        self.tools.clear(&place);
        drop(place);
        self.link.tell(&match whole {
            Some(whole) => Report::OverWithOutput(state, ended, whole),
            None => Report::Over(state, ended),
        });
        Ok(())
    }

    fn refuse(&self, error: &StartError) {
        self.link.tell(&Report::Refused(error.into()));
    }
}

impl Message {
    /// An order that came in the packet itself.
    fn new(order: &[u8]) -> io::Result<Self> {
        let length = Order::length(order).and_then(|length| usize::try_from(length).ok());
        let parts = length.and_then(|length| order.split_at_checked(length));
        let (head, stdin) = parts.ok_or(NotAnOrder::Length).map_err(io::Error::other)?;
        let first = First::Bytes(Zeroizing::new(stdin.to_vec()));
        Ok(Self { head: Zeroizing::new(head.to_vec()), first })
    }

    /// An order that came in a file.
    fn read(file: OwnedFd) -> io::Result<Self> {
        let file = File::from(file);
        let length = file.metadata()?.len();
        let mut head = Zeroizing::new(vec![0; 4]);
        file.read_exact_at(&mut head, 0)?;
        let whole = Order::length(&head).filter(|whole| *whole <= length.min(LONGEST_ORDER));
        let whole = whole.ok_or(NotAnOrder::Length).map_err(io::Error::other)?;
        head.resize(usize::try_from(whole).map_err(io::Error::other)?, 0);
        file.read_exact_at(&mut head, 0)?;
        let first = if whole < length {
            First::File(file, whole)
        } else {
            First::Bytes(Zeroizing::default())
        };
        Ok(Self { head, first })
    }
}
