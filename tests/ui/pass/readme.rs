//! A program outside of the crate: the derives name nothing that it lacks.
#![deny(warnings, missing_docs)]

use dk_data::{Record, TextEnum};

/// A person.
#[derive(Record, Clone, Debug)]
pub struct Person {
    /// The id.
    #[record(id)]
    pub email: String,
    /// What the person is.
    pub role: Option<Role>,
}

/// A role.
#[derive(TextEnum, Clone, Copy, Debug)]
#[record(rename_all = "lowercase")]
pub enum Role {
    /// Reads.
    Reader,
    /// Writes.
    Writer,
}

fn main() {
    let _ = Person::query().filter(Person::ROLE.ne(Role::Reader).and(Person::EMAIL.ends_with(".org")));
    let _ = Role::Writer;
}
