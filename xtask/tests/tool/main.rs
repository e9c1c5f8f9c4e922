//! Tests of the tool, where it refuses and where it fails. tests/ has the tests of what it makes.

mod output;
mod release;
