//! The sandbox in words.

use webscripts_domain::sandbox::{Network, Preset, Protected, Resources, Sandbox};

use super::plan::{STRICT_DEVICES, STRICT_USE};

/// What a sandbox and limits mean, as labels and sentences in the order in which people ask.
pub fn describe(
    sandbox: &Sandbox,
    protected: &Protected,
    resources: &Resources,
) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        ("preset", sandbox.preset.name().to_owned()),
        ("account", account(sandbox)),
        ("files", files(sandbox, protected)),
        ("network", network(&sandbox.network())),
        ("system calls", calls(sandbox)),
        ("always", ALWAYS.to_owned()),
    ];
    let limits = limits(resources);
    if !limits.is_empty() {
        lines.push(("limits", limits.join("; ")));
    }
    lines
}

const ALWAYS: &str = "no program gives new privileges (setuid programs, sudo); no core dumps; new \
                      files are private to the account (umask 077); no descriptors of the server";

fn account(sandbox: &Sandbox) -> String {
    match (&sandbox.user, &sandbox.group) {
        (None, None) if rustix::process::geteuid().is_root() => {
            "that of the server, root: it protects from accidents; against a hostile script set \
             `user`"
                .to_owned()
        }
        (None, None) => "that of the server".to_owned(),
        (Some(user), None) => format!("user `{user}` with its groups"),
        (None, Some(group)) => format!("that of the server, with the group `{group}` alone"),
        (Some(user), Some(group)) => format!("user `{user}`, group `{group}`"),
    }
}

fn files(sandbox: &Sandbox, protected: &Protected) -> String {
    let listed = |paths: &[std::path::PathBuf]| {
        let paths: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
        paths.join(", ")
    };
    let mut text = match sandbox.preset {
        Preset::None => return "all that the account may use".to_owned(),
        Preset::Default => format!(
            "all that the account may use but {}; of the {} configured scripts only its own, and \
             what lies beside scripts cannot be changed",
            listed(&protected.server),
            protected.scripts.len(),
        ),
        Preset::Strict => format!(
            "reads and executes {} and its own file; uses {}; changes its own directories, where \
             nothing can be executed",
            STRICT_USE.join(", "),
            STRICT_DEVICES.join(", "),
        ),
    };
    for (verb, paths) in [("reads", &sandbox.read), ("changes", &sandbox.write)] {
        if !paths.is_empty() {
            text.push_str("; besides ");
            text.push_str(verb);
            text.push(' ');
            text.push_str(&listed(paths));
        }
    }
    text
}

fn network(network: &Network) -> String {
    match network {
        Network::Allowed => "any".to_owned(),
        Network::None => "none; local sockets that have a path can be used".to_owned(),
        Network::Ports(ports) => {
            let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
            format!(
                "outgoing TCP to the ports {} and to name servers (53); no UDP, nothing incoming",
                ports.join(", "),
            )
        }
    }
}

fn calls(sandbox: &Sandbox) -> String {
    match sandbox.preset {
        Preset::None if sandbox.network() == Network::Allowed => "all".to_owned(),
        Preset::None => {
            "all of this machine's own architecture but those for the network".to_owned()
        }
        Preset::Default => {
            "none that administer the machine or look into other processes; none of other \
             architectures"
                .to_owned()
        }
        Preset::Strict => {
            "none that administer the machine, look into other processes or change modes and \
             owners of files; none of other architectures"
                .to_owned()
        }
    }
}

fn limits(resources: &Resources) -> Vec<String> {
    [
        (resources.memory_bytes, "bytes of memory"),
        (resources.cpu_s, "seconds of processor time of each process"),
        (resources.processes, "processes and threads"),
        (resources.open_files, "open files of each process"),
        (resources.file_bytes, "bytes of each file"),
    ]
    .into_iter()
    .filter_map(|(limit, unit)| Some(format!("{} {unit}", limit?)))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(sandbox: &Sandbox, label: &str) -> String {
        let protected = Protected {
            server: vec!["/srv/config".into(), "/srv/data".into()],
            scripts: vec!["/srv/scripts/a.sh".into()],
        };
        let limits = Resources { processes: Some(20), ..Resources::default() };
        let lines = describe(sandbox, &protected, &limits);
        lines.into_iter().find(|(name, _)| *name == label).unwrap().1
    }

    #[test]
    fn what_is_protected_and_declared_is_named() {
        let sandbox = Sandbox { write: vec!["/srv/share".into()], ..Sandbox::default() };

        assert_eq!(
            text(&sandbox, "files"),
            "all that the account may use but `/srv/config`, `/srv/data`; of the 1 configured \
             scripts only its own, and what lies beside scripts cannot be changed; besides changes \
             `/srv/share`",
        );
        assert_eq!(text(&sandbox, "limits"), "20 processes and threads");
    }

    #[test]
    fn connections_are_those_in_effect() {
        let strict = Sandbox { preset: Preset::Strict, ..Sandbox::default() };
        let ports = Sandbox { network: Some(Network::Ports(vec![80, 443])), ..strict.clone() };

        assert_eq!(text(&Sandbox::default(), "network"), "any");
        assert!(text(&strict, "network").starts_with("none"));
        assert!(text(&ports, "network").starts_with("outgoing TCP to the ports 80, 443 "));
    }

    #[test]
    fn the_account_is_named() {
        let sandbox = Sandbox { user: Some("backup".to_owned()), ..Sandbox::default() };

        assert_eq!(text(&sandbox, "account"), "user `backup` with its groups");
    }
}
