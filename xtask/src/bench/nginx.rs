//! nginx with one static file, when it is installed.

use std::fs;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::bail;
use tempfile::TempDir;

use super::instance::asset;
use super::running::Running;

/// Debian installs it outside the path of ordinary users.
const PLACES: [&str; 2] = ["nginx", "/usr/sbin/nginx"];
const LONGEST_START: Duration = Duration::from_secs(10);

/// A running nginx; its directory is removed with it.
pub struct Nginx {
    /// The master process.
    pub process: Running,
    /// Where it listens, `IP:PORT`.
    pub address: String,
    _directory: TempDir,
}

impl Nginx {
    /// Starts nginx; `None` when it is not installed.
    pub fn start() -> anyhow::Result<Option<Self>> {
        let Some(program) = PLACES.into_iter().find(|program| is_installed(program)) else {
            return Ok(None);
        };
        let directory = tempfile::Builder::new().prefix("webscripts-bench-nginx-").tempdir()?;
        let path = directory.path();
        fs::write(path.join("bench.css"), asset())?;
        // nginx has no way to choose a free port itself.
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.to_string();
        let configuration = path.join("nginx.conf");
        fs::write(&configuration, configured(&path.to_string_lossy(), &address))?;
        let mut nginx = Command::new(program);
        nginx.arg("-p").arg(path).arg("-c").arg(&configuration);
        let process = Running::start("nginx", nginx, path.join("error.log"))?;
        let end = Instant::now() + LONGEST_START;
        while TcpStream::connect(&address).is_err() {
            if Instant::now() > end {
                bail!("nginx does not listen on {address}{}", process.last_lines());
            }
            process.pause(Duration::from_millis(20))?;
        }
        Ok(Some(Self { process, address, _directory: directory }))
    }
}

fn is_installed(program: &str) -> bool {
    let asked =
        Command::new(program).arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
    !matches!(asked, Err(error) if error.kind() == ErrorKind::NotFound)
}

/// As fast as nginx gets: the file from the page cache by `sendfile`, no log, connections kept.
fn configured(directory: &str, address: &str) -> String {
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("    {kind}_temp_path {directory}/{kind};\n"))
        .concat();
    format!(
        "daemon off;
user root;
worker_processes auto;
pid {directory}/nginx.pid;
error_log stderr;
events {{ worker_connections 1024; }}
http {{
{temporary}    types {{ text/css css; }}
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000000;
    server {{
        listen {address};
        root {directory};
    }}
}}
"
    )
}
