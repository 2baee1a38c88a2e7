//! Who runs next: places in all, per user and per script, and a line that is fair to users.
//!
//! Users take turns; the runs of one user keep their order, except that one whose script has no
//! room lets those behind it pass.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use webscripts_domain::catalogue::ScriptName;
use webscripts_domain::identity::UserId;
use webscripts_domain::run::RunId;
use webscripts_store::runs::Owner;

/// Most bytes that the orders of all waiting runs hold in memory.
const MAX_WAITING_BYTES: usize = 256 * 1024 * 1024;

/// Who takes turns: a user, or a visitor's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tenant {
    user: UserId,
    visitor: Option<IpAddr>,
}

impl From<Owner> for Tenant {
    fn from(owner: Owner) -> Self {
        Self { user: owner.user, visitor: owner.visitor() }
    }
}

/// What the queue knows of a run.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// The run.
    pub run: RunId,
    /// Whose turn it takes.
    pub tenant: Tenant,
    /// Its script.
    pub script: ScriptName,
    /// `max_concurrent` of the script.
    pub most_of_script: Option<usize>,
    /// `queue_length` of the script.
    pub waiting_of_script: Option<usize>,
    /// Bytes its order holds in memory while it waits.
    pub bytes: usize,
}

/// Limits of the server.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// `max_runs`.
    pub runs: usize,
    /// `max_runs_per_user`.
    pub runs_of_tenant: usize,
    /// `queue_length`.
    pub waiting: usize,
}

/// Too many wait already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many runs are waiting; try again in a moment")]
pub struct NoPlace;

/// What becomes of a new run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It has a place and starts.
    Start,
    /// It has a place in the line; [`Queue::enqueue`] puts it there.
    Wait,
}

/// The places and the line. Plain rules without time or tasks.
#[derive(Debug)]
pub struct Queue {
    rules: Rules,
    held: bool,
    running: usize,
    of_tenant: HashMap<Tenant, usize>,
    of_script: HashMap<ScriptName, usize>,
    lines: HashMap<Tenant, VecDeque<Ticket>>,
    turns: VecDeque<Tenant>,
    waiting: usize,
    waiting_of_script: HashMap<ScriptName, usize>,
    waiting_bytes: usize,
}

impl Queue {
    /// An empty queue that holds everything back until [`Queue::release_hold`].
    pub fn new(rules: Rules) -> Self {
        Self {
            rules: Rules {
                runs: rules.runs.max(1),
                runs_of_tenant: rules.runs_of_tenant.max(1),
                ..rules
            },
            held: true,
            running: 0,
            of_tenant: HashMap::new(),
            of_script: HashMap::new(),
            lines: HashMap::new(),
            turns: VecDeque::new(),
            waiting: 0,
            waiting_of_script: HashMap::new(),
            waiting_bytes: 0,
        }
    }

    /// Lets runs start.
    pub fn release_hold(&mut self) {
        self.held = false;
    }

    /// Keeps waiting runs where they are.
    pub fn hold(&mut self) {
        self.held = true;
    }

    /// Takes a place for a new run, or one in the line.
    ///
    /// # Errors
    ///
    /// When the line is full: of the server, of the script, or of the user, who may take half of it.
    pub fn admit(&mut self, ticket: &Ticket) -> Result<Admission, NoPlace> {
        let alone = !self.lines.contains_key(&ticket.tenant);
        if !self.held && alone && self.fits(ticket) && self.peek().is_none() {
            self.occupy(ticket);
            return Ok(Admission::Start);
        }
        let of_tenant = self.lines.get(&ticket.tenant).map_or(0, VecDeque::len);
        let of_script = self.waiting_of_script.get(&ticket.script).copied().unwrap_or(0);
        let full = self.waiting >= self.rules.waiting
            || of_tenant >= self.rules.waiting.div_ceil(2)
            || ticket.waiting_of_script.is_some_and(|most| of_script >= most)
            || self.waiting_bytes.saturating_add(ticket.bytes) > MAX_WAITING_BYTES;
        if full {
            return Err(NoPlace);
        }
        self.count_waiting(ticket);
        Ok(Admission::Wait)
    }

    /// Takes a place for a run that runs already.
    pub fn occupy(&mut self, ticket: &Ticket) {
        self.running += 1;
        *self.of_tenant.entry(ticket.tenant).or_default() += 1;
        *self.of_script.entry(ticket.script.clone()).or_default() += 1;
    }

    /// Takes a place in the line for a run that was accepted before the server started; always.
    pub fn count_waiting(&mut self, ticket: &Ticket) {
        self.waiting += 1;
        self.waiting_bytes = self.waiting_bytes.saturating_add(ticket.bytes);
        *self.waiting_of_script.entry(ticket.script.clone()).or_default() += 1;
    }

    /// Puts a run in line that took a place there.
    pub fn enqueue(&mut self, ticket: Ticket) {
        let line = self.lines.entry(ticket.tenant).or_default();
        if line.is_empty() {
            self.turns.push_back(ticket.tenant);
        }
        line.push_back(ticket);
    }

    /// Gives a place in the line back that was not used.
    pub fn leave(&mut self, ticket: &Ticket) {
        self.waiting = self.waiting.saturating_sub(1);
        self.waiting_bytes = self.waiting_bytes.saturating_sub(ticket.bytes);
        take_one(&mut self.waiting_of_script, &ticket.script);
    }

    /// The next run that starts now; its place is taken.
    pub fn next(&mut self) -> Option<Ticket> {
        let (turn, at) = self.peek()?;
        let tenant = self.turns.remove(turn)?;
        let line = self.lines.get_mut(&tenant)?;
        let ticket = line.remove(at)?;
        if line.is_empty() {
            self.lines.remove(&tenant);
        } else {
            self.turns.push_back(tenant);
        }
        self.leave(&ticket);
        self.occupy(&ticket);
        Some(ticket)
    }

    /// Gives the place of a run back.
    pub fn release(&mut self, ticket: &Ticket) {
        self.running = self.running.saturating_sub(1);
        take_one(&mut self.of_tenant, &ticket.tenant);
        take_one(&mut self.of_script, &ticket.script);
    }

    /// Takes a run out of the line; false: it is not in it.
    pub fn remove(&mut self, tenant: Tenant, run: RunId) -> bool {
        let Some(line) = self.lines.get_mut(&tenant) else { return false };
        let Some(at) = line.iter().position(|ticket| ticket.run == run) else { return false };
        let Some(ticket) = line.remove(at) else { return false };
        if line.is_empty() {
            self.lines.remove(&tenant);
            self.turns.retain(|turn| *turn != tenant);
        }
        self.leave(&ticket);
        true
    }

    /// How many runs of the line start before this one if all take equally long.
    pub fn position(&self, tenant: Tenant, run: RunId) -> Option<usize> {
        let line = self.lines.get(&tenant)?;
        let round = line.iter().position(|ticket| ticket.run == run)?;
        let own_turn = self.turns.iter().position(|turn| *turn == tenant)?;
        let of_others: usize = self
            .turns
            .iter()
            .enumerate()
            .filter(|(_, turn)| **turn != tenant)
            .map(|(at, turn)| {
                let rounds_before = round + usize::from(at < own_turn);
                self.lines.get(turn).map_or(0, VecDeque::len).min(rounds_before)
            })
            .sum();
        Some(round + of_others)
    }

    fn fits(&self, ticket: &Ticket) -> bool {
        let of_tenant = self.of_tenant.get(&ticket.tenant).copied().unwrap_or(0);
        self.running < self.rules.runs
            && of_tenant < self.rules.runs_of_tenant
            && self.script_has_room(ticket)
    }

    fn script_has_room(&self, ticket: &Ticket) -> bool {
        let running = self.of_script.get(&ticket.script).copied().unwrap_or(0);
        ticket.most_of_script.is_none_or(|most| running < most.max(1))
    }

    /// Whose turn it is, and which run of that line starts.
    fn peek(&self) -> Option<(usize, usize)> {
        if self.held || self.running >= self.rules.runs {
            return None;
        }
        self.turns.iter().enumerate().find_map(|(turn, tenant)| {
            let of_tenant = self.of_tenant.get(tenant).copied().unwrap_or(0);
            if of_tenant >= self.rules.runs_of_tenant {
                return None;
            }
            let line = self.lines.get(tenant)?;
            let at = line.iter().position(|ticket| self.script_has_room(ticket))?;
            Some((turn, at))
        })
    }
}

fn take_one<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Admission::{Start, Wait};
    use super::*;

    const RULES: Rules = Rules { runs: 1, runs_of_tenant: 10, waiting: 100 };

    fn id(number: u8) -> RunId {
        RunId::from_bytes([number; 16])
    }

    fn tenant(user: i64) -> Tenant {
        Tenant { user: UserId(user), visitor: None }
    }

    fn ticket(user: i64, number: u8) -> Ticket {
        Ticket {
            run: id(number),
            tenant: tenant(user),
            script: ScriptName::parse("x.py").unwrap(),
            most_of_script: None,
            waiting_of_script: None,
            bytes: 1,
        }
    }

    fn of_script(script: &str, most: usize, mut ticket: Ticket) -> Ticket {
        ticket.script = ScriptName::parse(script).unwrap();
        ticket.most_of_script = Some(most);
        ticket
    }

    fn open(rules: Rules) -> Queue {
        let mut queue = Queue::new(rules);
        queue.release_hold();
        queue
    }

    fn put(queue: &mut Queue, ticket: &Ticket) -> Result<Admission, NoPlace> {
        let admission = queue.admit(ticket)?;
        if admission == Admission::Wait {
            queue.enqueue(ticket.clone());
        }
        Ok(admission)
    }

    /// Lets one run after the other end and answers the order in which they started.
    fn order(queue: &mut Queue, first: Ticket) -> Vec<RunId> {
        let mut running = first;
        let mut order = Vec::new();
        loop {
            queue.release(&running);
            let Some(next) = queue.next() else { return order };
            order.push(next.run);
            running = next;
        }
    }

    #[test]
    fn users_take_turns_and_the_runs_of_each_keep_their_order() {
        let mut queue = open(RULES);
        let first = ticket(1, 1);
        assert_eq!(put(&mut queue, &first), Ok(Start));
        for waiting in [ticket(2, 2), ticket(2, 3), ticket(2, 4), ticket(3, 5), ticket(4, 6)] {
            assert_eq!(put(&mut queue, &waiting), Ok(Wait));
        }

        let expected = [2, 5, 6, 3, 4].map(id);
        let positions: Vec<_> = [(2, 2), (3, 5), (4, 6), (2, 3), (2, 4)]
            .map(|(user, run)| (tenant(user), id(run)))
            .to_vec();
        for (at, (tenant, run)) in positions.into_iter().enumerate() {
            assert_eq!(queue.position(tenant, run), Some(at), "{run}");
        }
        assert_eq!(order(&mut queue, first), expected);
    }

    #[test]
    fn one_user_takes_no_more_places_than_allowed() {
        let mut queue = open(Rules { runs: 3, runs_of_tenant: 2, ..RULES });

        let admitted: Vec<_> = [ticket(1, 1), ticket(1, 2), ticket(1, 3), ticket(2, 4)]
            .iter()
            .map(|ticket| put(&mut queue, ticket))
            .collect();

        assert_eq!(admitted, [Ok(Start), Ok(Start), Ok(Wait), Ok(Start)]);
        assert!(queue.next().is_none());
    }

    #[test]
    fn a_run_whose_script_has_no_room_lets_others_pass() {
        let mut queue = open(Rules { runs: 2, ..RULES });
        let alone = |run| of_script("alone.py", 1, ticket(1, run));
        assert_eq!(put(&mut queue, &alone(1)), Ok(Start));
        assert_eq!(put(&mut queue, &alone(2)), Ok(Wait));
        assert_eq!(put(&mut queue, &ticket(1, 3)), Ok(Wait), "its user has a line");

        assert_eq!(queue.next().unwrap().run, id(3));
        assert!(queue.next().is_none());
        queue.release(&alone(1));
        assert_eq!(queue.next().unwrap().run, id(2));
    }

    #[test]
    fn nobody_overtakes_those_who_could_start() {
        let mut queue = Queue::new(RULES);
        assert_eq!(put(&mut queue, &ticket(1, 1)), Ok(Wait));
        queue.release_hold();

        assert_eq!(put(&mut queue, &ticket(2, 2)), Ok(Wait));
        assert_eq!(queue.next().unwrap().run, id(1));
    }

    #[test]
    fn the_line_has_an_end_for_all_for_a_script_and_for_a_user() {
        let mut queue = Queue::new(Rules { waiting: 4, ..RULES });
        let limited =
            |run| Ticket { waiting_of_script: Some(1), ..of_script("y", 9, ticket(3, run)) };

        assert_eq!(put(&mut queue, &limited(1)), Ok(Wait));
        assert_eq!(put(&mut queue, &limited(2)), Err(NoPlace));
        assert_eq!(put(&mut queue, &ticket(1, 3)), Ok(Wait));
        assert_eq!(put(&mut queue, &ticket(1, 4)), Ok(Wait));
        assert_eq!(put(&mut queue, &ticket(1, 5)), Err(NoPlace), "half of it is one user's");
        assert_eq!(put(&mut queue, &ticket(2, 6)), Ok(Wait));
        assert_eq!(put(&mut queue, &ticket(4, 7)), Err(NoPlace));
    }

    #[test]
    fn a_run_may_leave_the_line() {
        let mut queue = Queue::new(Rules { waiting: 1, ..RULES });
        assert_eq!(put(&mut queue, &ticket(1, 1)), Ok(Wait));

        assert!(queue.remove(tenant(1), id(1)));
        assert!(!queue.remove(tenant(1), id(1)));
        assert_eq!(queue.position(tenant(1), id(1)), None);
        assert_eq!(put(&mut queue, &ticket(2, 2)), Ok(Wait));
    }

    #[test]
    fn orders_that_wait_hold_no_more_memory_than_allowed() {
        let mut queue = Queue::new(RULES);
        let huge = |user, run| Ticket { bytes: MAX_WAITING_BYTES / 2, ..ticket(user, run) };

        assert_eq!(put(&mut queue, &huge(1, 1)), Ok(Wait));
        assert_eq!(put(&mut queue, &huge(2, 2)), Ok(Wait));
        assert_eq!(put(&mut queue, &ticket(3, 3)), Err(NoPlace));
    }
}
