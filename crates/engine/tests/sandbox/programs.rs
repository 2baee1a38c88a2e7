//! What has to go on working in a sandbox.

use webscripts_domain::sandbox::Preset;

use crate::fixture::{Instance, stdout};

/// A line of the shell and what it prints; where the program is not installed it is skipped.
#[track_caller]
fn works(preset: Preset, program: &str, line: &str, expected: &str) {
    let instance = Instance::new(preset);
    let is_installed = Instance::new(Preset::None).sh(&format!("command -v {program}"));
    if is_installed.status.success() {
        let output = instance.sh(line);
        assert_eq!(stdout(&output), expected, "{preset:?} {program}: {output:?}");
    }
}

#[test]
fn the_shell_works() {
    for preset in [Preset::Default, Preset::Strict] {
        works(
            preset,
            "bash",
            "bash -c 'x=$(echo a | cat <(cat)); echo $x; echo b >&2; cat <<< c'",
            "a\nc",
        );
        works(preset, "sh", "for i in 1 2; do echo $i; done | sort -r | tr '\\n' ' '", "2 1");
    }
}

#[test]
fn tools_work_in_a_directory_that_cannot_be_listed() {
    works(Preset::Default, "find", "find doc -name '*.html'", "doc/page.html");
    works(Preset::Default, "find", "find \"$ELSEWHERE\" -type d | wc -l", "1");
    works(Preset::Default, "tar", "tar -cf - doc | tar -tf - | wc -l", "2");
    works(Preset::Default, "rm", "mkdir -p doc/a/b && rm -r doc/a && echo removed", "removed");
    works(
        Preset::Default,
        "cp",
        "cp -rp doc \"$ELSEWHERE\"/copy && cat \"$ELSEWHERE\"/copy/page.html",
        "page",
    );
    works(
        Preset::Default,
        "sed",
        "cp doc/page.html doc/x; sed -i s/page/line/ doc/x; cat doc/x",
        "line",
    );
    works(Preset::Strict, "sed", "cd \"$TMPDIR\"; echo a > x; sed -i s/a/b/ x; cat x", "b");
}

#[test]
fn git_works() {
    let line = "cd \"$ELSEWHERE\" && git init -q . && git config user.email a@b && \
                git config user.name a && echo x > f && git add f && git commit -qm m && \
                git clone -q . ../elsewhere/clone && git -C clone log --format=%s";
    works(Preset::Default, "git", line, "m");
}

#[test]
fn python_works_and_finds_modules_beside_the_script() {
    let line = "printf 'import helper, subprocess, tempfile, json, socket\n\
                print(helper.answer, subprocess.run([\"echo\", \"a\"], capture_output=True).stdout)\n\
                tempfile.NamedTemporaryFile()' > \"$TMPDIR\"/x; \
                PYTHONPATH=scripts python3 \"$TMPDIR\"/x";
    works(Preset::Default, "python3", line, "42 b'a\\n'");
    works(
        Preset::Strict,
        "/usr/bin/python3",
        "/usr/bin/python3 -c 'import json, tempfile, subprocess, hashlib; \
        f = tempfile.NamedTemporaryFile(); print(f.write(b\"x\"), subprocess.check_output([\"echo\", \"a\"]))'",
        "1 b'a\\n'",
    );
}

#[test]
fn perl_and_node_and_java_work() {
    for preset in [Preset::Default, Preset::Strict] {
        works(preset, "perl", "perl -MPOSIX -e 'print join \",\", map { $_ * 2 } 1..3'", "2,4,6");
        works(
            preset,
            "/usr/bin/node",
            "/usr/bin/node -e 'require(\"child_process\").exec(\"echo a\", (e, o) => console.log(o.trim(), require(\"os\").cpus().length > 0))'",
            "a true",
        );
        works(preset, "/usr/bin/java", "/usr/bin/java -version 2>/dev/null && echo ran", "ran");
    }
}

#[test]
fn tools_that_look_at_the_machine_work() {
    works(Preset::Default, "ps", "ps -o pid= -p 1 | tr -d ' '", "1");
    works(Preset::Default, "df", "df / > /dev/null && echo ran", "ran");
    works(Preset::Default, "uptime", "uptime > /dev/null && free > /dev/null && echo ran", "ran");
    works(Preset::Default, "curl", "curl -s file://$PWD/doc/page.html", "page");
}
