//! The code of docs/guides/webhooks.md verifies what Oyez sends, and nothing else.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use oyez_protocol::api::webhooks::WebhookRequest;
use serde_json::{Value, json};

use crate::{
    endpoint::Endpoint,
    world::{World, endpoint},
};

const GUIDE: &str = include_str!("../../../../docs/guides/webhooks.md");
/// The world's clock stands still, and not at the present.
const TOLERANCE: u64 = 1_000_000_000_000;

fn code(fence: &str) -> &'static str {
    let start = GUIDE.find(fence).expect("the guide has this block") + fence.len();
    let rest = &GUIDE[start..];
    &rest[..rest.find("```").unwrap()]
}

/// Runs a program with a case on its standard input, and returns what it prints.
fn run(program: &str, arguments: &[&str], case: &Value) -> String {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}; `tests/install` installs it"));
    child.stdin.take().unwrap().write_all(case.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_lowercase()
}

#[tokio::test]
async fn its_python_and_its_javascript_accept_what_is_signed_and_nothing_else() {
    let (world, receiver) = (World::new().await, Endpoint::start().await);
    let request =
        WebhookRequest { url: receiver.url("/"), events: vec!["*".into()], ..WebhookRequest::default() };
    let made = world.webhooks.put(&endpoint("app"), &request).await.unwrap().0;
    // With two signatures, the second of which is by the secret that the application has still.
    world.webhooks.rotate(&endpoint("app"), Default::default()).await.unwrap();
    world.webhooks.test(&endpoint("app")).await.unwrap();
    let received = &receiver.taken()[0];
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers: serde_json::Map<String, Value> =
        names.iter().map(|name| (name.to_string(), Value::from(received.header(name)))).collect();
    let body = std::str::from_utf8(&received.body).unwrap();
    let good = json!({"secret": made.secret, "headers": headers, "body": body});
    let mut forged = good.clone();
    forged["body"] = format!("{body} ").into();
    let mut foreign = good.clone();
    foreign["secret"] = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".into();
    let mut unsigned = good.clone();
    unsigned["headers"] = json!({});
    let python = format!(
        "{}\nimport json, sys\ncase = json.load(sys.stdin)\n\
         print(verify(case['secret'], case['headers'], case['body'].encode(), {TOLERANCE}))",
        code("```python verify.py\n")
    );
    let javascript = format!(
        "{}\nimport {{ readFileSync }} from 'node:fs';\nconst it = JSON.parse(readFileSync(0, 'utf8'));\n\
         console.log(verify(it.secret, it.headers, Buffer.from(it.body), {TOLERANCE}));",
        code("```js verify.mjs\n")
    );
    let programs: [(&str, Vec<&str>); 2] =
        [("python3", vec!["-c", &python]), ("node", vec!["--input-type=module", "-e", &javascript])];
    for (program, arguments) in programs {
        for (case, expected) in
            [(&good, "true"), (&forged, "false"), (&foreign, "false"), (&unsigned, "false")]
        {
            assert_eq!(run(program, &arguments, case), expected, "{program}: {case}");
        }
    }
}
