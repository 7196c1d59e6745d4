//! Each way in which a unit ends by its own doing, and what its author reads.

use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::Call;
use fallow_sandbox::client::{Bytes, FileRange, TaskInput};

use crate::guests;
use crate::rig::{Rig, call, ended, run};

#[tokio::test]
async fn an_output_comes_back_whatever_its_size() {
    let rig = Rig::new(&guests::echo()).await;
    let (mut worker, mut events) = rig.start().await;
    for len in [0, 1, 1 << 14, (1 << 14) + 1, 3 << 20] {
        let input: Vec<u8> = (0..len).map(|index| index as u8 ^ (index >> 8) as u8).collect();
        worker.submit(vec![run(len as u64, &input)]).await.unwrap();
        let (end, _) = ended(&mut events).await;
        assert_eq!((end.outcome, end.tag), (Outcome::Done, len as u64));
        assert!(end.output == input, "{len} bytes");
        assert!(end.fuel > 0 && end.memory_bytes >= 128 << 10);
    }
}

#[tokio::test]
async fn inputs_are_read_from_ranges_of_files() {
    let rig = Rig::new(&guests::echo()).await;
    let path = rig.path("input");
    let bytes: Vec<u8> = (0..2_000_000u32).map(|index| (index % 251) as u8).collect();
    std::fs::write(&path, &bytes).unwrap();
    let range = |offset, len| FileRange { path: path.clone(), offset, len };
    let small = TaskInput::Bytes(Bytes::Files(vec![range(5, 3), range(100, 2)]));
    assert_eq!(rig.end(call(1, Call::Run, small)).await.output, [5, 6, 7, 100, 101]);
    let large = TaskInput::Bytes(Bytes::Files(vec![range(1_000, 1_500_000), range(0, 10)]));
    let expected = [&bytes[1_000..1_501_000], &bytes[..10]].concat();
    assert!(rig.end(call(2, Call::Run, large)).await.output == expected);
    let missing = TaskInput::Bytes(Bytes::Files(vec![range(1_999_000, 2_000)]));
    let end = rig.end(call(3, Call::Run, missing)).await;
    assert!(matches!(end.outcome, Outcome::HostFault { .. }), "{:?}", end.outcome);
}

#[tokio::test]
async fn a_guests_own_error_is_its_message() {
    let rig = Rig::new(&guests::task("", "(call $err (local.get $at) (local.get $len))")).await;
    let end = rig.run("no nuclei in tile 7".as_bytes()).await;
    assert_eq!(end.outcome, Outcome::GuestError { message: "no nuclei in tile 7".into() });
    assert!(end.fuel > 0 && end.output.is_empty());
}

#[tokio::test]
async fn a_trap_names_the_functions() {
    let fields = "(func $segment (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))";
    let rig = Rig::new(&guests::task_with("", fields, "(call $segment (i32.const 0))")).await;
    let end = rig.run(b"").await;
    let Outcome::Trap { message } = &end.outcome else { panic!("{end:?}") };
    assert!(message.contains("divide by zero") && message.contains("segment"), "{message}");
    assert!(end.fuel > 0);
}

#[tokio::test]
async fn a_panic_is_told_by_its_text() {
    let fields = r#"(data (i32.const 64) "panicked at src/lib.rs:12:5:\nindex out of bounds: the len is 3")"#;
    let body = "(call $log (i32.const 64) (i32.const 62)) unreachable";
    let rig = Rig::new(&guests::task_with(guests::HOST, fields, body)).await;
    let end = rig.run(b"").await;
    let Outcome::Trap { message } = &end.outcome else { panic!("{end:?}") };
    assert!(message.starts_with("panicked at src/lib.rs:12:5:\nindex out of bounds: the len is 3"), "{message}");
    assert!(message.contains("unreachable"), "{message}");
}

#[tokio::test]
async fn deep_recursion_is_the_guests_trap() {
    let fields = "(func $deep (param i32) (result i32) (i32.add (i32.const 1) (call $deep (local.get 0))))";
    let rig = Rig::new(&guests::task_with("", fields, "(call $deep (i32.const 0))")).await;
    let (mut worker, mut events) = rig.start().await;
    worker.submit(vec![run(1, b""), run(2, b"")]).await.unwrap();
    for _ in 0..2 {
        let (end, _) = ended(&mut events).await;
        let Outcome::Trap { message } = &end.outcome else { panic!("{end:?}") };
        assert!(message.contains("stack"), "{message}");
    }
}

#[tokio::test]
async fn pointers_out_of_bounds_are_the_guests_trap() {
    let rig = Rig::new(&guests::task("", "(call $ok (i32.const -8) (i32.const 64))")).await;
    let end = rig.run(b"").await;
    assert!(matches!(end.outcome, Outcome::Trap { .. }), "{:?}", end.outcome);
}

#[tokio::test]
async fn a_call_that_the_component_does_not_export_is_no_crash() {
    let rig = Rig::new(&guests::echo()).await;
    let end = rig.end(call(1, Call::Command, TaskInput::Bytes(Bytes::Memory(Vec::new())))).await;
    assert!(matches!(end.outcome, Outcome::Trap { .. }), "{:?}", end.outcome);
}

#[tokio::test]
async fn a_command_reads_its_input_and_writes_its_output() {
    let body = r#"
        (loop $more
            (i32.store (i32.const 0) (i32.const 1024))
            (i32.store (i32.const 4) (i32.const 4096))
            (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
            (if (i32.load (i32.const 8)) (then
                (call $write (i32.const 1) (i32.const 1024) (i32.load (i32.const 8)))
                (br $more))))"#;
    let rig = Rig::new(&guests::command("", body)).await;
    assert!(rig.setup.exports.command && !rig.setup.exports.run);
    let input: Vec<u8> = (0..100_000u32).map(|index| (index % 253) as u8).collect();
    let end = rig.end(call(1, Call::Command, TaskInput::Bytes(Bytes::Memory(input.clone())))).await;
    assert_eq!(end.outcome, Outcome::Done, "{}", String::from_utf8_lossy(&end.log));
    assert!(end.output == input);
}

#[tokio::test]
async fn a_command_sees_its_arguments() {
    // Writes the bytes of all arguments, which end in zeros.
    let body = r#"
        (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
        (drop (call $args_get (i32.const 16) (i32.const 1024)))
        (call $write (i32.const 1) (i32.const 1024) (i32.load (i32.const 4)))"#;
    let mut rig = Rig::new(&guests::command("", body)).await;
    rig.setup.args = vec!["--level".into(), "3".into()];
    let end = rig.end(call(1, Call::Command, TaskInput::Bytes(Bytes::Memory(Vec::new())))).await;
    assert_eq!(String::from_utf8_lossy(&end.output), "command\0--level\x003\0");
}

#[tokio::test]
async fn a_command_that_fails_gives_the_end_of_its_standard_error() {
    let fields = r#"(data (i32.const 1024) "cannot read the header\n")"#;
    let body = "(call $write (i32.const 2) (i32.const 1024) (i32.const 23)) (call $proc_exit (i32.const 3))";
    let rig = Rig::new(&guests::command(fields, body)).await;
    let end = rig.end(call(1, Call::Command, TaskInput::Bytes(Bytes::Memory(Vec::new())))).await;
    let Outcome::GuestError { message } = &end.outcome else { panic!("{end:?}") };
    assert!(message.starts_with("exit status") && message.ends_with("cannot read the header"), "{message}");
    assert_eq!(end.log, b"cannot read the header\n");
}
