//! A well-formed request.

use std::net::Ipv4Addr;

use serde_json::Value;

use crate::json;

/// A request to be sent over HTTP/1.1. Headers go out in the order they were added.
#[derive(Debug, Clone)]
pub struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    same_origin: bool,
    body: Option<Vec<u8>>,
    source: Option<Ipv4Addr>,
}

impl Request {
    /// A request with this method and path (with its query).
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            same_origin: false,
            body: None,
            source: None,
        }
    }

    /// A GET request.
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// A POST request.
    pub fn post(path: &str) -> Self {
        Self::new("POST", path)
    }

    /// The sign-in of a program or of the page.
    pub fn sign_in(name: &str, password: &str) -> Self {
        let arguments = serde_json::json!({"--username": name, "--password": password});
        Self::post("/auth/").run(&arguments)
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds `Origin: http://<host of the server>`.
    pub fn same_origin(mut self) -> Self {
        self.same_origin = true;
        self
    }

    /// Adds `Api-Token`; takes what [`Server::sign_in`](crate::Server::sign_in) returned.
    pub fn api_token(self, token: &str) -> Self {
        self.header("Api-Token", token)
    }

    /// Adds the session as a browser sends it; takes what `sign_in` returned.
    pub fn cookie(self, set_cookie: &str) -> Self {
        let value = set_cookie.split(';').next().unwrap_or_default().to_owned();
        self.header("Cookie", &value)
    }

    /// Sets a JSON body and its `Content-Type`.
    pub fn json(self, body: &Value) -> Self {
        let text = json::python_text(body);
        self.header("Content-Type", "application/json").body(text)
    }

    /// Sets the body of a run with these arguments (name → value), and the `Origin` it needs.
    pub fn run(self, arguments: &Value) -> Self {
        self.same_origin().json(&json::run_body(arguments))
    }

    /// Sets the body; `Content-Length` is added.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sends from this loopback address instead of 127.0.0.1.
    pub fn from(mut self, source: Ipv4Addr) -> Self {
        self.source = Some(source);
        self
    }

    /// The address to send from.
    pub fn source(&self) -> Option<Ipv4Addr> {
        self.source
    }

    /// The method.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path with its query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The bytes on the wire for a server at `host`.
    pub fn bytes(&self, host: &str) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        let mut add = |name: &str, value: &str| head.extend([name, ": ", value, "\r\n"]);
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            add("Host", host);
        }
        if self.same_origin {
            add("Origin", &format!("http://{host}"));
        }
        for (name, value) in &self.headers {
            add(name, value);
        }
        if let Some(body) = &self.body {
            add("Content-Length", &body.len().to_string());
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend(self.body.iter().flatten());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_run_has_origin_type_and_length() {
        let request = Request::post("/api/scripts/a.sh").run(&json!({"x": 1}));

        assert_eq!(
            String::from_utf8(request.bytes("h:1")).unwrap(),
            "POST /api/scripts/a.sh HTTP/1.1\r\nHost: h:1\r\nOrigin: http://h:1\r\n\
             Content-Type: application/json\r\nContent-Length: 50\r\n\r\n\
             {\"arguments\": {\"x\": {\"value\": 1, \"input\": false}}}"
        );
    }
}
