//! A server without the portal: one plain page.

use axum::body::Bytes;

use super::File;

pub(super) const INDEX: &str = "index.html";
const PAGE: &str = "<!doctype html>
<html lang=\"en\">
<head><meta charset=\"utf-8\"><title>Fallow</title>
<meta name=\"viewport\" content=\"width=device-width\"></head>
<body>
<h1>Fallow</h1>
<p>This server was built without the web portal. Everything else works: the <code>fallow</code> tool, nodes, and the
API, which is described <a href=\"/api/docs\">here</a>.</p>
<p>To have the portal, build it with <code>npm ci &amp;&amp; npm run build</code> in <code>web-portal/</code>, and then
the server with <code>cargo build --release -p grid-server --features portal</code>.</p>
</body>
</html>
";

/// The page, and nothing else.
pub(super) fn get(name: &str, _accepts: &str) -> Option<File> {
    (name == INDEX).then(|| File { bytes: Bytes::from_static(PAGE.as_bytes()), encoding: None, tag: "plain".into() })
}
