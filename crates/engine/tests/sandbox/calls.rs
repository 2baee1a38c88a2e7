//! System calls that runs may not make.

use std::os::unix::process::ExitStatusExt;

use libc::{EPERM, c_long};
use webscripts_domain::sandbox::Preset;

use crate::fixture::{Instance, call, is_root, stdout};

const CONFINED: [Preset; 2] = [Preset::Default, Preset::Strict];

/// The error of a call with arguments that are wrong for every call.
fn error_of(preset: Preset, number: c_long) -> Result<(), i32> {
    let wrong = [-1; 6];
    Instance::new(preset).attempt(move || call(number, wrong).map(|_| ()))
}

#[track_caller]
fn are_refused(calls: &[c_long]) {
    for preset in CONFINED {
        for number in calls {
            assert_eq!(error_of(preset, *number), Err(EPERM), "{preset:?} {number}");
        }
    }
}

#[test]
fn mounting_is_refused() {
    are_refused(&[
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_open_tree,
        libc::SYS_move_mount,
        libc::SYS_fsopen,
        libc::SYS_fsconfig,
        libc::SYS_fsmount,
        libc::SYS_fspick,
        libc::SYS_mount_setattr,
        467, // open_tree_attr
    ]);
}

#[test]
fn handles_of_files_and_watching_of_file_systems_are_refused() {
    are_refused(&[
        libc::SYS_open_by_handle_at,
        libc::SYS_fanotify_init,
        libc::SYS_quotactl,
        libc::SYS_quotactl_fd,
        libc::SYS_acct,
        libc::SYS_swapon,
        libc::SYS_swapoff,
    ]);
}

#[test]
fn looking_into_other_processes_is_refused() {
    are_refused(&[
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_process_madvise,
        libc::SYS_kcmp,
        libc::SYS_pidfd_getfd,
        libc::SYS_setns,
    ]);
}

#[test]
fn programs_keys_and_modules_in_the_kernel_are_refused() {
    are_refused(&[
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_keyctl,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_kexec_load,
        libc::SYS_kexec_file_load,
    ]);
}

#[test]
fn changing_the_machine_is_refused() {
    are_refused(&[
        libc::SYS_settimeofday,
        libc::SYS_clock_settime,
        libc::SYS_clock_adjtime,
        libc::SYS_adjtimex,
        libc::SYS_sethostname,
        libc::SYS_setdomainname,
        libc::SYS_vhangup,
    ]);
    for preset in CONFINED {
        // With arguments that are wrong the kernel itself would refuse.
        assert_eq!(error_of(preset, libc::SYS_reboot), Err(EPERM));
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn ports_of_the_machine_are_refused() {
    are_refused(&[libc::SYS_iopl, libc::SYS_ioperm]);
}

#[test]
fn new_namespaces_are_refused() {
    let kinds = [
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWNS,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWCGROUP,
    ];
    for preset in CONFINED {
        for kind in kinds.map(c_long::from) {
            let instance = Instance::new(preset);
            let unshare = move || call(libc::SYS_unshare, [kind, 0, 0, 0, 0, 0]).map(|_| ());
            assert_eq!(instance.attempt(unshare), Err(EPERM), "{kind:#x}");
            let flags = kind | c_long::from(libc::SIGCHLD);
            let clone = move || call(libc::SYS_clone, [flags, 0, 0, 0, 0, 0]).map(|_| ());
            assert_eq!(instance.attempt(clone), Err(EPERM), "{kind:#x}");
        }
        let time = c_long::from(libc::CLONE_NEWTIME);
        let unshare = move || call(libc::SYS_unshare, [time, 0, 0, 0, 0, 0]).map(|_| ());
        assert_eq!(Instance::new(preset).attempt(unshare), Err(EPERM));
        assert_eq!(error_of(preset, libc::SYS_clone3), Err(libc::ENOSYS));
    }
}

#[test]
fn characters_cannot_be_put_into_a_terminal() {
    for preset in CONFINED {
        for request in [libc::TIOCSTI, libc::TIOCLINUX] {
            let request = c_long::try_from(request).unwrap();
            // The filter looks at 32 bits, as the kernel does.
            for request in [request, request | 1 << 40] {
                let put = move || call(libc::SYS_ioctl, [0, request, 0, 0, 0, 0]).map(|_| ());
                assert_eq!(Instance::new(preset).attempt(put), Err(EPERM));
            }
        }
    }
    let size = c_long::try_from(libc::TIOCGWINSZ).unwrap();
    let ask = move || call(libc::SYS_ioctl, [0, size, 0, 0, 0, 0]).map(|_| ());
    assert_eq!(Instance::new(Preset::Default).attempt(ask), Err(libc::ENOTTY));
}

#[test]
fn strict_refuses_to_change_how_programs_are_laid_out() {
    let change = || call(libc::SYS_personality, [0x004_0000, 0, 0, 0, 0, 0]).map(|_| ());
    let ask = || call(libc::SYS_personality, [0xFFFF_FFFF, 0, 0, 0, 0, 0]).map(|_| ());

    assert_eq!(Instance::new(Preset::Strict).attempt(change), Err(EPERM));
    assert_eq!(Instance::new(Preset::Strict).attempt(ask), Ok(()));
    assert_eq!(Instance::new(Preset::Default).attempt(change), Ok(()));
}

#[cfg(target_arch = "x86_64")]
#[test]
fn calls_of_other_architectures_are_not_made() {
    for preset in CONFINED {
        // Numbers of x32: `mount` among them.
        for number in [165, 39, 520] {
            let instance = Instance::new(preset);
            let foreign = move || call(0x4000_0000 | number, [0; 6]).map(|_| ());
            assert_eq!(instance.attempt(foreign), Err(libc::ENOSYS));
        }
        // 20 is `getpid` where `int 0x80` leads: harmless, and the end of the process.
        let instance = Instance::new(preset);
        let mut child = instance.command("/bin/true", &[]);
        end_by_foreign_call(&mut child);
        let status = child.spawn().and_then(|mut child| child.wait());
        let signal = status.as_ref().ok().and_then(ExitStatusExt::signal);
        assert_eq!(signal, Some(libc::SIGSYS), "{preset:?} {status:?}");
    }
}

#[cfg(target_arch = "x86_64")]
fn end_by_foreign_call(command: &mut std::process::Command) {
    use std::os::unix::process::CommandExt;
    #[expect(unsafe_code, reason = "only an instruction reaches calls of other architectures")]
    // SAFETY: the call takes nothing and changes the one register that is named.
    unsafe {
        command.pre_exec(|| {
            std::arch::asm!("int 0x80", inlateout("eax") 20 => _);
            Ok(())
        });
    }
}

#[test]
fn without_a_sandbox_no_call_is_refused() {
    if !is_root() {
        return;
    }
    let unshare = || {
        call(libc::SYS_unshare, [c_long::from(libc::CLONE_NEWUTS), 0, 0, 0, 0, 0])?;
        call(libc::SYS_sethostname, [c"x".as_ptr() as c_long, 1, 0, 0, 0, 0]).map(|_| ())
    };

    assert_eq!(Instance::new(Preset::None).attempt(unshare), Ok(()));
    assert!(
        stdout(&Instance::new(Preset::None).sh("grep Seccomp: /proc/self/status")).ends_with('0')
    );
    assert!(
        stdout(&Instance::new(Preset::Default).sh("grep Seccomp: /proc/self/status"))
            .ends_with('2')
    );
}
