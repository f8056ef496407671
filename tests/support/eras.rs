//! A server of either era for `mcpdeck serve scripted`: its tools ask for folders and for a visit, run as a task, tell how far they
//! are, never end, or end the server; it has a resource that changes as soon as somebody wants to know of it.

/// The two eras, as the configuration names them.
pub const ERAS: [&str; 2] = ["legacy", "modern"];

/// The page that `visit` wants visited.
pub const PAGE: &str = "https://example.com/grant";

const BOTH: &str = r#"
[[tools]]
name = "folders"
inputSchema = { type = "object" }
[[tools]]
name = "visit"
inputSchema = { type = "object" }
[[tools]]
name = "long"
inputSchema = { type = "object" }
execution = { taskSupport = "required" }
[[tools]]
name = "steps"
inputSchema = { type = "object" }
[[tools]]
name = "slow"
inputSchema = { type = "object" }
[[tools]]
name = "die"
inputSchema = { type = "object" }
[[tools]]
name = "hello"
inputSchema = { type = "object" }

[[on]]
method = "resources/list"
result = { resources = [{ uri = "a://1", name = "one" }] }
[[on]]
method = "resources/templates/list"
result = { resourceTemplates = [{ uriTemplate = "a://{number}", name = "any" }] }
[[on]]
method = "resources/read"
result = { contents = [{ uri = "a://1", text = "the words of one" }] }

# Three times nearly a second, of which no second passes in silence.
[[on]]
method = "tools/call"
tool = "steps"
progress = [
  { progress = 1, total = 4, message = "a quarter", delay_ms = 800 },
  { progress = 2, total = 4, message = "half of it", delay_ms = 800 },
  { progress = 3, total = 4, message = "most of it", delay_ms = 800 },
]
result = { content = [{ type = "text", text = "all the steps" }] }
[[on]]
method = "tools/call"
tool = "slow"
progress = [{ progress = 1, total = 2, message = "half of it" }]
silent = true
[[on]]
method = "tools/call"
tool = "die"
exit = 3
[[on]]
method = "tools/call"
tool = "hello"
result = { content = [{ type = "text", text = "hello to you" }] }
"#;

const LEGACY: &str = r#"
era = "legacy"
capabilities = { tools = {}, resources = { subscribe = true }, tasks = { cancel = {}, requests = { tools = { call = {} } } } }

[[on]]
method = "tools/call"
tool = "folders"
stdout = ['{"jsonrpc":"2.0","id":"q","method":"roots/list"}']
wait_for = "q"
result = { content = [{ type = "text", text = "it was answered" }] }
[[on]]
method = "tools/call"
tool = "visit"
stdout = ['{"jsonrpc":"2.0","id":"v","method":"elicitation/create","params":{"mode":"url","message":"Please connect.","url":"https://example.com/grant","elicitationId":"e"}}']
wait_for = "v"
result = { content = [{ type = "text", text = "it was answered" }] }

[[on]]
method = "tools/call"
tool = "long"
has = "task"
result = { task = { taskId = "T", status = "working", createdAt = "x", lastUpdatedAt = "x", ttl = 60000, pollInterval = 10 } }
[[on]]
method = "tasks/get"
times = 2
result = { taskId = "T", status = "working", statusMessage = "half", pollInterval = 10 }
[[on]]
method = "tasks/get"
result = { taskId = "T", status = "completed", pollInterval = 10 }
[[on]]
method = "tasks/result"
result = { content = [{ type = "text", text = "the task is done" }] }

[[on]]
method = "resources/subscribe"
stdout = [
  '{"jsonrpc":"2.0","id":{id},"result":{}}',
  '{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a://1"}}',
]
silent = true
"#;

const MODERN: &str = r#"
era = "modern"
capabilities = { tools = {}, resources = { subscribe = true }, extensions = { "io.modelcontextprotocol/tasks" = {} } }

[[on]]
method = "tools/call"
tool = "folders"
has = "inputResponses"
result = { content = [{ type = "text", text = "it was answered" }] }
[[on]]
method = "tools/call"
tool = "folders"
result = { resultType = "input_required", inputRequests = { q = { method = "roots/list" } } }
[[on]]
method = "tools/call"
tool = "visit"
has = "inputResponses"
result = { content = [{ type = "text", text = "it was answered" }] }
[[on]]
method = "tools/call"
tool = "visit"
[on.result]
resultType = "input_required"
inputRequests = { v = { method = "elicitation/create", params = { mode = "url", message = "Please connect.", url = "https://example.com/grant" } } }

[[on]]
method = "tools/call"
tool = "long"
result = { resultType = "task", taskId = "T", status = "working", createdAt = "x", lastUpdatedAt = "x", ttlMs = 60000, pollIntervalMs = 10 }
[[on]]
method = "tasks/get"
times = 2
result = { resultType = "complete", taskId = "T", status = "working", statusMessage = "half", pollIntervalMs = 10 }
[[on]]
method = "tasks/get"
result = { resultType = "complete", taskId = "T", status = "completed", result = { content = [{ type = "text", text = "the task is done" }] } }

[[on]]
method = "subscriptions/listen"
stdout = [
  '{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":{id}},"notifications":{"resourceSubscriptions":["a://1"]}}}',
  '{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":{id}},"uri":"a://1"}}',
]
silent = true
"#;

/// The script of the server in one era.
pub fn script(era: &str) -> String {
    let own = if era == "legacy" { LEGACY } else { MODERN };
    own.to_owned() + BOTH
}
