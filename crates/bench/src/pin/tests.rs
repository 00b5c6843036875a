//! Pinning: apart while it lasts, as before afterwards.

use std::process::{Command, Stdio};

use super::*;

fn cores(of: &[usize]) -> CpuSet {
    let mut set = CpuSet::new();
    of.iter().for_each(|core| set.set(*core));
    set
}

#[test]
fn the_last_core_is_the_generators_and_the_others_are_the_servers() {
    assert_eq!(split(&cores(&[0, 1])), Some((cores(&[1]), cores(&[0]))));
    assert_eq!(split(&cores(&[1, 3, 6])), Some((cores(&[6]), cores(&[1, 3]))));
    assert_eq!(split(&cores(&[2])), None);
    assert_eq!(split(&cores(&[])), None);
}

#[test]
fn a_server_is_pinned_while_it_lasts() {
    let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    let pid = child.id();
    let before = sched_getaffinity(thread_id(pid)).unwrap();
    let own = sched_getaffinity(None).unwrap();
    if let Some((generator, server)) = split(&own) {
        let pinned = Pinned::apart(&[pid]).unwrap();
        assert_eq!(sched_getaffinity(thread_id(pid)).unwrap(), server);
        assert_eq!(sched_getaffinity(None).unwrap(), generator);
        drop(pinned);
    }
    assert_eq!(sched_getaffinity(thread_id(pid)).unwrap(), before);
    assert_eq!(sched_getaffinity(None).unwrap(), own);
    drop(child.stdin.take());
    child.wait().unwrap();
}
