//! The use cases against a real store on disk and the local bus: what is committed, and what the nodes are told.

mod caretaker;
mod inbox;
mod publish;
mod users;
mod world;
