use super::*;

#[test]
fn the_caretaker_can_be_spawned() {
    fn is_send<T: Send>(_: T) {}
    fn spawns(caretaker: Caretaker) {
        is_send(caretaker.run(CancellationToken::new()));
    }
    let _ = spawns;
}
