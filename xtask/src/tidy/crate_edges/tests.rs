//! Edges that point up are found in each way a manifest can write them.

use super::super::tree::Tree;
use super::check;

const NONE: [usize; 0] = [];

fn lines(path: &str, manifest: &str) -> Vec<usize> {
    check(&Tree::of(&[(path, manifest)])).iter().map(|finding| finding.line).collect()
}

#[test]
fn an_edge_down_is_fine() {
    let manifest = "[dependencies]\nmillpond-core.workspace = true\nmillpond-log = { path = \"../log\" }\n";
    assert_eq!(lines("crates/store/Cargo.toml", manifest), NONE);
}

#[test]
fn an_edge_up_is_found_however_it_is_written() {
    let up = [
        "[dependencies]\nmillpond-engine.workspace = true\n",
        "[dependencies]\nqueue = { workspace = true, package = \"millpond-engine\" }\n",
        "[dependencies.millpond-engine]\nworkspace = true\n",
        "[target.'cfg(unix)'.dependencies]\nmillpond-engine.workspace = true\n",
        "[build-dependencies]\nmillpond-engine.workspace = true\n",
    ];
    for manifest in up {
        assert_eq!(check(&Tree::of(&[("crates/store/Cargo.toml", manifest)])).len(), 1, "{manifest}");
    }
}

#[test]
fn clients_link_none_of_ours() {
    for client in ["sink", "form", "bench", "stack"] {
        let path = format!("crates/{client}/Cargo.toml");
        assert_eq!(lines(&path, "[dependencies]\nmillpond-core.workspace = true\n"), [2]);
    }
}

#[test]
fn tests_may_use_what_is_beside_them_but_not_what_is_built_on_them() {
    let beside = "[dev-dependencies]\nmillpond-server.workspace = true\n";
    assert_eq!(lines("crates/sink/Cargo.toml", beside), NONE);
    assert_eq!(lines("crates/core/Cargo.toml", beside), [2]);
}

#[test]
fn the_own_name_and_comments_are_no_edges() {
    let manifest = "[package]\nname = \"millpond-log\"\n[dependencies]\n# millpond-core\nbytes = \"1\"\n";
    assert_eq!(lines("crates/log/Cargo.toml", manifest), NONE);
}

#[test]
fn a_new_crate_needs_a_place() {
    assert_eq!(lines("crates/extra/Cargo.toml", "[package]\n"), [1]);
}
