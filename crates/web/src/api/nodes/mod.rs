//! `POST /api/output/nodes`: HTML that a script printed, sanitised, as a tree that a page can
//! build from without ever parsing markup (Trusted Types, web-ui.md B9).

mod cost;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ego_tree::NodeRef;
use scraper::{Html, Node};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

use super::{body, json as json_answer};
use crate::Web;
use crate::caller::WhoCalls;
use crate::problem::Problem;

/// Texts that are parsed at the same time.
static TURNS: Semaphore = Semaphore::const_new(2);
/// Longest HTML that is looked at.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Most nodes of the answer.
const MAX_NODES: usize = 50_000;
/// Deepest nesting of the answer.
const MAX_DEPTH: usize = 64;

#[derive(serde::Deserialize)]
struct Request {
    html: String,
}

/// Sanitises and answers `{"nodes": [...], "dropped": n, "csrf"}`; a node is `{"text"}` or
/// `{"tag", "attrs", "children"}`. Nothing changes; the token only keeps the page supplied.
pub async fn nodes(
    State(web): State<Web>,
    WhoCalls(caller): WhoCalls,
    body: Body,
) -> Result<Response, Problem> {
    let bytes = body::read(body, MAX_BYTES).await?;
    let request: Request = serde_json::from_slice(&bytes).map_err(|error| {
        let message = format!("The body is not valid: {error}.");
        Problem::new(StatusCode::BAD_REQUEST, "not-json", message)
    })?;
    if !cost::is_bounded(&request.html) {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "html-too-complex",
            "This HTML is too large or nested too deeply to be shown as a page.",
        ));
    }
    let csrf = web.app.issue_csrf_token(&caller)?;
    let turn = TURNS.acquire().await.map_err(|error| Problem::internal(&error))?;
    let text = tokio::task::spawn_blocking(move || {
        // The work goes on when nobody waits for it any more; its turn ends with it.
        let _turn = turn;
        let mut answer = tree(&request.html);
        answer.extend(csrf.map(|token| ("csrf".to_owned(), token.into())));
        Value::Object(answer).to_string()
    })
    .await
    .map_err(|error| Problem::internal(&error))?;
    Ok(json_answer(text))
}

fn tree(html: &str) -> Map<String, Value> {
    let clean = sanitiser().clean(html).to_string();
    let fragment = Html::parse_fragment(&clean);
    let mut budget = Budget { left: MAX_NODES, dropped: 0 };
    let nodes = children(*fragment.root_element(), 0, &mut budget);
    let mut answer = Map::new();
    answer.insert("nodes".to_owned(), nodes.into());
    answer.insert("dropped".to_owned(), budget.dropped.into());
    answer
}

/// How many nodes may still be answered, and how many were left out.
struct Budget {
    left: usize,
    dropped: usize,
}

/// Text, tables, lists and `data:` images; no styles, classes, ids, forms or scripts.
fn sanitiser() -> ammonia::Builder<'static> {
    let mut builder = ammonia::Builder::default();
    builder
        .link_rel(Some("noopener noreferrer nofollow"))
        .add_tags(["figure", "figcaption", "main", "section", "header", "footer", "article"])
        .add_url_schemes(["data"])
        .attribute_filter(|element, attribute, value| match (element, attribute) {
            ("img", "src") if !value.starts_with("data:image/") => None,
            ("a", "href") if value.starts_with("data:") => None,
            _ => Some(value.into()),
        });
    builder
}

fn children(node: NodeRef<'_, Node>, depth: usize, budget: &mut Budget) -> Vec<Value> {
    let mut out = Vec::new();
    for child in node.children() {
        if budget.left == 0 || depth > MAX_DEPTH {
            budget.dropped += 1;
            continue;
        }
        budget.left -= 1;
        match child.value() {
            Node::Text(text) => out.push(json!({ "text": &**text })),
            Node::Element(element) => {
                let attributes: Map<String, Value> =
                    element.attrs().map(|(name, value)| (name.to_owned(), value.into())).collect();
                out.push(json!({
                    "tag": element.name(),
                    "attrs": attributes,
                    "children": children(child, depth + 1, budget),
                }));
            }
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_a_tree_of_allowed_elements() {
        let answer =
            tree("<h1>A &amp; b</h1><p class=x onclick=y()>t<script>alert(1)</script></p>");

        assert_eq!(
            Value::Object(answer),
            json!({
                "nodes": [
                    {"tag": "h1", "attrs": {}, "children": [{"text": "A & b"}]},
                    {"tag": "p", "attrs": {}, "children": [{"text": "t"}]},
                ],
                "dropped": 0,
            })
        );
    }

    #[test]
    fn nothing_that_runs_or_loads_survives() {
        let hostile = "<base href=//evil><meta http-equiv=refresh content=0><img src=//evil/x>\
            <img src=x onerror=alert(1)><svg onload=alert(1)></svg><a href=javascript:x>j</a>\
            <iframe srcdoc=x></iframe><form action=/api/><input></form><style>*{}</style>\
            <a href=\"data:text/html,x\">d</a><math><mtext></math>";
        let text = Value::Object(tree(hostile)).to_string();

        for word in
            ["evil", "onerror", "onload", "javascript", "iframe", "form", "style", "data:text"]
        {
            assert!(!text.contains(word), "{word} in {text}");
        }
    }

    #[test]
    fn the_answer_is_bounded() {
        let deep = Value::Object(tree(&"<div>".repeat(100))).to_string();
        let long = tree(&"<br>".repeat(60_000));

        assert_eq!(deep.matches("\"tag\"").count(), MAX_DEPTH + 1);
        assert_eq!(long.get("dropped"), Some(&json!(10_000)));
    }
}
