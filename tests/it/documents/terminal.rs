//! What the README says of the commands for people.

use std::collections::BTreeSet;

use super::markdown::rows;
use super::program::COMMANDS;
use super::section;

#[test]
fn the_table_of_commands_has_every_command() {
    let shown = section("At a terminal");
    let table: BTreeSet<_> = rows(&shown)
        .iter()
        .filter(|row| row.len() == 2)
        .map(|row| row[0].trim_matches('`').split(' ').next().unwrap().to_owned())
        .collect();
    let others = ["serve", "help"].map(str::to_owned);
    let known: BTreeSet<_> = COMMANDS.map(str::to_owned).into_iter().chain(others).collect();
    assert_eq!(known, table, "left: the program; right: README.md, At a terminal");
}
