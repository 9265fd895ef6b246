//! The methods of all services: by name, and described in the words of their `.proto` files.

use std::fmt::Write;

use anyhow::bail;
use prost_reflect::{FieldDescriptor, FileDescriptor, Kind, MessageDescriptor, MethodDescriptor};

use crate::wire::descriptors;

/// How deep a description goes into messages within messages.
const DESCRIBED_DEPTH: usize = 3;

/// Every method, by service, each with the first sentence of its documentation.
pub fn list() -> String {
    let mut text = String::new();
    for service in descriptors().services() {
        let _ = writeln!(text, "{}", service.full_name());
        for method in service.methods() {
            let words = documentation(&method.parent_file(), method.path());
            let _ = writeln!(text, "  {:<30} {}", method.name(), first_sentence(&words));
        }
    }
    text += "\n`terrarium call METHOD --describe` tells what a request consists of.";
    text
}

/// The method of a name: its own, one with its service, or the whole.
pub fn find(name: &str) -> anyhow::Result<MethodDescriptor> {
    let wanted = name.trim_start_matches('/').replace('/', ".");
    let all: Vec<MethodDescriptor> = descriptors()
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .collect();
    let found: Vec<&MethodDescriptor> = all
        .iter()
        .filter(|method| {
            let rest = method.full_name().strip_suffix(wanted.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
        .collect();
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => {
            let lower = wanted.to_lowercase();
            let near: Vec<&str> = all
                .iter()
                .map(MethodDescriptor::name)
                .filter(|known| known.to_lowercase().contains(&lower))
                .collect();
            if near.is_empty() {
                bail!("there is no method {name}; `terrarium call` lists them all")
            }
            bail!("there is no method {name}; near it: {}", near.join(", "))
        }
        several => {
            let names: Vec<String> = several
                .iter()
                .map(|method| format!("{}/{}", method.parent_service().name(), method.name()))
                .collect();
            bail!("there are several: name one of {}", names.join(", "))
        }
    }
}

/// Where gRPC finds a method.
pub fn path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

/// What a method does, and the fields of its request and its answer.
pub fn describe(method: &MethodDescriptor) -> String {
    let mut text = format!(
        "{}/{}\n",
        method.parent_service().full_name(),
        method.name()
    );
    indented(
        &mut text,
        1,
        &documentation(&method.parent_file(), method.path()),
    );
    for (title, message, streams) in [
        ("request", method.input(), method.is_client_streaming()),
        ("answer", method.output(), method.is_server_streaming()),
    ] {
        let many = if streams { ", a stream of them" } else { "" };
        let _ = writeln!(text, "\n{title}: {}{many}", message.name());
        describe_fields(&mut text, 1, &message);
    }
    text
}

fn describe_fields(text: &mut String, depth: usize, message: &MessageDescriptor) {
    for field in message.fields() {
        let _ = writeln!(
            text,
            "{:indent$}{}  {}",
            "",
            field.name(),
            kind_of(&field),
            indent = depth * 2
        );
        indented(
            text,
            depth + 2,
            &documentation(&message.parent_file(), field.path()),
        );
        if let Kind::Message(inner) = field.kind()
            && depth < DESCRIBED_DEPTH
        {
            describe_fields(text, depth + 1, &inner);
        }
    }
}

fn kind_of(field: &FieldDescriptor) -> String {
    let kind = match field.kind() {
        Kind::Enum(values) => {
            let names: Vec<String> = values
                .values()
                .map(|value| value.name().to_owned())
                .collect();
            names.join(" | ")
        }
        Kind::Message(message) => message.name().to_owned(),
        Kind::String => "text".to_owned(),
        Kind::Bytes => "bytes".to_owned(),
        Kind::Bool => "true | false".to_owned(),
        Kind::Float | Kind::Double => "number".to_owned(),
        _ => "integer".to_owned(),
    };
    if field.is_list() {
        format!("list of {kind}")
    } else {
        kind
    }
}

/// The comment that stands before a place in a `.proto` file.
fn documentation(file: &FileDescriptor, path: &[i32]) -> String {
    let comments = file
        .file_descriptor_proto()
        .source_code_info
        .iter()
        .flat_map(|info| &info.location)
        .find(|location| location.path == path)
        .map(|location| location.leading_comments().to_owned());
    comments.unwrap_or_default()
}

fn first_sentence(words: &str) -> String {
    let line = words.split_whitespace().collect::<Vec<&str>>().join(" ");
    match line.split_once(". ") {
        Some((first, _)) => format!("{first}."),
        None => line,
    }
}

fn indented(text: &mut String, depth: usize, words: &str) {
    for line in words.lines() {
        let _ = writeln!(text, "{:indent$}{}", "", line.trim(), indent = depth * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_found_by_any_end_of_its_name() {
        for name in [
            "StartIrrigation",
            "WaterService/StartIrrigation",
            "terrarium.water.v1.WaterService/StartIrrigation",
        ] {
            let method = find(name).expect(name);
            assert_eq!(
                path(&method),
                "/terrarium.water.v1.WaterService/StartIrrigation"
            );
        }
    }

    #[test]
    fn an_unknown_method_is_answered_with_what_is_near_it() {
        let error = find("irrigation").expect_err("no method");
        assert!(error.to_string().contains("StartIrrigation"), "{error}");
        let error = find("MakeRain").expect_err("no method");
        assert!(error.to_string().contains("lists them all"), "{error}");
    }

    #[test]
    fn every_method_is_listed_with_words_of_its_own() {
        let list = list();
        let bare: Vec<&str> = list
            .lines()
            .filter(|line| line.starts_with("  ") && line.split_whitespace().count() < 3)
            .collect();
        assert_eq!(bare, Vec::<&str>::new());
        assert!(list.contains("OrderCollection"), "{list}");
    }

    #[test]
    fn a_description_has_the_words_of_every_field() {
        let text = describe(&find("StartIrrigation").expect("a method"));
        assert!(text.contains("zone  text"), "{text}");
        assert!(text.contains("litres  integer"), "{text}");
        assert!(text.contains("answer: StartIrrigationResponse"), "{text}");
    }
}
