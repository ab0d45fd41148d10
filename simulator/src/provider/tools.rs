//! From the tool that a script names to one that the client really offers.

use super::ask::{Tool, ToolKind};
use crate::script::ToolAsk;
use serde_json::{Map, Value, json};

/// A tool call of the fake model.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    /// The offered tool's name.
    pub name: String,
    /// How it is called.
    pub kind: ToolKind,
    /// The group it was offered in.
    pub namespace: Option<String>,
    /// JSON arguments, or the free text.
    pub arguments: String,
}

/// Names that mean "run a command", best first.
const SHELLS: [&str; 10] = [
    "Bash",
    "bash",
    "exec_command",
    "shell_command",
    "shell",
    "local_shell",
    "container.exec",
    "run_shell_command",
    "unified_exec",
    "run_command",
];
/// Names that mean "start a sub-agent".
const AGENTS: [&str; 4] = ["Task", "Agent", "task", "spawn_agent"];

/// The call to make, and a note when it isn't exactly the one asked for. `None` when nothing on offer comes close.
pub fn choose(ask: &ToolAsk, offered: &[Tool]) -> (Option<ToolCall>, Option<String>) {
    if let Some(tool) = offered.iter().find(|tool| tool.name == ask.name) {
        return (Some(call(tool, ask.arguments.clone())), None);
    }
    let Some(tool) = closest(&ask.name, offered) else {
        return (None, Some(format!("tool {} is not offered and nothing like it is", ask.name)));
    };
    let note = format!("tool {} is not offered, {} was called", ask.name, tool.name);
    (Some(call(tool, adapt(&ask.arguments, tool))), Some(note))
}

fn closest<'a>(name: &str, offered: &'a [Tool]) -> Option<&'a Tool> {
    let by_name = |wanted: &str| offered.iter().find(|tool| tool.name == wanted);
    if let Some(tool) = offered.iter().find(|tool| tool.name.eq_ignore_ascii_case(name)) {
        return Some(tool);
    }
    if AGENTS.contains(&name) {
        return AGENTS.iter().find_map(|agent| by_name(agent));
    }
    let shell = SHELLS.iter().find_map(|shell| by_name(shell));
    shell.or_else(|| offered.iter().find(|tool| tool.kind == ToolKind::LocalShell))
}

fn call(tool: &Tool, arguments: String) -> ToolCall {
    ToolCall { name: tool.name.clone(), kind: tool.kind, namespace: tool.namespace.clone(), arguments }
}

/// Arguments written for one shell or agent tool, in the words of another.
fn adapt(arguments: &str, tool: &Tool) -> String {
    let Ok(Value::Object(given)) = serde_json::from_str(arguments) else {
        return arguments.to_owned();
    };
    if tool.kind == ToolKind::LocalShell {
        return json!({ "command": ["bash", "-lc", command(&given)] }).to_string();
    }
    let properties = tool.schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut adapted = Map::new();
    if given.contains_key("command") || given.contains_key("cmd") {
        let is_list = properties.get("command").and_then(|p| p.get("type")).is_some_and(|kind| kind == "array");
        match () {
            () if properties.contains_key("cmd") => adapted.insert("cmd".to_owned(), json!(command(&given))),
            () if is_list => adapted.insert("command".to_owned(), json!(["bash", "-lc", command(&given)])),
            () => adapted.insert("command".to_owned(), json!(command(&given))),
        };
    }
    for (key, value) in given {
        if properties.contains_key(&key) && !adapted.contains_key(&key) {
            adapted.insert(key, value);
        }
    }
    fill_required(&tool.schema, &mut adapted);
    Value::Object(adapted).to_string()
}

/// The command line in any of the forms that shell tools take.
fn command(given: &Map<String, Value>) -> String {
    let value = given.get("command").or_else(|| given.get("cmd")).cloned().unwrap_or_default();
    match value {
        Value::String(line) => line,
        Value::Array(words) => words.last().and_then(Value::as_str).unwrap_or("true").to_owned(),
        _ => "true".to_owned(),
    }
}

fn fill_required(schema: &Value, arguments: &mut Map<String, Value>) {
    let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    for name in required.iter().filter_map(Value::as_str) {
        if !arguments.contains_key(name) {
            let of = schema.pointer(&format!("/properties/{name}")).cloned().unwrap_or_default();
            arguments.insert(name.to_owned(), sample(&of, 0));
        }
    }
}

/// A smallest value that a JSON schema allows; enough for structured outputs and required arguments.
pub fn sample(schema: &Value, depth: usize) -> Value {
    if let Some(value) = schema.get("const").or_else(|| schema.pointer("/enum/0")) {
        return value.clone();
    }
    for choice in ["anyOf", "oneOf", "allOf"] {
        if let Some(first) = schema.get(choice).and_then(|list| list.get(0)).filter(|_| depth < 16) {
            return sample(first, depth + 1);
        }
    }
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str).unwrap_or("string"),
        Some(Value::String(kind)) => kind,
        _ if schema.get("properties").is_some() => "object",
        _ => "string",
    };
    match kind.to_ascii_lowercase().as_str() {
        "object" => sample_object(schema, depth),
        "array" => json!([]),
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        "boolean" => json!(true),
        "null" => Value::Null,
        _ => json!("plan"),
    }
}

fn sample_object(schema: &Value, depth: usize) -> Value {
    let mut object = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, of) in properties.into_iter().flatten().filter(|_| depth < 16) {
        object.insert(name.clone(), sample(of, depth + 1));
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str, kind: ToolKind, schema: Value) -> Tool {
        Tool { name: name.to_owned(), kind, schema, namespace: None }
    }

    #[test]
    fn the_closest_offered_tool_is_called_in_its_own_words() {
        let command = r#"{"command":"ls"}"#;
        let list = json!({"properties": {"command": {"type": "array"}}, "required": ["command"]});
        let cmd = json!({"properties": {"cmd": {"type": "string"}, "why": {"type": "string"}}, "required": ["cmd", "why"]});
        let rows = [
            ("Bash", "Bash", ToolKind::Function, json!({}), command, false),
            ("Bash", "shell", ToolKind::Function, list, r#"{"command":["bash","-lc","ls"]}"#, true),
            ("Bash", "exec_command", ToolKind::Function, cmd, r#"{"cmd":"ls","why":"plan"}"#, true),
            ("Bash", "local_shell", ToolKind::LocalShell, json!({}), r#"{"command":["bash","-lc","ls"]}"#, true),
            ("Task", "Agent", ToolKind::Function, json!({"properties": {"command": {"type": "string"}}}), command, true),
        ];
        for (asked, offered, kind, schema, arguments, is_noted) in rows {
            let ask = ToolAsk { name: asked.to_owned(), arguments: command.to_owned() };
            let (call, note) = choose(&ask, &[tool(offered, kind, schema)]);
            let call = call.unwrap();
            assert_eq!((call.name.as_str(), call.arguments.as_str(), note.is_some()), (offered, arguments, is_noted));
        }
        let ask = ToolAsk { name: "Task".to_owned(), arguments: "{}".to_owned() };
        assert_eq!(choose(&ask, &[tool("shell", ToolKind::Function, json!({}))]).0, None);
    }
}
