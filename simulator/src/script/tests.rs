use super::*;

#[test]
fn the_last_directive_of_a_text_is_found_whole() {
    let table = [
        ("no directive", None),
        ("say [[sim output=5]] and go", Some(" output=5")),
        ("[[sim output=5]] then [[sim output=6]]", Some(" output=6")),
        ("[[sim output=5]] and an open [[sim output", Some(" output=5")),
        ("[[simple]] [[sim]]", Some("")),
        (r#"[[sim tool=Bash:{"command":"[[ -f x ]] && echo ]]"}]] tail"#, Some(r#" tool=Bash:{"command":"[[ -f x ]] && echo ]]"}"#)),
        (
            r#"[[sim turns: tool=Task:{"prompt":"do [[sim output=9]]"} | text=done ]]"#,
            Some(r#" turns: tool=Task:{"prompt":"do [[sim output=9]]"} | text=done "#),
        ),
    ];
    for (text, inside) in table {
        assert_eq!(find(text).map(|found| found.inside), inside, "{text}");
    }
}

#[test]
fn words_set_what_a_turn_does() {
    let turn = Turn::parse(
        r#"output=500 chunks=10 delay_ms=20 reasoning=100 text="two words" tool=Bash:{"command":"echo hi"} fault=http_429 wide"#,
    );
    assert_eq!((turn.output, turn.chunks, turn.delay_ms, turn.reasoning), (Some(500), Some(10), Some(20), Some(100)));
    assert_eq!(turn.text.as_deref(), Some("two words"));
    assert_eq!(turn.tools, [ToolAsk { name: "Bash".to_owned(), arguments: r#"{"command":"echo hi"}"#.to_owned() }]);
    assert_eq!(turn.script, tokens::Script::Wide);
    assert!(turn.fault.is_some() && turn.notes.is_empty(), "{:?}", turn.notes);
}

#[test]
fn a_word_that_makes_no_sense_is_noted() {
    for text in ["output=many", "fault=gremlins", "colour=red"] {
        assert_eq!(Turn::parse(text).notes.len(), 1, "{text}");
    }
}

#[test]
fn turns_are_counted_and_the_last_one_ends_the_agent() {
    let script = Script::parse(r#"turns: output=30 tool=Bash:{"command":"a | b"} | output=20 tool=Task:{} | output=40 text=done "#);
    assert_eq!(script.len(), 3);
    assert_eq!(script.turn(0).tools[0].arguments, r#"{"command":"a | b"}"#);
    assert_eq!(script.turn(1).tools[0].name, "Task");
    assert_eq!(script.turn(2).text.as_deref(), Some("done"));
    assert_eq!(script.turn(9).output, Some(40));

    let once = Script::parse("output=5 tool=Bash:{}");
    assert_eq!((once.turn(0).tools.len(), once.turn(1).tools.len()), (1, 0));
    let forever = Script::parse("output=5 loop tool=Bash:{}");
    assert_eq!(forever.turn(50).tools.len(), 1);
}
