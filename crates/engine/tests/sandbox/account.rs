//! Accounts and what a process gets with its account.

use webscripts_domain::sandbox::Preset;
use webscripts_engine::sandbox::{Cache, PrepareError, Request};

use crate::fixture::{Instance, is_root, stdout};

#[test]
fn a_run_has_the_account_it_was_given() {
    if !is_root() {
        return;
    }
    let mut instance = Instance::new(Preset::Default);
    instance.sandbox.user = Some("daemon".to_owned());

    assert_eq!(stdout(&instance.sh("id -un; id -gn; id -Gn")), "daemon\ndaemon\ndaemon");
    assert!(instance.sh("echo x > \"$OWN\"/files/x").status.success());
    instance.sandbox.group = Some("games".to_owned());
    assert_eq!(stdout(&instance.sh("id -un; id -gn")), "daemon\ngames");
}

#[test]
fn another_account_cannot_go_back() {
    if !is_root() {
        return;
    }
    for preset in [Preset::None, Preset::Default, Preset::Strict] {
        let mut instance = Instance::new(preset);
        instance.sandbox.user = Some("daemon".to_owned());

        let output = instance.sh("perl -e '$> = 0; $< = 0; print \"$< $>\"'; id -G");
        assert_eq!(stdout(&output), "1 11", "{output:?}");
    }
}

#[test]
fn no_capability_is_left_to_another_account() {
    if !is_root() {
        return;
    }
    let mut instance = Instance::new(Preset::None);
    instance.sandbox.user = Some("daemon".to_owned());

    let output =
        instance.sh("grep -E 'Cap(Inh|Prm|Eff|Amb)' /proc/self/status | cut -f 2 | sort -u");
    assert_eq!(stdout(&output), "0000000000000000");
}

#[test]
fn root_loses_what_administers_the_machine() {
    if !is_root() {
        return;
    }
    let capabilities = |preset| {
        let mut instance = Instance::new(preset);
        instance.sandbox.read.push("/proc".into());
        let text = stdout(&instance.sh("grep CapPrm /proc/self/status | cut -f 2"));
        u64::from_str_radix(&text, 16).unwrap()
    };
    let admin = [8, 12, 16, 17, 18, 19, 20, 21, 22, 24, 25, 26, 27, 30, 32, 33, 34, 38, 39, 40];

    for number in admin {
        assert_eq!(capabilities(Preset::Default) >> number & 1, 0, "{number}");
    }
    assert_eq!(capabilities(Preset::Strict), 0);
}

#[test]
fn an_unknown_account_is_an_error() {
    let mut instance = Instance::new(Preset::Default);
    instance.sandbox.user = Some("no-such-user".to_owned());

    assert!(matches!(instance.prepare(), Err(PrepareError::UnknownAccount { kind: "user", .. })));
}

#[test]
fn new_files_are_private() {
    for preset in [Preset::None, Preset::Default, Preset::Strict] {
        let instance = Instance::new(preset);

        assert_eq!(stdout(&instance.sh("umask")), "0077");
        let output = instance.sh("touch \"$TMPDIR\"/x; stat -c %a \"$TMPDIR\"/x");
        assert_eq!(stdout(&output), "600");
    }
}

#[test]
fn what_a_machine_lacks_prevents_a_run_that_requires_it() {
    let instance = Instance::new(Preset::Default);
    let request = Request {
        sandbox: &instance.sandbox,
        protected: &instance.protected,
        resources: &instance.resources,
        covered: instance.covered,
        required: true,
        script: None,
        readable: &[],
        writable: &[],
    };
    let lacks = webscripts_engine::sandbox::lacks(&instance.sandbox, &instance.resources);

    match Cache::new().prepare(&request) {
        Ok(_) => assert_eq!(lacks, []),
        Err(PrepareError::Lacking(found)) => assert_eq!(lacks, found),
        Err(other) => panic!("{other}"),
    }
}
