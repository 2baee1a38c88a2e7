//! Who is connected. When all places are taken, the connection that has waited longest for a
//! request makes room, so that clients which only hold connections open lock nobody out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// All open connections.
#[derive(Debug, Default)]
pub struct Crowd(Mutex<Idle>);

/// The connections without a request, longest waiting first.
#[derive(Debug, Default)]
struct Idle {
    next_turn: u64,
    waiting: BTreeMap<u64, CancellationToken>,
}

impl Idle {
    fn wait(&mut self, leave: &CancellationToken) -> u64 {
        let turn = self.next_turn;
        self.next_turn += 1;
        self.waiting.insert(turn, leave.clone());
        turn
    }
}

impl Crowd {
    /// A new connection; it has no request yet.
    pub fn join(self: &Arc<Self>) -> Member {
        let leave = CancellationToken::new();
        let turn = self.lock().wait(&leave);
        let state = Mutex::new(Doing { requests: 0, turn });
        Member { crowd: Arc::clone(self), leave, doing: Arc::new(state) }
    }

    /// Asks the connection that has waited longest to leave; false when all have requests.
    ///
    /// A connection whose answer is still being sent counts as waiting: a client that does not
    /// read must not hold a place for ever.
    pub fn let_one_go(&self) -> bool {
        let longest = self.lock().waiting.pop_first();
        longest.is_some_and(|(_, leave)| {
            leave.cancel();
            true
        })
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection. Dropped with it.
#[derive(Debug, Clone)]
pub struct Member {
    crowd: Arc<Crowd>,
    leave: CancellationToken,
    doing: Arc<Mutex<Doing>>,
}

#[derive(Debug)]
struct Doing {
    requests: usize,
    turn: u64,
}

impl Member {
    /// Ends when the connection has to make room.
    pub async fn told_to_leave(&self) {
        self.leave.cancelled().await;
    }

    /// A request has come; the connection keeps its place until the guard is dropped.
    pub fn begin_request(&self) -> Busy {
        let mut doing = self.doing.lock().unwrap_or_else(PoisonError::into_inner);
        if doing.requests == 0 {
            self.crowd.lock().waiting.remove(&doing.turn);
        }
        doing.requests += 1;
        Busy(self.clone())
    }

    /// The connection has ended.
    pub fn part(&self) {
        let doing = self.doing.lock().unwrap_or_else(PoisonError::into_inner);
        self.crowd.lock().waiting.remove(&doing.turn);
        self.leave.cancel();
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub struct Busy(Member);

impl Drop for Busy {
    fn drop(&mut self) {
        let Member { crowd, leave, doing } = &self.0;
        let mut doing = doing.lock().unwrap_or_else(PoisonError::into_inner);
        doing.requests -= 1;
        if doing.requests == 0 && !leave.is_cancelled() {
            doing.turn = crowd.lock().wait(leave);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_told_to_leave(member: &Member) -> bool {
        member.leave.is_cancelled()
    }

    #[test]
    fn who_has_waited_longest_leaves_first() {
        let crowd = Arc::new(Crowd::default());
        let members = [crowd.join(), crowd.join(), crowd.join()];
        drop(members[0].begin_request());

        assert!(crowd.let_one_go());
        assert_eq!([0, 1, 2].map(|at| is_told_to_leave(&members[at])), [false, true, false]);
        assert!(crowd.let_one_go());
        assert_eq!([0, 1, 2].map(|at| is_told_to_leave(&members[at])), [false, true, true]);
    }

    #[test]
    fn who_has_a_request_stays() {
        let crowd = Arc::new(Crowd::default());
        let member = crowd.join();
        let (first, second) = (member.begin_request(), member.begin_request());

        assert!(!crowd.let_one_go());
        drop(first);
        assert!(!crowd.let_one_go(), "there is another request");
        drop(second);
        assert!(crowd.let_one_go() && is_told_to_leave(&member));
    }

    #[test]
    fn who_has_parted_is_forgotten() {
        let crowd = Arc::new(Crowd::default());
        let member = crowd.join();
        let request = member.begin_request();
        member.part();
        drop(request);
        crowd.join().part();

        assert!(!crowd.let_one_go());
        assert!(crowd.lock().waiting.is_empty());
    }
}
