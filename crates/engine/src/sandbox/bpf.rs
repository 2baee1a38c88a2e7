//! Filters of system calls as programs of the kernel's packet filter (seccomp(2)).
//!
//! A call is found by halving the ranges of numbers that have the same verdict, so that it costs
//! about seven instructions instead of one for each entry; the kernel compiles the program and goes
//! through it for every number when it is installed, which is once per run.

use libc::sock_filter;

/// Where `struct seccomp_data` holds the number of the call.
const NUMBER: u32 = 0;
/// Where it holds the architecture of the caller.
const ARCHITECTURE: u32 = 4;
/// Where it holds the first argument; each has eight bytes.
const ARGUMENTS: u32 = 16;

/// The architecture this is compiled for (`AUDIT_ARCH_*`).
#[cfg(target_arch = "x86_64")]
pub(super) const OWN_ARCHITECTURE: Option<u32> = Some(0xC000_003E);
/// The architecture this is compiled for (`AUDIT_ARCH_*`).
#[cfg(target_arch = "aarch64")]
pub(super) const OWN_ARCHITECTURE: Option<u32> = Some(0xC000_00B7);
/// The architecture this is compiled for (`AUDIT_ARCH_*`).
#[cfg(target_arch = "riscv64")]
pub(super) const OWN_ARCHITECTURE: Option<u32> = Some(0xC000_00F3);
/// The architecture this is compiled for is not known here.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
pub(super) const OWN_ARCHITECTURE: Option<u32> = None;

/// From this number on, calls of x86-64 are those of its variant with short pointers (x32).
#[cfg(target_arch = "x86_64")]
const FOREIGN_NUMBERS: Option<u32> = Some(0x4000_0000);
/// Other architectures have no variant that shares the architecture's name.
#[cfg(not(target_arch = "x86_64"))]
const FOREIGN_NUMBERS: Option<u32> = None;

/// What a test looks at: instructions handle 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Half {
    /// The lower half of the argument with this number, counted from 0.
    Lower(u32),
    /// Its upper half.
    Upper(u32),
}

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is made.
    Allow,
    /// It returns this error.
    Refuse(i32),
    /// The first if one of these bits is set, else the second.
    IfBits(Half, u32, Box<[Verdict; 2]>),
    /// The first if what remains under the mask has one of these values, else the second.
    IfOneOf(Half, u32, Vec<u32>, Box<[Verdict; 2]>),
}

impl Verdict {
    /// A verdict that depends on bits of an argument.
    pub(super) fn if_bits(half: Half, bits: u32, yes: Self, no: Self) -> Self {
        Self::IfBits(half, bits, Box::new([yes, no]))
    }

    /// A verdict that depends on the value of an argument.
    pub(super) fn if_one_of(half: Half, values: Vec<u32>, yes: Self, no: Self) -> Self {
        Self::IfOneOf(half, u32::MAX, values, Box::new([yes, no]))
    }
}

/// A program that decides on every system call; calls that are not in the list are made. Calls of
/// other architectures end the process: their numbers mean other calls.
pub(super) fn program(architecture: u32, rules: &[(u32, Verdict)]) -> Vec<sock_filter> {
    let mut rules: Vec<(u32, Verdict)> = rules.to_vec();
    rules.extend(FOREIGN_NUMBERS.map(|first| (first, Verdict::Refuse(libc::ENOSYS))));
    rules.sort_by_key(|(number, _)| *number);
    let mut program = vec![
        load(ARCHITECTURE),
        jump(libc::BPF_JEQ, architecture, 1, 0),
        answer(libc::SECCOMP_RET_KILL_PROCESS),
        load(NUMBER),
    ];
    program.extend(find(&ranges(&rules)));
    program
}

/// Where each verdict begins to hold, from the number 0 on, for all numbers.
fn ranges(rules: &[(u32, Verdict)]) -> Vec<(u32, &Verdict)> {
    let mut ranges: Vec<(u32, &Verdict)> = vec![(0, &Verdict::Allow)];
    for (number, verdict) in rules {
        // The verdict on the number before goes on, or something else begins here.
        ranges.pop_if(|(first, _)| first == number);
        ranges.push((*number, verdict));
        if Some(*number) != FOREIGN_NUMBERS {
            ranges.push((number + 1, &Verdict::Allow));
        }
    }
    ranges.dedup_by(|later, earlier| later.1 == earlier.1);
    ranges
}

/// Instructions that find the range of the number; every path ends with an answer.
fn find(ranges: &[(u32, &Verdict)]) -> Vec<sock_filter> {
    match ranges {
        [] => vec![answer(libc::SECCOMP_RET_ALLOW)],
        [(_, verdict)] => decide(verdict),
        more => {
            let (lower, upper) = more.split_at(more.len() / 2);
            let first = upper.first().map_or(u32::MAX, |(number, _)| *number);
            choose(jump(libc::BPF_JGE, first, 0, 0), find(upper), find(lower))
        }
    }
}

fn decide(verdict: &Verdict) -> Vec<sock_filter> {
    match verdict {
        Verdict::Allow => vec![answer(libc::SECCOMP_RET_ALLOW)],
        Verdict::Refuse(errno) => vec![refuse(*errno)],
        Verdict::IfBits(argument, bits, verdicts) => {
            let [yes, no] = verdicts.as_ref();
            let mut block = vec![load(argument.offset())];
            block.extend(choose(jump(libc::BPF_JSET, *bits, 0, 0), decide(yes), decide(no)));
            block
        }
        Verdict::IfOneOf(argument, mask, values, verdicts) => {
            let [yes, no] = verdicts.as_ref();
            let mut block = vec![
                load(argument.offset()),
                statement(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, *mask),
            ];
            let otherwise = values.iter().rev().fold(decide(no), |otherwise, value| {
                choose(jump(libc::BPF_JEQ, *value, 0, 0), decide(yes), otherwise)
            });
            block.extend(otherwise);
            block
        }
    }
}

/// A test with the blocks for its success and its failure. A test can skip 255 instructions; a
/// longer first block is passed by a jump of its own.
fn choose(test: sock_filter, yes: Vec<sock_filter>, no: Vec<sock_filter>) -> Vec<sock_filter> {
    let mut block = if let Ok(over) = u8::try_from(yes.len()) {
        vec![sock_filter { jt: 0, jf: over, ..test }]
    } else {
        let over = u32::try_from(yes.len()).unwrap_or(u32::MAX);
        let test = sock_filter { jt: 1, jf: 0, ..test };
        vec![test, statement(libc::BPF_JMP | libc::BPF_JA, over)]
    };
    block.extend(yes);
    block.extend(no);
    block
}

impl Half {
    fn offset(self) -> u32 {
        let (argument, is_second) = match self {
            Self::Lower(argument) => (argument, cfg!(target_endian = "big")),
            Self::Upper(argument) => (argument, cfg!(target_endian = "little")),
        };
        ARGUMENTS + 8 * argument + 4 * u32::from(is_second)
    }
}

fn load(offset: u32) -> sock_filter {
    statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset)
}

fn refuse(errno: i32) -> sock_filter {
    answer(libc::SECCOMP_RET_ERRNO | errno.unsigned_abs())
}

fn answer(action: u32) -> sock_filter {
    statement(libc::BPF_RET | libc::BPF_K, action)
}

fn jump(test: u32, value: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { jt, jf, ..statement(libc::BPF_JMP | test | libc::BPF_K, value) }
}

#[expect(clippy::cast_possible_truncation, reason = "operation codes have sixteen bits")]
fn statement(code: u32, k: u32) -> sock_filter {
    sock_filter { code: code as u16, jt: 0, jf: 0, k }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARCH: u32 = 7;

    /// What the kernel would answer: the few instructions that are used here.
    fn run(program: &[sock_filter], architecture: u32, number: u32, arguments: [u32; 3]) -> u32 {
        let (mut at, mut accumulator) = (0, 0);
        loop {
            let each = program[at];
            at += 1;
            match u32::from(each.code) {
                0x20 => {
                    accumulator = match each.k {
                        NUMBER => number,
                        ARCHITECTURE => architecture,
                        offset => {
                            assert_eq!((offset - ARGUMENTS) % 8, 0);
                            arguments[((offset - ARGUMENTS) / 8) as usize]
                        }
                    }
                }
                0x05 => at += each.k as usize,
                0x15 => at += usize::from(if accumulator == each.k { each.jt } else { each.jf }),
                0x35 => at += usize::from(if accumulator >= each.k { each.jt } else { each.jf }),
                0x45 => at += usize::from(if accumulator & each.k > 0 { each.jt } else { each.jf }),
                0x54 => accumulator &= each.k,
                0x06 => return each.k,
                other => panic!("unknown instruction {other:#x}"),
            }
        }
    }

    const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;

    fn refused(errno: i32) -> u32 {
        libc::SECCOMP_RET_ERRNO | errno.unsigned_abs()
    }

    #[test]
    fn every_number_gets_its_own_verdict() {
        let rules: Vec<_> = (0..200)
            .map(|each| (3 * each, Verdict::Refuse(i32::try_from(each).unwrap() + 1)))
            .collect();
        let program = program(ARCH, &rules);

        for number in 0..700 {
            let expected = match (number % 3, number / 3) {
                (0, each @ 0..200) => refused(i32::try_from(each).unwrap() + 1),
                _ => ALLOW,
            };
            assert_eq!(run(&program, ARCH, number, [0; 3]), expected, "{number}");
        }
    }

    #[test]
    fn another_architecture_is_killed() {
        let program = program(ARCH, &[]);

        assert_eq!(run(&program, ARCH + 1, 1, [0; 3]), libc::SECCOMP_RET_KILL_PROCESS);
        assert_eq!(run(&program, ARCH, 1, [0; 3]), ALLOW);
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn numbers_of_the_variant_with_short_pointers_do_not_exist() {
        let program = program(ARCH, &[]);

        assert_eq!(run(&program, ARCH, 0x4000_0000, [0; 3]), refused(libc::ENOSYS));
        assert_eq!(run(&program, ARCH, 0x4000_0000 + 165, [0; 3]), refused(libc::ENOSYS));
        assert_eq!(run(&program, ARCH, u32::MAX, [0; 3]), refused(libc::ENOSYS));
    }

    #[test]
    fn arguments_are_tested_in_turn() {
        let refuse = Verdict::Refuse;
        let inner = Verdict::if_bits(Half::Lower(2), 0b110, refuse(2), Verdict::Allow);
        let verdicts = Box::new([inner, refuse(1)]);
        let outer = Verdict::IfOneOf(Half::Lower(0), 0xF, vec![4, 9], verdicts);
        let program = program(ARCH, &[(5, outer)]);

        for (arguments, expected) in [
            ([4, 0, 0b001], ALLOW),
            ([0xF9, 0, 0b001], ALLOW),
            ([9, 0, 0b010], refused(2)),
            ([9, 0, 0b100], refused(2)),
            ([5, 0, 0b001], refused(1)),
        ] {
            assert_eq!(run(&program, ARCH, 5, arguments), expected, "{arguments:?}");
        }
    }
}
