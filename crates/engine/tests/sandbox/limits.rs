//! What a run may use up, kept per process.

use std::os::unix::process::ExitStatusExt;

use webscripts_domain::sandbox::{Preset, Resources};

use crate::fixture::{Instance, is_root, stderr, stdout};

fn limited(resources: Resources) -> Instance {
    Instance::new(Preset::Default).limits(resources)
}

#[test]
fn a_crash_leaves_no_core_dump() {
    for preset in [Preset::None, Preset::Default, Preset::Strict] {
        let instance = Instance::new(preset);

        let output = instance.sh("ulimit -c; cd \"$TMPDIR\"; perl -e 'kill 11, $$'; echo $?; ls");
        assert_eq!(stdout(&output), "0\n139", "{output:?}");
        assert!(!stderr(&output).contains("core dumped"), "{output:?}");
        assert!(!instance.sh("ulimit -c unlimited").status.success());
    }
}

#[test]
fn a_large_file_ends_at_the_limit() {
    let instance = limited(Resources { file_bytes: Some(100_000), ..Resources::default() });

    let output = instance.sh("head -c 1000000 /dev/zero > \"$TMPDIR\"/x");
    assert!(!output.status.success());
    assert_eq!(std::fs::metadata(instance.own("tmp/x")).unwrap().len(), 100_000);
}

#[test]
fn more_files_than_the_limit_cannot_be_opened() {
    let instance = limited(Resources { open_files: Some(20), ..Resources::default() });

    let output = instance.sh(
        "perl -e 'my @f; while (open my $f, \"<\", \"/dev/null\") { push @f, $f } print \"$!\"; \
         exit (@f > 20)'",
    );
    assert_eq!(stdout(&output), "Too many open files");
    assert!(output.status.success());
}

#[test]
fn processor_time_ends_at_the_limit() {
    let instance = limited(Resources { cpu_s: Some(1), ..Resources::default() });

    let output = instance.run("/usr/bin/perl", &["-e", "1 while 1"]);
    assert!(matches!(output.status.signal(), Some(libc::SIGXCPU | libc::SIGKILL)), "{output:?}");
    let stubborn = instance.run("/usr/bin/perl", &["-e", "$SIG{XCPU} = 'IGNORE'; 1 while 1"]);
    assert_eq!(stubborn.status.signal(), Some(libc::SIGKILL));
}

#[test]
fn address_space_ends_at_the_limit_without_a_control_group() {
    let instance =
        limited(Resources { memory_bytes: Some(100 * 1024 * 1024), ..Resources::default() });

    let output = instance.run("/usr/bin/perl", &["-e", "my $x = 'x' x (200 * 1024 * 1024)"]);
    assert!(!output.status.success(), "{output:?}");
    assert!(
        instance.run("/usr/bin/perl", &["-e", "my $x = 'x' x (10 * 1024 * 1024)"]).status.success()
    );
}

#[test]
fn processes_end_at_the_limit_without_a_control_group() {
    if !is_root() {
        return;
    }
    let mut instance = limited(Resources { processes: Some(5), ..Resources::default() });
    // The kernel never limits root in this way.
    instance.sandbox.user = Some("games".to_owned());

    let output = instance
        .sh("perl -e '$| = 1; my @p; while (@p < 50) { my $p = fork; last unless defined $p; \
         if (!$p) { sleep 60; exit } push @p, $p } print scalar(@p); kill 9, @p'");
    let made: u32 = stdout(&output).parse().unwrap_or(0);
    assert!((1..=5).contains(&made), "{output:?}");
}

#[test]
fn limits_cannot_be_raised_again() {
    let instance = limited(Resources {
        file_bytes: Some(100_000),
        open_files: Some(20),
        ..Resources::default()
    });

    for line in ["ulimit -f unlimited", "ulimit -n 1000", "ulimit -H -n 21"] {
        assert!(!instance.sh(line).status.success(), "{line}");
    }
}
