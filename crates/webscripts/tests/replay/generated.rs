//! Requests that were too long to be kept: built again from their description.

use anyhow::{Result, bail};
use serde_json::json;
use webscripts_testkit::json::python_text;

/// The body of the step `id`, whose recorded form is a description alone.
pub fn body(id: &str) -> Result<Vec<u8>> {
    let text = match id {
        // Input that is not read.
        "no-read-big" => run(&json!("x".repeat(1_000_000)), true),
        // Command lines near and beyond the limits of the kernel.
        "args-too-long" => run(&json!("x".repeat(140_000)), false),
        "args-many" => run(&json!(vec!["x".repeat(1000); 1900]), false),
        "args-too-many" => run(&json!(vec!["x".repeat(1000); 3000]), false),
        "deep-json" | "deep-json-anon" => {
            format!("{{\"arguments\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000))
        }
        "long-number" => {
            format!(
                "{{\"arguments\":{{\"a\":{{\"value\":{},\"input\":false}}}}}}",
                "1".repeat(5000)
            )
        }
        "large-body-anon" | "large-body-no-origin" => "x".repeat(5_000_000),
        other => bail!("nobody knows how to build the body of {other}"),
    };
    Ok(text.into_bytes())
}

/// The whole request of the step `id`, with placeholders.
pub fn raw(id: &str) -> Result<String> {
    const GET: &str = "GET / HTTP/1.1\r\nHost: <HOST>\r\n";
    Ok(match id {
        "long-path-8k" => long_path(8000),
        "long-path-65k" => long_path(65_500),
        "long-path-70k" => long_path(70_000),
        "long-header-60k" => format!("{GET}X-A: {}\r\n\r\n", "a".repeat(60_000)),
        "long-header-70k" => format!("{GET}X-A: {}\r\n\r\n", "a".repeat(70_000)),
        "headers-200" => {
            let headers: Vec<String> =
                (0..200).map(|number| format!("X-{number}: a\r\n")).collect();
            format!("{GET}{}\r\n", headers.concat())
        }
        other => bail!("nobody knows how to build the request {other}"),
    })
}

fn run(value: &serde_json::Value, input: bool) -> String {
    python_text(&json!({"arguments": {"a": {"value": value, "input": input}}}))
}

fn long_path(length: usize) -> String {
    format!("GET /{} HTTP/1.1\r\nHost: <HOST>\r\n\r\n", "a".repeat(length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::{Request, Step, Text, theme};

    /// The address of the recording, whose length is part of the recorded lengths.
    const RECORDED_HOST: &str = "127.0.0.1:8901";

    fn described() -> Vec<(String, Request)> {
        let steps = crate::THEMES.iter().flat_map(|name| theme(name).unwrap().parts);
        let steps = steps.flat_map(|part| part.steps);
        let requests = steps.filter_map(|Step { id, request, .. }| Some((id, request?)));
        requests.collect()
    }

    #[test]
    fn every_described_body_is_built_in_its_length_and_beginning() {
        let mut seen = 0;
        for (id, request) in described() {
            let json =
                request.json.as_ref().and_then(|json| json.as_object()?.get("length")?.as_u64());
            if let Some(length) = json {
                assert_eq!(body(&id).unwrap().len() as u64, length, "{id}");
                seen += 1;
            }
            if let Some(Text::Described { length, first_120, .. }) = request.text {
                let built = body(&id).unwrap();
                assert_eq!(built.len(), length, "{id}");
                assert!(built.starts_with(first_120.as_bytes()), "{id}");
                seen += 1;
            }
        }
        assert_eq!(seen, 9);
    }

    #[test]
    fn every_described_request_is_built_in_its_length_and_beginning() {
        let mut seen = 0;
        for (id, request) in described() {
            if let Some(Text::Described { length, first_120, .. }) = request.raw {
                let built = raw(&id).unwrap();
                assert_eq!(built.replace("<HOST>", RECORDED_HOST).len(), length, "{id}");
                assert!(built.starts_with(&first_120), "{id}");
                seen += 1;
            }
        }
        assert_eq!(seen, 6);
    }
}
