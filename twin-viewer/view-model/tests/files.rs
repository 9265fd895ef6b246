//! What is wished for as a file.

use terrarium_view_model::{Command, Connection, FileWish, Report, ViewState};

const NOW_MS: i64 = 1_777_615_200_000;

#[test]
fn a_link_is_saved_as_it_is_shown() {
    let mut state = ViewState::default();
    state.apply(Command::SaveLink);
    assert_eq!(state.take_file_wishes(), [], "there is no park to lead to");
    state.take(Report::Park {
        definition: include_str!("../../../deploy/parks/haotian.toml").into(),
        first_ms: None,
        now_ms: NOW_MS,
    });
    state.take(Report::Connection(Connection::Live));
    state.apply(Command::SaveLink);
    let wishes = state.take_file_wishes();
    let [FileWish::Text { name, text }] = &wishes[..] else {
        panic!("one text: {wishes:?}");
    };
    assert!(
        name.starts_with("haotian-") && name.ends_with("-link.txt"),
        "{name}"
    );
    assert_eq!(text.trim_end(), state.link());
}
