//! A run from the start of its process to its end.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::Pid;
use webscripts_domain::invocation::{Limits, TerminalSize};
use webscripts_domain::run::{Outcome, RunEnd, Usage};

use super::children::{Children, End, Left};
use super::input::Input;
use super::link::{RunLink, timespec};
use super::outputs::Outputs;
use super::terminal::resize;
use crate::cgroup::Group;
use crate::runs::descendants::{Asked, Tree};
use crate::runs::handle::WholeOutput;
use crate::runs::protocol::{Command, State};

/// First and longest time between two attempts to kill what is left.
const FIRST_KILL: Duration = Duration::from_millis(2);
const LONGEST_KILL: Duration = Duration::from_millis(100);

/// Commands that are obeyed before the outputs are looked at again.
const MOST_COMMANDS: usize = 32;

/// A run whose process has been started.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) children: &'a Children,
    pub(super) group: &'a mut Group,
    pub(super) link: RunLink<'a>,
    pub(super) script: Pid,
    pub(super) outputs: Outputs<'a>,
    pub(super) input: Input,
    pub(super) terminal: Option<OwnedFd>,
    pub(super) started: Instant,
    pub(super) limits: Limits,
}

/// A run of which nothing is left.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) end: RunEnd,
    pub(super) state: State,
    /// All it printed, if that is little.
    pub(super) whole: Option<WholeOutput>,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The script runs.
    Running,
    /// The script has ended, but others keep its outputs open; for this long.
    Held(Instant),
    /// Everything was asked to end; until then.
    Ending(Instant),
    /// Everything is killed; the next time then, and the pause behind it.
    Killing(Instant, Duration),
}

/// What changes while a run goes on.
#[derive(Debug)]
struct Course {
    phase: Phase,
    /// How the script itself ended.
    ended: Option<Outcome>,
    /// What is reported instead, because it did not end by itself.
    verdict: Option<Outcome>,
    usage: Usage,
    left: Left,
    asked: Asked,
    deadline: Option<Instant>,
}

/// What can be done without waiting.
#[derive(Debug)]
struct Ready {
    children: bool,
    server: PollFlags,
    outputs: [bool; 2],
    input: bool,
}

impl Run<'_> {
    /// Keeps the run until nothing of it is left.
    pub(super) fn keep(&mut self) -> Finished {
        let mut course = Course {
            phase: Phase::Running,
            ended: None,
            verdict: None,
            usage: Usage::default(),
            left: Left::Some,
            asked: Asked::default(),
            deadline: self.started.checked_add(self.limits.timeout),
        };
        self.input.feed();
        while course.left == Left::Some {
            let ready = self.wait(&course);
            self.work(&ready, &mut course);
            self.follow_the_clock(&mut course);
            let state = self.state();
            self.link.tend(&state, Instant::now());
        }
        self.outputs.read_rest();
        self.input.close();
        let outcome = course.verdict.or(course.ended).unwrap_or(Outcome::Exited(-1));
        let printed = self.outputs.printed();
        let end = RunEnd { outcome, took: self.started.elapsed(), usage: course.usage, printed };
        Finished { end, state: self.state(), whole: self.outputs.take_whole() }
    }

    /// How far the run is.
    fn state(&self) -> State {
        let printed = self.outputs.printed();
        State {
            chunks: self.outputs.chunks(),
            stdout: printed.stdout,
            stderr: printed.stderr,
            input_taken: self.input.taken(),
            input_open: self.input.is_open(),
        }
    }

    /// Waits until something can be done or is due.
    fn wait(&self, course: &Course) -> Ready {
        let due = course.due().into_iter().chain(self.link.due(&self.state())).min();
        let time = due.map(|due| timespec(due.saturating_duration_since(Instant::now())));
        let [stdout, stderr] = self.outputs.interests();
        let interests = [
            Some((self.children.notes(), PollFlags::IN)),
            self.link.interest(),
            stdout,
            stderr,
            self.input.waits_for().map(|descriptor| (descriptor, PollFlags::OUT)),
        ];
        let mut descriptors: Vec<PollFd<'_>> = interests
            .iter()
            .flatten()
            .map(|(descriptor, flags)| PollFd::from_borrowed_fd(*descriptor, *flags))
            .collect();
        if poll(&mut descriptors, time.as_ref()).is_err() {
            // Interrupted: nothing is known to be ready.
            return Ready {
                children: false,
                server: PollFlags::empty(),
                outputs: [false; 2],
                input: false,
            };
        }
        let mut events = descriptors.iter().map(PollFd::revents);
        let [children, server, stdout, stderr, input] = interests
            .map(|interest| interest.and_then(|_| events.next()).unwrap_or(PollFlags::empty()));
        Ready {
            children: !children.is_empty(),
            server,
            outputs: [!stdout.is_empty(), !stderr.is_empty()],
            input: !input.is_empty(),
        }
    }

    fn work(&mut self, ready: &Ready, course: &mut Course) {
        for (which, _) in ready.outputs.iter().enumerate().filter(|(_, is_ready)| **is_ready) {
            self.outputs.read(which);
        }
        if ready.input {
            self.input.feed();
        }
        if ready.server.contains(PollFlags::OUT) {
            self.link.has_room();
        }
        if !(ready.server - PollFlags::OUT).is_empty() {
            self.obey(course);
        }
        if ready.children {
            self.children.clear_notes();
            let script = self.script.as_raw_nonzero().get();
            course.left = Children::reap(|end| course.note(script, end));
            if let (Left::Some, Phase::Ending(_)) = (course.left, course.phase) {
                Tree::below_this_process().terminate_orphans(&mut course.asked);
            }
        }
    }

    /// Does what the server has said.
    fn obey(&mut self, course: &mut Course) {
        for _ in 0..MOST_COMMANDS {
            let Some(packet) = self.link.receive() else { break };
            match postcard::from_bytes(packet) {
                Ok(Command::Input(bytes)) => self.input.push(bytes),
                Ok(Command::CloseInput) => self.input.end(),
                Ok(Command::Resize(columns, rows)) => {
                    if let Some(terminal) = &self.terminal {
                        let _ = resize(terminal, TerminalSize { columns, rows });
                    }
                }
                Ok(Command::Stop) => {
                    if course.is_undisturbed() {
                        course.verdict = Some(Outcome::Cancelled);
                        self.end(course);
                    }
                }
                Ok(Command::Kill) => {
                    if course.is_undisturbed() {
                        course.verdict = Some(Outcome::Cancelled);
                    }
                    if !matches!(course.phase, Phase::Killing(..)) {
                        course.phase = Phase::Killing(Instant::now(), FIRST_KILL);
                    }
                }
                // A newer server may say what this supervisor does not know.
                Ok(Command::Start(_) | Command::StartFromFile) | Err(_) => {}
            }
        }
        self.input.feed();
    }

    /// Does what is due.
    fn follow_the_clock(&mut self, course: &mut Course) {
        let now = Instant::now();
        if course.phase == Phase::Running && course.ended.is_some() {
            let until = now + self.limits.grace;
            course.phase = Phase::Held(course.deadline.map_or(until, |limit| limit.min(until)));
        }
        match course.phase {
            Phase::Running if course.deadline.is_some_and(|deadline| now >= deadline) => {
                course.verdict = Some(Outcome::TimedOut);
                self.end(course);
            }
            Phase::Held(until) if now >= until || self.outputs.are_closed() => self.end(course),
            Phase::Ending(until) if now >= until => {
                course.phase = Phase::Killing(now, FIRST_KILL);
            }
            _ => {}
        }
        if let Phase::Killing(at, pause) = course.phase
            && now >= at
        {
            self.group.kill();
            Tree::below_this_process().kill();
            course.phase = Phase::Killing(Instant::now() + pause, LONGEST_KILL.min(pause * 2));
        }
    }

    /// Asks everything to end.
    fn end(&self, course: &mut Course) {
        if course.left == Left::Some {
            course.asked = Tree::below_this_process().terminate();
        }
        course.phase = Phase::Ending(Instant::now() + self.limits.grace);
    }
}

impl Course {
    /// When something is due whatever happens.
    fn due(&self) -> Option<Instant> {
        match self.phase {
            Phase::Running => self.deadline,
            Phase::Held(at) | Phase::Ending(at) | Phase::Killing(at, _) => Some(at),
        }
    }

    /// Whether nothing has been done yet to end the run.
    fn is_undisturbed(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Held(_))
    }

    /// Takes note of a process that has ended.
    fn note(&mut self, script: i32, end: End) {
        if end.pid == script && self.ended.is_none() {
            self.ended = Some(end.outcome);
        }
        self.usage.cpu += end.usage.cpu;
        self.usage.peak_memory = self.usage.peak_memory.max(end.usage.peak_memory);
    }
}
