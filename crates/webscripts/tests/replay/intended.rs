//! Every intended difference from the recording, the decision that explains it, and what our answer
//! is instead. An answer that is neither recorded nor written here is a fault.

use crate::listings::Who;
use crate::transcript::{Request, Response, Step};

/// A rule.
pub struct Rule {
    /// Name in the table.
    pub id: &'static str,
    /// Which steps it concerns.
    pub steps: Steps,
    /// What our answer is.
    pub ours: Ours,
    /// What explains it: file and section, with the deciding words.
    pub why: &'static str,
    /// Whether the recorded answer is right as well. Without this, a step that comes out as recorded
    /// makes the rule stale, which fails the test.
    pub or_as_recorded: bool,
}

/// Which steps a rule concerns.
pub enum Steps {
    /// These, as `<number of the theme>/<id>`.
    Named(&'static [&'static str]),
    /// All for which this holds.
    All(fn(&Step, &Request, &Response) -> bool),
}

/// What our answer is instead of the recorded one.
pub enum Ours {
    /// The plain error page of this status.
    Plain(u16),
    /// The plain error page of the recorded status.
    PlainAsRecorded,
    /// This status from the layer that reads HTTP, before any page: headers and body do not matter.
    Refusal(u16),
    /// The probe runs with these words and this input.
    Echo {
        /// Arguments after the name of the script.
        argv: &'static [&'static str],
        /// Standard input, read as Latin-1.
        stdin: &'static str,
    },
    /// As recorded, but the script ended with this code, and earlier where time counts.
    TimedOut {
        /// Exit code.
        code: i32,
    },
    /// A run that ended so.
    Run {
        /// What was left of standard output.
        stdout: &'static str,
        /// Standard error.
        stderr: &'static str,
        /// Exit code.
        code: i32,
    },
    /// As recorded, but a stand-in ran.
    StandIn,
    /// A sign-in whose cookie names this user.
    Cookie(u32),
    /// The redirect to the sign-in page.
    SignInFirst,
    /// The redirect to the index.
    ToIndex,
    /// A page, status 200.
    Page,
    /// This listing of `/api/`.
    Listing(Who),
    /// As recorded, without a body.
    WithoutBody,
    /// No answer.
    Nothing,
    /// One of these.
    AnyOf(&'static [Ours]),
}

/// 400 or 406 with the error page.
const MALFORMED: Ours = Ours::AnyOf(&[Ours::Plain(400), Ours::Plain(406)]);

impl Rule {
    const fn new(id: &'static str, steps: Steps, ours: Ours, why: &'static str) -> Self {
        Self { id, steps, ours, why, or_as_recorded: false }
    }

    const fn or_as_recorded(mut self) -> Self {
        self.or_as_recorded = true;
        self
    }

    /// Whether it names the step `id` of the theme, which begins with `number`.
    pub fn names(&self, number: &str, id: &str) -> bool {
        let Steps::Named(names) = self.steps else { return false };
        names.iter().any(|name| name.split_once('/') == Some((number, id)))
    }

    /// Whether it concerns the step.
    pub fn concerns(
        &self,
        number: &str,
        step: &Step,
        request: &Request,
        response: &Response,
    ) -> bool {
        match self.steps {
            Steps::Named(_) => self.names(number, &step.id),
            Steps::All(holds) => holds(step, request, response),
        }
    }
}

/// A step of a tool that the reference ships and the instance has a stand-in for. The probes of the
/// instance lie next to them in `/api/scripts/`.
fn is_tool_run(_: &Step, request: &Request, response: &Response) -> bool {
    const TOOLS: [&str; 13] = [
        "add_group.py",
        "add_user.py",
        "api_view_groups.py",
        "api_view_users.py",
        "change_my_password.py",
        "change_user_password.py",
        "delete_group.py",
        "delete_user.py",
        "get_apikey.py",
        "my_user_informations.py",
        "password_generator.py",
        "view_groups.py",
        "view_users.py",
    ];
    let (method, path) = request.target();
    let name = path.strip_prefix("/api/scripts/").unwrap_or_default();
    method == "POST" && response.status() == Some(200) && TOOLS.contains(&name)
}

/// A recorded error page of the reference's module `error_pages`.
fn is_html_error(_: &Step, _: &Request, response: &Response) -> bool {
    response.body.html.is_some() && response.status().is_some_and(|status| status >= 400)
}

/// A recorded answer to HEAD that has a body.
fn is_head_with_body(_: &Step, request: &Request, response: &Response) -> bool {
    request.target().0 == "HEAD" && !response.body.empty
}

/// A recorded file that the reference ships.
fn is_shipped_file(_: &Step, request: &Request, response: &Response) -> bool {
    const OURS: [&str; 1] = ["/static/own%20page.html"];
    let (_, path) = request.target();
    let below = path.starts_with("/static/") || path.starts_with("/js/");
    // Files of a part that brings its own are small and have names of their own.
    let is_own = path.starts_with("/static/f.") || path == "/static/noext" || path == "/js/own.js";
    below
        && response.status() == Some(200)
        && !is_own
        && !OURS.contains(&path)
        && response.body.text.is_none()
}

/// The rules, those of single steps first.
pub const RULES: &[Rule] = &[
    // Methods.
    Rule::new(
        "method-405",
        Steps::Named(&[
            "01/anon-22", "01/anon-23", "01/anon-24", "01/anon-25", "01/anon-26", "01/anon-27",
            "01/anon-28", "01/anon-put-body", "01/in-put", "04/post-key",
        ]),
        Ours::Plain(405),
        "attack-checks.md 25: method tricks: \"405, no effect\"; http-api.md §3 Do: \"others 405\"",
    ),
    Rule::new(
        "get-starts-nothing",
        Steps::Named(&[
            "01/anon-auth-get", "01/in-get-run", "01/in-head-run", "01/in-get-run-query",
            "03/origin-on-get",
        ]),
        Ours::Plain(405),
        "spec/README.md: \"GET and HEAD never start a script (405); only POST does\"",
    ),
    Rule::new(
        "asterisk-form",
        Steps::Named(&["22/asterisk"]),
        Ours::AnyOf(&[Ours::Plain(405), Ours::Plain(400), Ours::Refusal(400)]),
        "http-api.md §2 KW bare 500 \"Do: one error path\"; attack-checks.md 25: OPTIONS → 405",
    ),
    // Output line by line.
    Rule::new(
        "the-last-output-is-not-lost",
        Steps::Named(&["04/no-timeout-line-06"]),
        Ours::Run { stdout: "", stderr: "problem at the end\n", code: 3 },
        "scripts.md §8 KW \"without timeout the final poll fails with 500 and the last output is \
         lost\" \"Do: … clean-up after end + 300 s independent of timeout\"",
    ),
    // Addresses.
    Rule::new(
        "fixed-routes",
        Steps::Named(&[
            "01/in-internal-05", "01/in-internal-07", "01/in-internal-11", "01/in-internal-12",
            "01/in-internal-13",
        ]),
        Ours::Plain(404),
        "http-api.md §3 KW object walk, \"Do: fixed route table, literal segments only; unknown → 404\"",
    ),
    Rule::new(
        "vanished-file",
        Steps::Named(&["17/deleted-file"]),
        Ours::Plain(404),
        "http-api.md §7 KW \"Do: log; 404 for vanished files\"",
    ),
    Rule::new(
        "modules-come-later",
        Steps::Named(&["22/deep-json-900"]),
        Ours::Plain(404),
        "issue 2 builds no modules; http-api.md §3: \"Everything else: 404\"",
    ),
    // Signing in.
    Rule::new(
        "sign-in-arguments",
        Steps::Named(&[
            "02/empty-password", "02/no-password-user", "02/no-arguments", "02/empty-body",
            "02/username-only", "02/apikey-empty", "02/apikey-list", "02/help-option",
            "02/unknown-option", "02/positional", "02/bool-username", "02/abbreviated-options",
        ]),
        Ours::AnyOf(&[Ours::Plain(400), Ours::Cookie(0)]),
        "security.md §8 KW \"a crash of the script on wrong input is a server error\" \"Do: validate\"; \
         spec/README.md: undeclared arguments \"refused with 400\"; security.md §7: \"bad credentials \
         format\" is a failure",
    ),
    Rule::new(
        "dash-values-are-values",
        Steps::Named(&["02/password-like-option", "02/user-like-option"]),
        Ours::Cookie(0),
        "security.md §2 KW \"username starting with - becomes an option of the script. Do: pass \
         --username=<value>\"",
    ),
    Rule::new(
        "bad-credentials-are-failed-ones",
        Steps::Named(&[
            "02/basic-odd-base64", "02/basic-not-utf8", "02/token-superscript-id",
        ]),
        Ours::SignInFirst,
        "security.md §2 KW \"invalid Base64/UTF-8 → bare 500. Do: treat as failed authentication\"",
    ),
    Rule::new(
        "several-sessions",
        Steps::Named(&["02/old-session", "02/basic-kills-session-3"]),
        Ours::Page,
        "security.md §3 KW one session per id, \"Do: … several sessions per user with a cap\"",
    ),
    Rule::new(
        "open-listing",
        Steps::Named(&["02/noauth-api", "02/flag-a-api"]),
        Ours::Listing(Who::Everybody),
        "configuration.md §13 KW -a, \"Do: with active_auth false treat both accept flags as true\"",
    ),
    // Where a request comes from.
    Rule::new(
        "foreign-origin-403",
        Steps::Named(&[
            "02/no-origin", "02/bad-origin", "03/origin-missing", "03/origin-null",
            "03/origin-empty", "03/origin-other", "03/origin-port", "03/origin-noscheme",
            "03/origin-odd-scheme", "03/origin-slash", "03/origin-localhost", "03/post-static",
        ]),
        Ours::Plain(403),
        "attack-checks.md 45: no, null or other Origin: 403; security.md §6 \"Do: parse both\"",
    ),
    Rule::new(
        "origin-case",
        Steps::Named(&["03/origin-upper"]),
        Ours::AnyOf(&[Ours::Echo { argv: &["x"], stdin: "" }, Ours::Plain(403)]),
        "security.md §6: \"Do: parse both, compare host and port case-insensitively\"",
    ),
    Rule::new(
        "host-is-required",
        Steps::Named(&["03/host-missing", "22/http11-nohost", "22/header-dup-host"]),
        Ours::AnyOf(&[Ours::Plain(400), Ours::Refusal(400)]),
        "http-api.md §1 \"Do: HTTP/1.1\" (RFC 9112 §3.2); attack-checks.md 53: \"400 for ambiguous \
         requests\"",
    ),
    // Bodies.
    Rule::new(
        "broken-text-400",
        Steps::Named(&["03/str-nul", "03/str-surrogate"]),
        Ours::Plain(400),
        "attack-checks.md 7: NUL, lone surrogate: \"400 with field name … never 500\"",
    ),
    Rule::new(
        "not-a-number",
        Steps::Named(&["03/float-nan", "03/float-inf"]),
        MALFORMED,
        "attack-checks.md 10: NaN: \"typed refusal\"; scripts.md §6 Do: \"every other malformation 406 \
         (or 400)\"",
    ),
    Rule::new(
        "duplicate-names-400",
        Steps::Named(&["03/duplicate-names"]),
        MALFORMED,
        "attack-checks.md 3, 11: duplicate name: 400; scripts.md §6 Do: \"406 (or 400)\"",
    ),
    Rule::new(
        "items-are-texts",
        Steps::Named(&["03/list-float", "03/list-nested", "03/list-dict", "03/in-list-list"]),
        MALFORMED,
        "scripts.md §6 Do: \"every other malformation 406 (or 400) with the usual error page\"",
    ),
    Rule::new(
        "items-are-texts-on-input",
        Steps::Named(&["03/in-list-float"]),
        MALFORMED,
        "scripts.md §6 Do: \"every other malformation 406 (or 400) with the usual error page\"",
    )
    .or_as_recorded(),
    Rule::new(
        "input-beyond-latin-1",
        Steps::Named(&["03/in-euro"]),
        Ours::Echo { argv: &[], stdin: "\u{e2}\u{82}\u{ac}" },
        "scripts.md §6 stdin KW \"Do: … use latin-1, otherwise UTF-8\"",
    ),
    Rule::new(
        "missing-input-is-false",
        Steps::Named(&["03/no-input", "03/no-input-list"]),
        Ours::Echo { argv: &["x"], stdin: "" },
        "scripts.md §6: \"Do: missing input = false\"",
    ),
    Rule::new(
        "missing-input-is-false-1",
        Steps::Named(&["03/no-input-int"]),
        Ours::Echo { argv: &["1"], stdin: "" },
        "scripts.md §6: \"Do: missing input = false\"",
    ),
    Rule::new(
        "malformed-not-500",
        Steps::Named(&[
            "03/no-value", "03/json-list", "03/json-string", "03/json-number", "03/json-true",
            "22/deep-json", "22/long-number",
        ]),
        MALFORMED,
        "scripts.md §6 Do: \"every other malformation 406 (or 400) with the usual error page\"; \
         security.md §13 no. 15: \"reject\"",
    ),
    Rule::new(
        "sign-in-bodies-are-small",
        Steps::Named(&["22/deep-json-anon"]),
        Ours::Plain(413),
        "attack-checks.md 11: depth 100,000: \"400/413/415, memory flat\"",
    ),
    Rule::new(
        "body-is-utf-8",
        Steps::Named(&["03/json-utf16"]),
        MALFORMED,
        "attack-checks.md 7: invalid UTF-8: 400; RFC 8259 §8.1",
    ),
    Rule::new(
        "syntax-400",
        Steps::Named(&[
            "03/json-bad", "03/json-trailing", "03/json-not-utf8", "03/json-comment",
            "03/json-single-quotes", "03/length-short", "03/gzip-body",
        ]),
        Ours::AnyOf(&[Ours::Plain(400), Ours::Plain(415)]),
        "attack-checks.md 11: trailing junk and the like: \"400/413/415\"",
    )
    .or_as_recorded(),
    Rule::new(
        "shape-400",
        Steps::Named(&[
            "03/dict", "03/plain-string", "03/plain-null", "03/plain-int", "03/plain-list",
            "03/args-list", "03/args-string", "03/args-null", "03/no-arguments",
            "03/empty-object", "03/json-list-empty", "03/json-zero", "03/json-null",
        ]),
        Ours::Plain(400),
        "scripts.md §6 Do: \"every other malformation 406 (or 400) with the usual error page\"",
    )
    .or_as_recorded(),
    Rule::new(
        "type-415",
        Steps::Named(&[
            "02/form", "03/ctype-missing", "03/ctype-text", "03/ctype-form", "03/ctype-leading",
        ]),
        Ours::Plain(415),
        "attack-checks.md 11: wrong content type: \"400/413/415\"",
    )
    .or_as_recorded(),
    Rule::new(
        "type-is-parsed",
        Steps::Named(&["03/ctype-prefix"]),
        Ours::AnyOf(&[Ours::Plain(415), Ours::Plain(406)]),
        "attack-checks.md 11: wrong content type: \"400/413/415\"",
    )
    .or_as_recorded(),
    Rule::new(
        "type-has-no-case",
        Steps::Named(&["03/ctype-upper"]),
        Ours::AnyOf(&[Ours::Echo { argv: &["x"], stdin: "" }, Ours::Plain(415)]),
        "http-api.md §1 \"Do: HTTP/1.1\" (RFC 9110 §8.3.1); attack-checks.md 11",
    )
    .or_as_recorded(),
    Rule::new(
        "large-body",
        Steps::Named(&["22/large-body-anon"]),
        Ours::AnyOf(&[Ours::Plain(413), Ours::Refusal(413), Ours::Plain(415)]),
        "http-api.md §1 KW no limits, \"Do: … body cap configurable\"; attack-checks.md 11",
    )
    .or_as_recorded(),
    Rule::new(
        "large-body-unread",
        Steps::Named(&["22/large-body-no-origin"]),
        Ours::AnyOf(&[Ours::Plain(403), Ours::Plain(413), Ours::Refusal(413)]),
        "attack-checks.md 45: no Origin: 403; http-api.md §1 \"Do: … body cap\"",
    )
    .or_as_recorded(),
    Rule::new(
        "too-many-arguments",
        Steps::Named(&["21/args-too-long", "21/args-too-many"]),
        Ours::AnyOf(&[Ours::Plain(413), Ours::Plain(400)]),
        "attack-checks.md 11: \"400/413/415\"; issue 2: \"Bad input anywhere gets a clear error\"",
    ),
    // How bytes are carried.
    Rule::new(
        "length-is-a-number",
        Steps::Named(&[
            "03/length-text", "03/length-negative", "03/length-plus", "22/cl-twice", "22/cl-huge",
            "22/cl-unicode-digit",
        ]),
        Ours::Refusal(400),
        "attack-checks.md 53: CL+CL and the like: \"400 for ambiguous requests\"",
    ),
    Rule::new(
        "length-and-chunks",
        Steps::Named(&["03/chunked-with-length"]),
        Ours::Refusal(400),
        "attack-checks.md 53: CL+TE: \"400 for ambiguous requests\"",
    ),
    Rule::new(
        "chunks-are-read",
        Steps::Named(&["03/chunked-body"]),
        Ours::Echo { argv: &["x"], stdin: "" },
        "http-api.md §1: \"Do: HTTP/1.1\" (RFC 9112 §7.1)",
    ),
    Rule::new(
        "body-cut-off",
        Steps::Named(&["03/chunked", "22/cl-too-long-closed"]),
        Ours::AnyOf(&[Ours::Refusal(400), Ours::Nothing]),
        "http-api.md §1: \"Do: HTTP/1.1\" (RFC 9112 §8: an incomplete request is not processed)",
    ),
    Rule::new(
        "malformed-http",
        Steps::Named(&[
            "22/http20", "22/http9", "22/http09", "22/badversion", "22/noversion-3", "22/garbage",
            "22/no-leading-slash", "22/space-in-path", "22/header-no-colon",
            "22/header-space-name", "22/header-fold",
        ]),
        Ours::AnyOf(&[Ours::Refusal(400), Ours::Refusal(505)]),
        "http-api.md §1 \"Do: HTTP/1.1\" (RFC 9112 §3, §5); attack-checks.md 53: \"400 for ambiguous \
         requests\"",
    ),
    Rule::new(
        "bare-line-feed",
        Steps::Named(&["22/lf-only"]),
        Ours::Refusal(400),
        "attack-checks.md 53: bare LF: \"400 for ambiguous requests\"",
    )
    .or_as_recorded(),
    Rule::new(
        "empty-line-first",
        Steps::Named(&["22/empty-line-first"]),
        Ours::AnyOf(&[Ours::SignInFirst, Ours::Refusal(400)]),
        "http-api.md §1 \"Do: HTTP/1.1\" (RFC 9112 §2.2: an empty line before a request is ignored)",
    )
    .or_as_recorded(),
    Rule::new(
        "absolute-form",
        Steps::Named(&["22/absolute"]),
        Ours::Listing(Who::Anonymous),
        "http-api.md §1 \"Do: HTTP/1.1\" (RFC 9112 §3.2.2: the absolute form is accepted)",
    ),
    Rule::new(
        "fragment",
        Steps::Named(&["22/fragment"]),
        Ours::AnyOf(&[Ours::Listing(Who::Anonymous), Ours::Refusal(400)]),
        "http-api.md §1 \"Do: HTTP/1.1\" (RFC 9112 §3.2.1: a target has no fragment)",
    ),
    Rule::new(
        "long-target",
        Steps::Named(&["22/long-path-70k"]),
        Ours::AnyOf(&[Ours::Refusal(414), Ours::Refusal(431)]),
        "http-api.md §1 KW no limits, \"Do: … limits\": 64 KiB",
    ),
    Rule::new(
        "large-head",
        Steps::Named(&["22/long-header-70k", "22/headers-200"]),
        Ours::Refusal(431),
        "http-api.md §1 KW no limits, \"Do: … limits\": 64 KiB",
    ),
    // Failed sign-ins.
    Rule::new(
        "failures-block",
        Steps::Named(&[
            "15/fail-4", "15/fail-5", "15/fail-6", "15/fail-7", "15/fail-8", "15/fail-then-good",
            "15/basic-bad-4", "15/basic-bad-5", "15/basic-bad-6", "15/zero-bad-2",
            "15/zero-bad-3",
        ]),
        Ours::Plain(403),
        "security.md §7 KW, \"Do: count failures … block at the T-th failure within B\", \"Keep 403\"",
    ),
    Rule::new(
        "successes-do-not-block",
        Steps::Named(&[
            "15/good-5", "15/good-6", "15/t-3", "15/null-5", "15/zero-2", "15/zero-3",
        ]),
        Ours::Cookie(2),
        "security.md §7 KW \"successes counted instead of failures\", \"Do: count failures\"",
    ),
    Rule::new(
        "successes-do-not-block-requests",
        Steps::Named(&[
            "15/basic-4", "15/basic-5", "15/key-4", "15/key-5", "15/sess-blocked",
        ]),
        Ours::ToIndex,
        "security.md §7: \"with the fix no limit on successful use remains\"",
    ),
    Rule::new(
        "successes-do-not-block-visitors",
        Steps::Named(&["15/good-root", "15/t-slide-2"]),
        Ours::SignInFirst,
        "security.md §7 KW \"successes counted instead of failures\", \"Do: count failures\"",
    ),
    Rule::new(
        "successes-do-not-block-listing",
        Steps::Named(&["15/good-api"]),
        Ours::Listing(Who::Anonymous),
        "security.md §7 KW \"successes counted instead of failures\", \"Do: count failures\"",
    ),
    Rule::new(
        "successes-do-not-block-pages",
        Steps::Named(&["15/good-login-page"]),
        Ours::Page,
        "security.md §7 KW \"successes counted instead of failures\", \"Do: count failures\"",
    ),
    Rule::new(
        "successes-do-not-block-files",
        Steps::Named(&["15/good-static"]),
        Ours::Plain(404),
        "security.md §7 KW \"successes counted instead of failures\"; the file is one of the reference",
    ),
    Rule::new(
        "successes-do-not-block-methods",
        Steps::Named(&["15/good-put"]),
        Ours::Plain(405),
        "security.md §7 KW \"successes counted instead of failures\"; attack-checks.md 25: 405",
    ),
    // Runs.
    Rule::new(
        "group-is-ended",
        Steps::Named(&["21/grandchild"]),
        Ours::AnyOf(&[Ours::TimedOut { code: -9 }, Ours::TimedOut { code: -15 }]),
        "scripts.md §8 KW \"a grandchild holding the pipe blocks the server\", \"Do: own process group, \
         kill the group\"",
    ),
    Rule::new(
        "script-is-checked",
        Steps::Named(&["21/removed"]),
        Ours::Plain(500),
        "issue 3, item 7: \"the file is opened, checked … and executed by handle\"; http-api.md §5: \
         \"cannot start → 500\"",
    ),
    Rule::new(
        "ended-by-term",
        Steps::Named(&["21/sleep-over"]),
        Ours::TimedOut { code: -15 },
        "issue 2, item 5: \"on timeout the whole process group ends (TERM, then KILL)\"",
    )
    .or_as_recorded(),
    // Accounts whose tools come later.
    Rule::new(
        "ended-with-the-account",
        Steps::Named(&["05/del-user-session"]),
        Ours::SignInFirst,
        "security.md §3 KW user frozen at login, \"rights changes need a new login\"; the account is gone",
    ),
    Rule::new(
        "ended-with-the-password",
        Steps::Named(&["05/bob-pw-session"]),
        Ours::AnyOf(&[Ours::StandIn, Ours::SignInFirst]),
        "issue 4 builds the tools; a changed password may end sessions (security.md §3)",
    ),
    Rule::new(
        "names-are-not-escaped",
        Steps::Named(&["05/html-login"]),
        Ours::Cookie(6),
        "security.md §8 KW \"escaping at input time corrupts names\", \"Do: … escape again only where \
         not yet escaped\"",
    ),
    Rule::new(
        "built-in-users-have-no-password",
        Steps::Named(&["05/reset-one-login"]),
        Ours::Cookie(0),
        "issue 4 builds change_user_password.py; users 0 and 1 are built in (security.md §2)",
    ),
    Rule::new(
        "unmade-account",
        Steps::Named(&["05/group-text-id-login"]),
        Ours::Cookie(0),
        "issue 4 builds add_user.py: nobody made that account",
    ),
    Rule::new(
        "undeleted-account",
        Steps::Named(&["05/del-admin-login"]),
        Ours::Cookie(2),
        "issue 4 builds delete_user.py: nobody deleted that account",
    ),
    Rule::new(
        "declared-types-are-checked",
        Steps::Named(&[
            "05/users-bad", "05/group-add-missing", "05/user-add-text-id", "05/reset-text",
            "05/del-user-text", "05/group-text-id",
        ]),
        Ours::Plain(400),
        "issue 2, item 5: \"declared argument types … are checked on the server\"; scripts.md §6 KW \
         \"Do: … a per-script strict mode\"",
    ),
    // Everywhere.
    Rule::new(
        "tools-come-later",
        Steps::All(is_tool_run),
        Ours::StandIn,
        "issue 4 builds the tools of builtin-scripts.md; here their entries and access rules count",
    ),
    Rule::new(
        "error-bodies",
        Steps::All(is_html_error),
        Ours::PlainAsRecorded,
        "spec/README.md, Error bodies: \"the reference's plain text when the client names neither\"",
    ),
    Rule::new(
        "head-has-no-body",
        Steps::All(is_head_with_body),
        Ours::WithoutBody,
        "http-api.md §2 KW \"error pages to HEAD carry a body. Do: never\"",
    ),
    Rule::new(
        "no-files-of-the-reference",
        Steps::All(is_shipped_file),
        Ours::Plain(404),
        "the files of the reference are its own work; ours are below /web/assets/ (web-ui.md B2)",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_step_a_rule_names_exists_and_is_named_once() {
        let mut steps = BTreeSet::new();
        for name in crate::THEMES {
            let number = &name[..2];
            for part in crate::transcript::theme(name).unwrap().parts {
                steps.extend(part.steps.iter().map(|step| format!("{number}/{}", step.id)));
            }
        }
        let mut named = BTreeSet::new();
        for rule in RULES {
            if let Steps::Named(names) = rule.steps {
                for name in names {
                    assert!(steps.contains(*name), "{}: no step {name}", rule.id);
                    assert!(named.insert(*name), "{name} is named twice");
                }
            }
        }
    }

    #[test]
    fn every_rule_concerns_a_step_and_every_failure_of_the_reference_has_a_rule() {
        let mut used = BTreeSet::new();
        for name in crate::THEMES {
            let number = &name[..2];
            for step in crate::transcript::theme(name).unwrap().parts.iter().flat_map(|p| &p.steps)
            {
                let (Some(request), Some(response)) = (&step.request, &step.response) else {
                    continue;
                };
                let concerned: Vec<_> =
                    RULES.iter().filter(|r| r.concerns(number, step, request, response)).collect();
                used.extend(concerned.iter().map(|rule| rule.id));
                let is_failure = response.status() == Some(500)
                    || (response.status().is_none() && !response.body.empty);
                assert!(!is_failure || !concerned.is_empty(), "{name} {}", step.id);
            }
        }

        let unused: Vec<_> = RULES.iter().map(|r| r.id).filter(|id| !used.contains(id)).collect();
        assert!(unused.is_empty(), "{unused:?}");
    }

    #[test]
    fn names_of_rules_are_unique() {
        let names: BTreeSet<_> = RULES.iter().map(|rule| rule.id).collect();

        assert_eq!(names.len(), RULES.len());
    }
}
