//! Exit codes, one for each kind of failure.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | all statements succeeded |
//! | 1 | a statement is wrong: syntax, names, types, or not supported |
//! | 2 | the arguments are wrong |
//! | 3 | the configuration or a secret is wrong |
//! | 4 | a store cannot be reached, or refuses the user |
//! | 5 | memory or time ran out |
//! | 6 | a store failed while it ran the query, or holds a value that cannot be represented |
//! | 70 | a bug in Medley |
//! | 130 | interrupted by Ctrl-C |

use medley_engine::Error;
use medley_engine::error::Category;

pub(crate) const SUCCESS: u8 = 0;
pub(crate) const USAGE: u8 = 2;
pub(crate) const INTERNAL: u8 = 70;
pub(crate) const INTERRUPTED: u8 = 130;

pub(crate) fn code_of(error: &Error) -> u8 {
    match error.category() {
        Category::Statement => 1,
        Category::Config => 3,
        Category::Connection => 4,
        Category::Limit => 5,
        Category::Execution => 6,
        Category::Internal => INTERNAL,
    }
}
