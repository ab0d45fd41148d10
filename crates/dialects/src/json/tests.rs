//! What is a document and what isn't.

use super::*;

fn fault(body: &[u8]) -> String {
    match Doc::strict(body) {
        Ok(_) => "fine".to_owned(),
        Err(error) => format!("{} at {:?}", error.code, error.pointer),
    }
}

#[test]
fn only_strict_json_is_read() {
    let table: &[(&[u8], &str)] = &[
        (br#"{"a":[1,-0,2.5e-3,true,false,null,"x"]} "#, "fine"),
        (b"", r#"invalid_json at """#),
        (b"{", r#"invalid_json at """#),
        (b"[1,]", r#"invalid_json at "/1""#),
        (br#"{"a":1,}"#, r#"invalid_json at "/a""#),
        (br#"{"a":1}x"#, r#"invalid_json at """#),
        (br#"{"a":1}{"a":1}"#, r#"invalid_json at """#),
        (br#"{'a':1}"#, r#"invalid_json at """#),
        (br#"{"a":1 /* note */}"#, r#"invalid_json at "/a""#),
        (br#"{"a":01}"#, r#"invalid_json at "/a""#),
        (br#"{"a":.5}"#, r#"invalid_json at "/a""#),
        (br#"{"a":1.}"#, r#"invalid_json at "/a""#),
        (br#"{"a":+1}"#, r#"invalid_json at "/a""#),
        (br#"{"a":1e}"#, r#"invalid_json at "/a""#),
        (br#"{"a":NaN}"#, r#"invalid_json at "/a""#),
        (br#"{"a":tru}"#, r#"invalid_json at "/a""#),
        (b"{\"a\":\"line\nbreak\"}", r#"invalid_json at "/a""#),
        (br#"{"a":"\x"}"#, r#"invalid_json at "/a""#),
        (br#"{"a":"\u12"}"#, r#"invalid_json at "/a""#),
        (br#"{"a":"open}"#, r#"invalid_json at "/a""#),
        (br#"{"a":["\ud800"]}"#, r#"invalid_json at "/a/0""#),
        (br#"{"a":"\udc00\ud800"}"#, r#"invalid_json at "/a""#),
        (br#"{"a":"\ud83d\ude00"}"#, "fine"),
        (b"\xEF\xBB\xBF{}", r#"invalid_json at """#),
        (b"\xFF\xFE{\0}\0", r#"invalid_json at """#),
        (b"{\"a\":\"\xFF\"}", r#"invalid_utf8 at """#),
        (br#"{"a":1,"a":2}"#, r#"duplicate_key at "/a""#),
        (br#"{"a":1,"\u0061":2}"#, r#"duplicate_key at "/a""#),
        (br#"{"x":[{"y":{"a~/b":1,"a~/b":2}}]}"#, r#"duplicate_key at "/x/0/y/a~0~1b""#),
        (br#"{"a":1,"b":{"a":2}}"#, "fine"),
    ];
    for (body, expected) in table {
        assert_eq!(&fault(body), expected, "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn size_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(fault(nested(128).as_bytes()), "fine");
    assert!(fault(nested(129).as_bytes()).starts_with("too_deep"));
    assert!(fault("[".repeat(100_000).as_bytes()).starts_with("too_deep"));
    assert!(fault(format!("[{}1]", "1,".repeat(600_000)).as_bytes()).starts_with("too_large"));
    assert!(fault("9".repeat(10_000_000).as_bytes()).starts_with("invalid_json"));
    let keys: Vec<String> = (0..100_000).map(|key| format!("\"k{key}\":0")).collect();
    assert_eq!(fault(format!("{{{}}}", keys.join(",")).as_bytes()), "fine");
    let twice = format!("{{{},\"k7\":1}}", keys.join(","));
    assert_eq!(fault(twice.as_bytes()), r#"duplicate_key at "/k7""#);
}

#[test]
fn values_are_found_by_span_and_text() {
    let body = r#"{"a": {"b\n": ["x", {"c": "\u4e2d\ud83d\ude00\\"}]}, "d": 12}"#;
    let doc = Doc::strict(body.as_bytes()).unwrap();
    let text = doc.root().get_in(&["a", "b\n"]).unwrap().items().nth(1).unwrap().get("c").unwrap();
    assert_eq!(text.text().unwrap(), "中😀\\");
    assert_eq!(text.text_bytes(), 8);
    assert_eq!(&body[text.span()], r#""\u4e2d\ud83d\ude00\\""#);
    assert_eq!(text.pointer(), "/a/b\n/1/c");
    assert_eq!(doc.root().get("d").unwrap().raw(), "12");
    assert!(doc.root().get("e").is_none());
}

#[test]
fn answers_are_read_leniently() {
    let doc =
        Doc::lenient(br#"{"a":{"data":7},"usage":{"n":1},"data":[[1,2,{"x":"y"}]],"usage":{"n":2},"s":"\ud800"}"#, &["data"]).unwrap();
    assert_eq!(doc.root().get_in(&["usage", "n"]).unwrap().raw(), "2");
    assert_eq!(doc.root().get("data").unwrap().kind(), Kind::Skipped);
    assert_eq!(doc.root().get_in(&["a", "data"]).unwrap().kind(), Kind::Skipped);
    assert_eq!(doc.root().get("s").unwrap().text_bytes(), 3);
    assert!(Doc::lenient(br#"{"data":[1,}"#, &["data"]).is_err());
}
