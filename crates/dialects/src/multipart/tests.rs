//! Forms that are read, and forms that two parsers could read differently.

use super::*;

const KIND: &str = "multipart/form-data; boundary=XX";

/// A form of parts, each headers and content.
fn form(parts: &[(&str, &str)]) -> String {
    let parts: String = parts.iter().map(|(head, content)| format!("--XX\r\n{head}\r\n\r\n{content}\r\n")).collect();
    format!("{parts}--XX--\r\n")
}

fn told(kind: &str, body: &[u8]) -> String {
    match Form::strict(kind, body) {
        Ok(form) => {
            let part = |part: &Part<'_>| {
                assert_eq!(&body[part.at.clone()], part.bytes);
                format!("{}{}={}", part.name, if part.is_file { "@" } else { "" }, String::from_utf8_lossy(part.bytes))
            };
            form.parts.iter().map(part).collect::<Vec<_>>().join(" ")
        }
        Err(bad) => format!("{}: {}", bad.code, bad.message),
    }
}

#[test]
fn a_form_of_fields_and_files_is_read() {
    let text = "Content-Disposition: form-data; name=\"model\"";
    let file = "Content-Disposition: form-data; name=\"file\"; filename=\"a;b%22.mp3\"\r\nContent-Type: audio/mpeg";
    let table = [
        (form(&[(text, "whisper-1")]), "model=whisper-1"),
        (form(&[(text, "m"), (file, "ID3")]), "model=m file@=ID3"),
        (form(&[(text, "")]), "model="),
        (form(&[(text, "a\r\n--X")]), "model=a\r\n--X"),
        (form(&[("content-disposition:form-data; name=model", "m")]), "model=m"),
        (form(&[("Content-Disposition: form-data; name=\"image[]\"; filename*=UTF-8''%e4.png", "P")]), "image[]@=P"),
        (form(&[(&format!("{text}\r\nContent-Type: text/plain; charset=utf-8"), "m")]), "model=m"),
        (form(&[(&format!("{text}\r\nContent-Length: 1"), "m")]), "model=m"),
        (
            form(&[("Content-Disposition: form-data; name=\"a[]\"", "1"), ("Content-Disposition: form-data; name=\"a[]\"", "2")]),
            "a[]=1 a[]=2",
        ),
        (form(&[(text, "m")]).trim_end().to_owned(), "model=m"),
        ("--XX--".to_owned(), ""),
    ];
    for (body, expected) in table {
        assert_eq!(told(KIND, body.as_bytes()), expected, "{body}");
    }
    assert_eq!(told("Multipart/Form-Data;boundary=\"XX\"", form(&[(text, "m")]).as_bytes()), "model=m");
}

#[test]
fn what_two_parsers_could_read_differently_is_refused() {
    let text = "Content-Disposition: form-data; name=\"model\"";
    let one = form(&[(text, "m")]);
    let head = |head: &str| form(&[(head, "m")]);
    let table = [
        (format!("preamble\r\n{one}"), "begin with its boundary"),
        (format!("\r\n{one}"), "begin with its boundary"),
        (format!("{one}epilogue"), "nothing may follow"),
        (one.replace("--XX--\r\n", ""), "last boundary is missing"),
        (one.replace("\r\n", "\n"), "followed by a line end"),
        (one.replace("--XX\r\n", "--XX \r\n"), "followed by a line end"),
        (form(&[(text, "m\r\n--XXmore")]), "followed by a line end"),
        (form(&[(text, "a"), (text, "b")]), "given twice"),
        (head("Content-Type: text/plain"), "no content-disposition"),
        (head(&format!("{text}\r\n{text}")), "given twice"),
        (head(&format!("{text}\r\n folded: x")), "blank in its name"),
        (head(&format!("{text}\r\nContent-Transfer-Encoding: base64")), "other than"),
        (head(&format!("{text}\r\nContent-Type: text/plain; charset=utf-16")), "charset must be utf-8"),
        (head(&format!("{text}\r\nContent-Length: 9")), "length is wrong"),
        (head("Content-Disposition: attachment; name=\"model\""), "must be form-data"),
        (head("Content-Disposition: form-data"), "must be form-data"),
        (head("Content-Disposition: form-data; name=\"a\"; name=\"b\""), "must be form-data"),
        (head("Content-Disposition: form-data; name=\"mod\\\"el\""), "must be form-data"),
        (head("Content-Disposition: form-data; name=\"file\"; filename=\"a\\\"; name=\"model\""), "must be form-data"),
        (head("Content-Disposition: form-data; name*=utf-8''model"), "must be form-data"),
        (head("Content-Disposition: form-data; name=\"mod%65l\""), "must be form-data"),
        (head("Content-Disposition: form-data; name=\"\""), "must be form-data"),
        (head(&format!("Content-Disposition: form-data; name=\"{}\"", "n".repeat(5_000))), "headers don't end"),
        (format!("{}--XX--", format!("--XX\r\n{text}[]\r\n\r\n\r\n").replace("model\"[]", "m[]\"").repeat(65)), "at most 64 parts"),
    ];
    for (body, expected) in table {
        let told = told(KIND, body.as_bytes());
        assert!(told.contains(expected), "{told:?} for {body:?}");
    }
    for kind in [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=XX; boundary=YY",
        "multipart/form-data; charset=utf-8; boundary=XX",
        "multipart/mixed; boundary=XX",
        "multipart/form-data; boundary=X X",
        "application/json",
    ] {
        assert!(told(kind, one.as_bytes()).contains("content-type must be"), "{kind}");
    }
}

#[test]
fn fields_are_typed_and_their_look_alikes_refused() {
    let part = |name: &str| format!("Content-Disposition: form-data; name=\"{name}\"");
    let text = |name: &str, value: &str| form(&[(&part(name), value)]);
    let read = |body: &str, of: fn(&Form<'_>) -> Result<String, BadRequest>| {
        Form::strict(KIND, body.as_bytes()).and_then(|form| of(&form)).unwrap_or_else(|bad| bad.code.to_owned())
    };
    let count = |value: &str| read(&text("n", value), |form| form.count("n", 1).map(|n| format!("{n:?}")));
    let flag = |value: &str| read(&text("stream", value), |form| form.flag("stream").map(|on| on.to_string()));
    assert_eq!(
        [count("3"), count(""), count("0"), count("+3"), count("1.0")],
        ["Some(3)", "None", "invalid_value", "invalid_value", "invalid_value"]
    );
    assert_eq!([flag("true"), flag("False"), flag("1")], ["true", "false", "invalid_value"]);
    for name in ["Model", "model[]", "MODEL[x]"] {
        assert_eq!(read(&text(name, "m"), |form| form.refuse_look_alikes(&["model"]).map(|()| String::new())), "look_alike_key", "{name}");
    }
    let file = form(&[("Content-Disposition: form-data; name=\"model\"; filename=\"x\"", "m")]);
    assert_eq!(read(&file, |form| form.text("model").map(|text| format!("{text:?}"))), "invalid_value");
}
