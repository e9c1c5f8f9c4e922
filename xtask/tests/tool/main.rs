//! Tests of how the tool refuses and fails. tests/ contains the tests of what it makes.

mod output;
mod release;
